/* SPDX-License-Identifier: MIT */
/* Keys, containers, visitors and options that are none, function by function. */
#include "refusals.h"

/* ---- keys ---- */

static void check_key(wr_cache *c, const void *key, size_t len, probe *p) {
    size_t before = wr_cache_len(c);
    errno = KEPT;
    CHECK_EQ(object_of(wr_cache_get(c, key, len)), -KEPT);
    CHECK_EQ(object_of(wr_cache_pop(c, key, len)), -KEPT);
    CHECK_EQ(result_of(wr_cache_contains(c, key, len)), false);
    CHECK_EQ(result_of(wr_cache_remove(c, key, len)), -EINVAL);
    CHECK_EQ(result_of(wr_cache_put(c, key, len, p)), -EINVAL);
    CHECK_EQ(object_of(wr_cache_set_default(c, key, len, p)), -EINVAL);
    errno = KEPT;
    CHECK_EQ(object_of(wr_cache_get_or_create(c, key, len, make, p)), -EINVAL);
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_EQ(wr_cache_len(c), before);
}

TEST(S49_what_is_no_key_is_refused_by_each_function) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    wr_cache *words = cache_new_ex(&o), *c = cache_new();
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, NULL, 0, p), 0); /* none is one */
    CHECK_EQ(wr_cache_put(words, NULL, 0, p), 0);
    check_key(NULL, "k", 1, p);
    check_key(c, NULL, 1, p);
    check_key(c, "k", (size_t)WR_MAX_KEY + 1, p);
    check_key(c, "k", SIZE_MAX, p);
    check_key(words, "k", 1, p);
    errno = KEPT;
    CHECK_EQ(object_of(wr_cache_get_or_create(c, "k", 1, NULL, p)), -EINVAL);
    CHECK_EQ(wr_cache_len(c) + wr_cache_len(words), 2);
    wr_release(p);
    wr_cache_free(words);
    wr_cache_free(c);
}

static uint64_t hash_length(const void *key, size_t len, void *arg) {
    (void)key, (void)arg;
    return len;
}

static int see_longest(const void *key, size_t len, void *obj, void *arg) {
    CHECK_PTR_EQ(key, arg);
    CHECK_PTR_EQ(obj, arg);
    CHECK_EQ(len, WR_MAX_KEY);
    return 1;
}

/* Its bytes are not looked at: they are not there. */
TEST(S49_the_longest_key_is_one) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEYS_IN_VALUES;
    o.hash = hash_length;
    wr_cache *c = cache_new_ex(&o);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, p, WR_MAX_KEY, p), 0);
    check_key(c, p, (size_t)WR_MAX_KEY + 1, p);
    CHECK_EQ(wr_cache_foreach(c, see_longest, p), 1); /* and it was not copied */
    wr_release(p);
    wr_cache_free(c);
}

/* ---- containers ---- */

static int visit_entry(const void *key, size_t len, void *obj, void *arg) {
    (void)key, (void)len, (void)obj, (void)arg;
    return 1;
}
static int visit_value(void *key, void *value, void *arg) {
    (void)key, (void)value, (void)arg;
    return 1;
}
static int visit_member(void *obj, void *arg) {
    (void)obj, (void)arg;
    return 1;
}
static int visit_listener(void *self, wr_method its_method, void *method_arg, void *arg) {
    (void)self, (void)its_method, (void)method_arg, (void)arg;
    return 1;
}

