/* SPDX-License-Identifier: MIT */
/* Python's own tests of its weakref C API (test_capi/test_weakref.py, test_object.py, test_misc.py, test_type.py) and
 * of finalization (test_finalization.py, test_gc.py), translated. docs/python.md has the whole table. */
#include "weakrefs.h"

struct all_kinds {
    probe *object;
    wr_weakref *ref, *derived, *proxy;
};
static const wr_type subclass = {
    .abi = WR_TYPE_ABI, .name = "WeakRefSubclass", .size = 8, .base = &wr_weakref_type};

static struct all_kinds make_all(void) {
    probe *o = probe_new(NULL);
    return (struct all_kinds){o, new_ref(o, NULL, NULL), new_derived(o, &subclass, NULL, NULL),
                              new_proxy(o, NULL, NULL)};
}
static void drop_all(struct all_kinds k) {
    wr_release(k.ref);
    wr_release(k.derived);
    wr_release(k.proxy);
    wr_release(k.object);
}

#define CHECK_KINDS(check, ref_, derived_, proxy_)                                                           \
    do {                                                                                                     \
        struct all_kinds k = make_all();                                                                     \
        CHECK_EQ(check(k.object), false);                                                                    \
        CHECK_EQ(check(k.ref), ref_);                                                                        \
        CHECK_EQ(check(k.derived), derived_);                                                                \
        CHECK_EQ(check(k.proxy), proxy_);                                                                    \
        CHECK_EQ(check(NULL), false); /* Python crashes */                                                   \
        drop_all(k);                                                                                         \
    } while (0)

TEST(test_pyweakref_check) {
    CHECK_KINDS(wr_weakref_check, true, true, true);
}
TEST(test_pyweakref_checkref) {
    CHECK_KINDS(wr_weakref_check_ref, true, true, false);
}
TEST(test_pyweakref_checkrefexact) {
    CHECK_KINDS(wr_weakref_check_ref_exact, true, false, false);
}
TEST(test_pyweakref_checkproxy) {
    CHECK_KINDS(wr_weakref_check_proxy, false, false, true);
}

TEST(test_pyweakref_getref) {
    struct all_kinds k = make_all();
    wr_weakref *refs[] = {k.ref, k.derived, k.proxy};
    for (int dead = 0; dead < 2; dead++) {
        for (int i = 0; i < 3; i++) {
            void *obj = &k;
            CHECK_EQ(wr_weakref_get(refs[i], &obj), !dead);
            CHECK_PTR_EQ(obj, dead ? NULL : k.object);
            wr_release(obj);
        }
        if (!dead)
            wr_release(k.object);
    }
    k.object = probe_new(NULL);
    void *obj = &k;
    CHECK_EQ(wr_weakref_get((wr_weakref *)k.object, &obj), -EINVAL);
    CHECK_NULL(obj);
    obj = &k;
    CHECK_EQ(wr_weakref_get(NULL, &obj), -EINVAL);
    CHECK_NULL(obj);
    drop_all(k);
}

TEST(test_pyweakref_isdead) {
    struct all_kinds k = make_all();
    wr_weakref *refs[] = {k.ref, k.derived, k.proxy};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(wr_weakref_is_dead(refs[i]), 0);
    CHECK_EQ(wr_weakref_is_dead((wr_weakref *)k.object), -EINVAL);
    CHECK_EQ(wr_weakref_is_dead(NULL), -EINVAL);
    wr_release(k.object);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(wr_weakref_is_dead(refs[i]), 1);
    k.object = NULL;
    drop_all(k);
}

static void check_new(wr_weakref *(*make)(void *, wr_callback, void *), bool proxy) {
    struct log log = {0};
    probe *o = probe_new(NULL);
    wr_weakref *plain = make(o, NULL, NULL), *called = make(o, logs, &log);
    CHECK_EQ(wr_weakref_check_proxy(plain), proxy);
    CHECK_EQ(wr_weakref_check_proxy(called), proxy);
    CHECK_PTR_EQ(referent(plain), o);
    CHECK_PTR_EQ(referent(called), o);
    CHECK_EQ(log.calls, 0);
    wr_release(o);
    CHECK_EQ(log.calls, 1);
    CHECK_PTR_EQ(log.refs[0], called); /* it gets the ref */
    CHECK_NULL(referent(plain));
    void *unsupported = wr_new(&no_weakref_type);
    errno = 0;
    CHECK_NULL(make(unsupported, NULL, NULL));
    CHECK_EQ(errno, ENOTSUP);
    errno = 0;
    CHECK_NULL(make(NULL, NULL, NULL));
    CHECK_EQ(errno, EINVAL);
    wr_release(unsupported);
    wr_release(plain);
    wr_release(called);
}
TEST(test_pyweakref_newref) {
    check_new(wr_weakref_new, false);
}
TEST(test_pyweakref_newproxy) {
    check_new(wr_proxy_new, true);
}

