/* SPDX-License-Identifier: MIT */
/* What the tests of weakref objects share: callbacks that leave a record, and types that are good for
 * something. */
#ifndef WR_TESTS_WEAKREFS_H
#define WR_TESTS_WEAKREFS_H

#include "common.h"

/* What callbacks and argument destructors wrote down, in their order. Plain fields: one thread at a time, or a
 * race. */
enum { LOG_SIZE = 128 };
struct log {
    unsigned calls; /* of callbacks */
    unsigned freed; /* of argument destructors */
    unsigned dead;  /* calls in which the callback's own weakref read dead */
    wr_weakref *refs[LOG_SIZE];
};

/* A callback whose argument is a struct log. */
static inline void logs(wr_weakref *ref, void *arg) {
    struct log *log = arg;
    if (log->calls < LOG_SIZE)
        log->refs[log->calls] = ref;
    log->calls++;
    log->dead += wr_weakref_is_dead(ref) == 1;
}

/* An argument destructor for the same. */
static inline void logs_freed(void *arg) {
    ((struct log *)arg)->freed++;
}

static inline wr_weakref *new_ref(void *obj, wr_callback callback, void *arg) {
    wr_weakref *ref = wr_weakref_new(obj, callback, arg);
    REQUIRE(ref != NULL);
    return ref;
}

static inline wr_weakref *new_proxy(void *obj, wr_callback callback, void *arg) {
    wr_weakref *ref = wr_proxy_new(obj, callback, arg);
    REQUIRE(ref != NULL);
    return ref;
}

/* A ref with a callback and an argument destructor that both write to `log`. */
static inline wr_weakref *new_owning_ref(void *obj, struct log *log) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = log;
    o.arg_destroy = logs_freed;
    wr_weakref *ref = wr_weakref_new_ex(obj, &o);
    REQUIRE(ref != NULL);
    return ref;
}

/* A derived ref with room for one pointer that it owns a strong reference through. */
static inline void owner_destroy(void *self) {
    wr_release(*(void **)wr_weakref_extra(self));
}
static const wr_type owner_ref_type = {.abi = WR_TYPE_ABI,
                                       .name = "owner_ref",
                                       .size = sizeof(void *),
                                       .base = &wr_weakref_type,
                                       .destroy = owner_destroy};

static inline wr_weakref *new_derived(void *obj, const wr_type *type, wr_callback callback, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    o.type = type;
    wr_weakref *ref = wr_weakref_new_ex(obj, &o);
    REQUIRE(ref != NULL);
    return ref;
}

/* The referent of a weakref as an address, which is not held: only to compare. */
static inline void *referent(wr_weakref *ref) {
    void *obj = NULL;
    int got = wr_weakref_get(ref, &obj);
    CHECK_EQ(got, obj != NULL);
    wr_release(obj);
    return obj;
}

/* Objects that compare and hash by value. */
struct number {
    uint64_t value;
    unsigned *asked; /* counts the calls of equal and hash, if not NULL */
};
static inline bool number_equal(const void *a, const void *b) {
    const struct number *x = a, *y = b;
    if (x->asked)
        ++*x->asked;
    return x->value == y->value;
}
static inline int number_hash(const void *self, uint64_t *out) {
    const struct number *x = self;
    if (x->asked)
        ++*x->asked;
    *out = x->value * 31 + 7;
    return 0;
}
static const wr_type number_type = {.abi = WR_TYPE_ABI,
                                    .name = "number",
                                    .size = sizeof(struct number),
                                    .equal = number_equal,
                                    .hash = number_hash};
static inline struct number *number_new(uint64_t value, unsigned *asked) {
    struct number *n = wr_new(&number_type);
    REQUIRE(n != NULL);
    n->value = value;
    n->asked = asked;
    return n;
}

static const wr_type no_weakref_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "unreferable", .size = 8};

#endif