TEST(S49_what_is_no_container_and_no_visitor_is_refused_by_each_function) {
    static int (*const change[])(wr_weakset *, wr_weakset *) = {wr_weakset_update,
                                                                wr_weakset_intersection_update,
                                                                wr_weakset_difference_update,
                                                                wr_weakset_is_subset,
                                                                wr_weakset_is_superset,
                                                                wr_weakset_symmetric_difference_update,
                                                                wr_weakset_is_disjoint,
                                                                wr_weakset_equal};
    static wr_weakset *(*const make_set[])(wr_weakset *, wr_weakset *) = {
        wr_weakset_union, wr_weakset_intersection, wr_weakset_difference, wr_weakset_symmetric_difference};
    struct all a;
    size_t len = 7;
    void *value = &len;
    all_make(&a, 0);
    errno = KEPT;
    CHECK_EQ(wr_cache_len(NULL) + wr_weakmap_len(NULL) + wr_weakset_len(NULL) + wr_listeners_len(NULL), 0);
    CHECK_EQ(result_of(wr_cache_foreach(NULL, visit_entry, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_cache_foreach(a.cache, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_cache_update(NULL, a.cache)), -EINVAL);
    CHECK_EQ(result_of(wr_cache_update(a.cache, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakmap_foreach(NULL, visit_value, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakmap_foreach(a.map, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakmap_update(NULL, a.map)), -EINVAL);
    CHECK_EQ(result_of(wr_weakmap_update(a.map, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakmap_pop(a.map, a.in, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakset_foreach(NULL, visit_member, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_weakset_foreach(a.set, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_foreach(NULL, visit_listener, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_foreach(a.listeners, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_call(NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_add(a.listeners, a.in, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_add_once(a.listeners, a.in, NULL, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_remove(a.listeners, a.in, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_remove_wait(a.listeners, a.in, NULL)), -EINVAL);
    CHECK_EQ(result_of(wr_listeners_contains(a.listeners, a.in, NULL)), false);
    CHECK_EQ(object_of(wr_weakset_pop(NULL)), -KEPT);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(result_of(change[i](a.set, NULL)), -EINVAL);
        CHECK_EQ(result_of(change[i](NULL, a.set)), -EINVAL);
    }
    CHECK_EQ(object_of(wr_cache_popitem(NULL, NULL, 0, &len)), -EINVAL);
    errno = 0;
    CHECK_EQ(object_of(wr_cache_popitem(a.cache, NULL, 1, &len)), -EINVAL);
    CHECK_EQ(len, 7);
    errno = 0;
    CHECK_EQ(object_of(wr_weakmap_popitem(NULL, &value)), -EINVAL);
    errno = 0;
    CHECK_EQ(object_of(wr_weakmap_popitem(a.map, NULL)), -EINVAL);
    CHECK_PTR_EQ(value, &len);
    errno = 0;
    CHECK_EQ(MADE(wr_cache_copy(NULL)), -EINVAL);
    errno = 0;
    CHECK_EQ(MADE(wr_weakmap_copy(NULL)), -EINVAL);
    errno = 0;
    CHECK_EQ(MADE(wr_weakset_copy(NULL)), -EINVAL);
    for (unsigned i = 0; i < 4; i++) {
        errno = 0;
        CHECK_EQ(MADE(make_set[i](a.set, NULL)), -EINVAL);
        errno = 0;
        CHECK_EQ(MADE(make_set[i](NULL, a.set)), -EINVAL);
    }
    wr_cache_clear(NULL);
    wr_weakmap_clear(NULL);
    wr_weakset_clear(NULL);
    wr_listeners_clear(NULL);
    wr_cache_free(NULL);
    wr_weakmap_free(NULL);
    wr_weakset_free(NULL);
    wr_listeners_free(NULL);
    all_free(&a);
}

/* ---- options ---- */

#define SIZED(kind, more) ((kind){.size = sizeof(kind) + (more)})
#define OPTIONS(kind, ...) ((kind){.size = sizeof(kind), __VA_ARGS__})
#define CHECK_OPTIONS(kind, make, free)                                                                      \
    do {                                                                                                     \
        for (unsigned i = 0; i < sizeof wrong_##kind / sizeof wrong_##kind[0]; i++) {                        \
            errno = 0;                                                                                       \
            CHECK_NULL(make(&wrong_##kind[i]));                                                              \
            CHECK_EQ(errno, EINVAL);                                                                         \
        }                                                                                                    \
        for (unsigned i = 0; i < sizeof right_##kind / sizeof right_##kind[0]; i++) {                        \
            void *made = make(&right_##kind[i]);                                                             \
            CHECK_NOT_NULL(made);                                                                            \
            free(made);                                                                                      \
        }                                                                                                    \
        errno = 0;                                                                                           \
        CHECK_NULL(make(NULL));                                                                              \
        CHECK_EQ(errno, EINVAL);                                                                             \
    } while (0)

static size_t weigh(const void *obj) {
    (void)obj;
    return 1;
}
static void destroy(void *value) {
    (void)value;
}

TEST(S49_options_are_refused_by_each_field) {
    const wr_cache_options wrong_cache[] = {
        SIZED(wr_cache_options, (size_t)-1),
        SIZED(wr_cache_options, 1),
        OPTIONS(wr_cache_options, .flags = 4),
        OPTIONS(wr_cache_options, .flags = WR_KEY_WORDS | WR_KEYS_IN_VALUES),
        OPTIONS(wr_cache_options, .shards = 3),
        OPTIONS(wr_cache_options, .shards = 256),
        OPTIONS(wr_cache_options, .keep_weight = 1)};
    const wr_cache_options right_cache[] = {OPTIONS(wr_cache_options, .shards = 0),
                                            OPTIONS(wr_cache_options, .shards = 1),
                                            OPTIONS(wr_cache_options, .shards = 128),
                                            OPTIONS(wr_cache_options, .keep_weight = 1, .weigh = weigh)};
    const wr_weakmap_options wrong_map[] = {
        SIZED(wr_weakmap_options, (size_t)-1),
        SIZED(wr_weakmap_options, 1),
        OPTIONS(wr_weakmap_options, .flags = 4),
        OPTIONS(wr_weakmap_options, .shards = 3),
        OPTIONS(wr_weakmap_options, .shards = 256),
        OPTIONS(wr_weakmap_options, .flags = WR_VALUE_OBJECTS, .value_destroy = destroy)};
    const wr_weakmap_options right_map[] = {
        OPTIONS(wr_weakmap_options, .flags = WR_BY_VALUE | WR_VALUE_OBJECTS),
        OPTIONS(wr_weakmap_options, .shards = 128, .value_destroy = destroy)};
    const wr_weakset_options wrong_set[] = {
        SIZED(wr_weakset_options, (size_t)-1), SIZED(wr_weakset_options, 1),
        OPTIONS(wr_weakset_options, .flags = WR_VALUE_OBJECTS), OPTIONS(wr_weakset_options, .shards = 3),
        OPTIONS(wr_weakset_options, .shards = 256)};
    const wr_weakset_options right_set[] = {OPTIONS(wr_weakset_options, .flags = WR_BY_VALUE),
                                            OPTIONS(wr_weakset_options, .shards = 128)};
    CHECK_OPTIONS(cache, wr_cache_new_ex, wr_cache_free);
    CHECK_OPTIONS(map, wr_weakmap_new_ex, wr_weakmap_free);
    CHECK_OPTIONS(set, wr_weakset_new_ex, wr_weakset_free);
}
