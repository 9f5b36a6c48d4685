/* SPDX-License-Identifier: MIT */
/* What containers refuse to take in, function by function: each error is told as include/weakrt.h says, and changes
 * nothing. */
#include "refusals.h"

#include <limits.h>

static int cache_put(struct all *a, void *obj) {
    return result_of(wr_cache_put(a->cache, "k", 1, obj));
}
static int cache_set_default(struct all *a, void *obj) {
    return object_of(wr_cache_set_default(a->cache, "new", 3, obj));
}
static int cache_get_or_create(struct all *a, void *obj) {
    return object_of(wr_cache_get_or_create(a->cache, "new", 3, make, obj));
}
static int map_set(struct all *a, void *obj) {
    return result_of(wr_weakmap_set(a->map, obj, NULL));
}
static int map_set_default(struct all *a, void *obj) {
    void *result = &result;
    int set = result_of(wr_weakmap_set_default(a->map, obj, a, &result));
    CHECK_NULL(result);
    return set;
}
static int map_get(struct all *a, void *obj) {
    return wr_weakmap_get(a->map, obj) != NULL ? 1 : -errno;
}
static int map_contains(struct all *a, void *obj) {
    return result_of(wr_weakmap_contains(a->map, obj));
}
static int map_remove(struct all *a, void *obj) {
    return result_of(wr_weakmap_remove(a->map, obj));
}
static int map_pop(struct all *a, void *obj) {
    void *value = a;
    int popped = result_of(wr_weakmap_pop(a->map, obj, &value));
    CHECK_PTR_EQ(value, a);
    return popped;
}
static int set_add(struct all *a, void *obj) {
    return result_of(wr_weakset_add(a->set, obj));
}
static int set_discard(struct all *a, void *obj) {
    return result_of(wr_weakset_discard(a->set, obj));
}
static int set_remove(struct all *a, void *obj) {
    return result_of(wr_weakset_remove(a->set, obj));
}
static int set_contains(struct all *a, void *obj) {
    return result_of(wr_weakset_contains(a->set, obj));
}
static int listeners_add(struct all *a, void *obj) {
    return result_of(wr_listeners_add(a->listeners, obj, no_method, NULL));
}
static int listeners_add_once(struct all *a, void *obj) {
    return result_of(wr_listeners_add_once(a->listeners, obj, no_method, NULL));
}
static int listeners_remove(struct all *a, void *obj) {
    return result_of(wr_listeners_remove(a->listeners, obj, no_method));
}
static int listeners_remove_wait(struct all *a, void *obj) {
    return result_of(wr_listeners_remove_wait(a->listeners, obj, no_method));
}
static int listeners_remove_wait_timed(struct all *a, void *obj) {
    return result_of(wr_listeners_remove_wait_timed(a->listeners, obj, no_method, 0));
}
static int listeners_contains(struct all *a, void *obj) {
    return result_of(wr_listeners_contains(a->listeners, obj, no_method));
}

enum object { NO_CONTAINER, NO_OBJECT, UNREFERABLE, WEAKREF, KILLED, DYING, OBJECTS };
#define NO_TRY INT_MAX /* who makes has a reference to give */

static const struct row {
    int (*call)(struct all *a, void *obj);
    int results[OBJECTS];
} rows[] = {
    {cache_put, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {cache_set_default, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {cache_get_or_create, {-EINVAL, -EHOSTUNREACH, -ENOTSUP, -ENOTSUP, -ESTALE, NO_TRY}},
    {map_set, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {map_set_default, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {map_get, {-KEPT, -KEPT, -KEPT, -KEPT, -KEPT, -KEPT}},
    {map_contains, {false, false, false, false, false, false}},
    {map_remove, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ENOENT, -ENOENT}},
    {map_pop, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ENOENT, -ENOENT}},
    {set_add, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {set_discard, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, 0, 0}},
    {set_remove, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ENOENT, -ENOENT}},
    {set_contains, {false, false, false, false, false, false}},
    {listeners_add, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {listeners_add_once, {-EINVAL, -EINVAL, -ENOTSUP, -ENOTSUP, -ESTALE, -ESTALE}},
    {listeners_remove, {-EINVAL, -EINVAL, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {listeners_remove_wait, {-EINVAL, -EINVAL, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {listeners_remove_wait_timed, {-EINVAL, -EINVAL, -ENOENT, -ENOENT, -ENOENT, -ENOENT}},
    {listeners_contains, {false, false, false, false, false, false}},
};

static void try_all(struct all *a, enum object which, void *obj) {
    uint32_t count = wr_refcount(obj);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].results[which] == NO_TRY)
            continue;
        errno = KEPT;
        int result = rows[i].call(a, obj);
        if (result != rows[i].results[which])
            FAIL("row %u, object %d: %d, not %d", i, which, result, rows[i].results[which]);
        CHECK_EQ(wr_refcount(obj), count);
    }
}

static struct all *used_in_destroy;
static void use_in_destroy(void *self) {
    try_all(used_in_destroy, DYING, self);
    check_unchanged(used_in_destroy);
}

static void check_objects(unsigned flags) {
    static const wr_type dying_type = {
        .abi = WR_TYPE_ABI, .name = "dying", .size = 8, .destroy = use_in_destroy};
    static struct all none; /* of anything */
    struct all a;
    probe *p = probe_new(NULL);
    void *unreferable = wr_new(&no_weakref_type);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    all_make(&a, flags);
    try_all(&none, NO_CONTAINER, p);
    try_all(&a, NO_OBJECT, NULL);
    try_all(&a, UNREFERABLE, unreferable);
    try_all(&a, WEAKREF, ref);
    CHECK_EQ(wr_kill(p), 1);
    try_all(&a, KILLED, p);
    used_in_destroy = &a;
    wr_release(wr_new(&dying_type));
    wr_release(ref);
    wr_release(p);
    wr_release(unreferable);
    all_free(&a);
}

TEST(S49_objects_that_cannot_be_in_are_refused_by_each_function) {
    check_objects(0);
}

TEST(S49_and_so_by_value) {
    check_objects(WR_BY_VALUE);
}