TEST(test_ClearWeakRefsNoCallbacks) {
    struct log log = {0};
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, logs, &log);
    CHECK_PTR_EQ(referent(ref), o);
    CHECK_EQ(wr_weakref_clear_no_callbacks(o), 0);
    CHECK_NULL(referent(ref));
    CHECK_EQ(log.calls, 0);
    wr_release(o);
    CHECK_EQ(log.calls, 0);
    wr_release(ref);
}

TEST(test_ClearWeakRefsNoCallbacks_no_weakref_support) {
    void *o = wr_new(&no_weakref_type);
    CHECK_EQ(wr_weakref_clear_no_callbacks(o), -ENOTSUP);
    CHECK_EQ(wr_refcount(o), 1);
    wr_release(o);
}

/* A type defined in C is weakly referenceable, whoever keeps the list; the head of the list is the ref. */
TEST(test_heaptype_with_weakref) {
    const wr_type type = PLAIN_TYPE(24);
    void *o = wr_new(&type);
    wr_weakref *ref = new_ref(o, NULL, NULL), *head;
    CHECK_EQ(wr_weakref_list(o, &head, 1), 1);
    CHECK_PTR_EQ(head, ref);
    wr_release(head);
    wr_release(ref);
    wr_release(o);
}

TEST(test_extension_managed_weakref_nogc_type) {
    wr_type type = PLAIN_TYPE(8);
    type.flags = 1u << 30; /* no such flag: refused when used, no crash later */
    errno = 0;
    CHECK_NULL(wr_new(&type));
    CHECK_EQ(errno, EINVAL);
}

/* ---- finalization ---- */

static unsigned finalized;
static void *survivor;
static bool survive;
static void counts_and_may_survive(void *self) {
    finalized++;
    if (survive)
        survivor = wr_retain(self);
}
static const wr_type finalized_type = {
    .abi = WR_TYPE_ABI, .name = "finalized", .size = 8, .finalize = counts_and_may_survive};

TEST(test_simple) {
    void *o = wr_new(&finalized_type);
    wr_weakref *ref = new_ref(o, NULL, NULL);
    wr_release(o);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    wr_release(ref);
}

TEST(test_simple_resurrect) {
    struct log log = {0};
    void *o = wr_new(&finalized_type);
    wr_weakref *ref = new_ref(o, logs, &log);
    survive = true;
    wr_release(o);
    CHECK_PTR_EQ(survivor, o);
    CHECK_PTR_EQ(referent(ref), o);
    CHECK_EQ(log.calls, 0);
    wr_release(survivor);
    CHECK_EQ(finalized, 1); /* not again */
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
}

/* Refs without callback are usable until finalizers have run; in callbacks every ref is dead (test_gc.py). */
static wr_weakref *seen_by_callback;
static void must_be_dead(wr_weakref *ref, void *arg) {
    (void)ref, (void)arg;
    CHECK_NULL(referent(seen_by_callback));
    finalized += 100;
}
static void others_are_alive(void *self) {
    CHECK_EQ(wr_weakref_is_dead(seen_by_callback), 0);
    CHECK_EQ(wr_weakref_count(self), 2);
    finalized++;
}
TEST(test_bug1055820b) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = others_are_alive};
    void *o = wr_new(&type);
    wr_weakref *ref = seen_by_callback = new_ref(o, NULL, NULL), *called = new_ref(o, must_be_dead, NULL);
    wr_release(o);
    CHECK_EQ(finalized, 101);
    wr_release(ref);
    wr_release(called);
}

/* ---- examples of Python's library page ---- */

struct counted {
    unsigned counter;
};
static const wr_type extended_ref = {
    .abi = WR_TYPE_ABI, .name = "ExtendedRef", .size = sizeof(struct counted), .base = &wr_weakref_type};

TEST(libreftest) {
    probe *o = probe_new(NULL);
    wr_weakref *r = new_derived(o, &extended_ref, NULL, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        struct counted *extra = wr_weakref_extra(r);
        CHECK_PTR_EQ(referent(r), o);
        CHECK_EQ(++extra->counter, i);
    }
    wr_weak id = wr_weak_of(o); /* id2obj: the value is the id */
    CHECK(can_get(id));
    wr_release(o);
    CHECK(!can_get(id));
    CHECK_NULL(referent(r));
    wr_release(r);
}
