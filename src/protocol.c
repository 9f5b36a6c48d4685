/* SPDX-License-Identifier: MIT */
/* The object protocol: hash, equal, describe, call, on objects, and through proxies on what they stand for. */
#include <stdio.h>

#include "weakref.h"

/* ---- what a proxy stands for ---- */

/* Return, with a reference, the object an operation on `obj` acts on: a proxy's referent, else obj itself.
 * NULL: the referent is dead. */
static void *resolve(void *obj) {
    if (!wr_weakref_check_proxy(obj))
        return wr_retain(obj);
    void *referent = wr_weak_get(((struct wr_weakref *)obj)->entry.referent);
    if (referent == NULL)
        stats_count(STAT_STALE_REFS);
    return referent;
}

/* ---- hash ---- */

/* The finalizer of MurmurHash3, a bijection that spreads every bit; by address, since an object keeps its own. */
static uint64_t identity_hash(const void *obj) {
    uint64_t x = (uint64_t)(uintptr_t)obj;
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static int plain_hash(const void *obj, uint64_t *out) {
    const wr_type *type = wr_type_of(obj);
    if (type->hash != NULL)
        return type->hash(obj, out);
    *out = identity_hash(obj);
    return 0;
}

/* S28: the referent's, kept at first use. Threads that race keep the same. Relaxed: each case is told by one word. */
static int ref_hash(struct wr_weakref *ref, uint64_t *out) {
    uint64_t kept = wr_load_relaxed(&ref->hash);
    if (kept != 0 || wr_load_relaxed(&ref->entry.own) != 0) {
        *out = kept;
        return 0;
    }
    void *obj = wr_weak_get(ref->entry.referent);
    if (obj == NULL)
        return -ESTALE;
    int result = plain_hash(obj, out);
    if (result == 0) {
        wr_store_relaxed(&ref->hash, *out);
        if (*out == 0)
            wr_store_relaxed(&ref->entry.own, (uint16_t)1);
    }
    wr_release(obj);
    return result;
}

int wr_hash(void *obj, uint64_t *out) {
    if (obj == NULL || out == NULL)
        return -EINVAL;
    if (wr_weakref_check_proxy(obj))
        return -ENOTSUP;
    return weakref_is(obj) ? ref_hash(obj, out) : plain_hash(obj, out);
}

/* ---- equal ---- */

static bool plain_equal(const void *a, const void *b) {
    const wr_type *type = wr_type_of(a);
    if (a == b || type != wr_type_of(b) || type->equal == NULL)
        return a == b;
    return type->equal(a, b);
}

/* S29: by the referents while both are alive, by identity of the refs otherwise. */
static bool refs_equal(struct wr_weakref *a, struct wr_weakref *b) {
    if (a == b)
        return true;
    bool equal = false;
    void *x = wr_weak_get(a->entry.referent);
    void *y = wr_weak_get(b->entry.referent);
    if (x != NULL && y != NULL)
        equal = plain_equal(x, y);
    wr_release(x);
    wr_release(y);
    return equal;
}

int wr_equal(void *a, void *b) {
    if (a == NULL || b == NULL)
        return -EINVAL;
    int result = -ESTALE;
    void *x = resolve(a);
    void *y = resolve(b);
    if (x != NULL && y != NULL) {
        if (weakref_is(x) && weakref_is(y))
            result = refs_equal(x, y);
        else
            result = plain_equal(x, y); /* a ref and something else differ in type: unequal */
    }
    wr_release(x);
    wr_release(y);
    return result;
}

/* ---- describe ---- */

static const char *name_of(const void *obj) {
    const char *name = wr_type_of(obj)->name;
    return name ? name : "object";
}

int wr_describe(void *obj, char *buf, size_t len) {
    if (obj == NULL || (buf == NULL && len != 0))
        return -EINVAL;
    if (weakref_is(obj)) { /* S30, S35 */
        const char *kind = wr_weakref_check_proxy(obj) ? "weakproxy" : "weakref";
        void *referent = wr_weak_get(((struct wr_weakref *)obj)->entry.referent);
        int result =
            referent ? snprintf(buf, len, "<%s at %p; to '%s' at %p>", kind, obj, name_of(referent), referent)
                     : snprintf(buf, len, "<%s at %p; dead>", kind, obj);
        wr_release(referent);
        return result;
    }
    const wr_type *type = wr_type_of(obj);
    return type->describe ? type->describe(obj, buf, len)
                          : snprintf(buf, len, "<%s at %p>", name_of(obj), obj);
}

/* ---- call ---- */

int wr_call(void *obj, int (*fn)(void *self, void *arg), void *arg, int *result) {
    if (obj == NULL || fn == NULL)
        return -EINVAL;
    void *self = resolve(obj);
    if (self == NULL)
        return -ESTALE;
    int returned = fn(self, arg);
    wr_release(self);
    if (result != NULL)
        *result = returned;
    return 0;
}
