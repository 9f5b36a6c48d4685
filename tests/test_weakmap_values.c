/* SPDX-License-Identifier: MIT */
/* Values of weak maps: when and where they are destroyed, what visitors see of them, and which maps may share them. */
#include "reports.h"
#include "containers.h"

static char order[8]; /* k: a key's destroy, v: a value's */

static void note(char what) {
    size_t n = strlen(order);
    REQUIRE(n + 1 < sizeof order);
    order[n] = what;
}
static void destroy_key(void *self) {
    (void)self;
    note('k');
}
static void destroy_value(void *value) {
    CHECK_PTR_EQ(value, order);
    note('v');
}

static wr_weakmap *m;
static void *set_new_key(const wr_type *type) {
    void *key = wr_new(type);
    m = wr_weakmap_new(destroy_value);
    REQUIRE(m != NULL && key != NULL);
    CHECK_EQ(wr_weakmap_set(m, key, order), 0);
    return key;
}

TEST(S51_a_value_is_destroyed_after_its_keys_own_destroy) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .name = "key", .size = 8, .destroy = destroy_key};
    wr_release(set_new_key(&type));
    CHECK_STR_EQ(order, "kv");
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S51_a_value_is_destroyed_where_its_key_is) {
    wr_queue *queue = wr_queue_new();
    static wr_queue *bound;
    static const wr_type type = {
        .abi = WR_TYPE_ABI, .name = "key", .size = 8, .queue = &bound, .destroy = destroy_key};
    bound = queue;
    wr_release(set_new_key(&type));
    CHECK_STR_EQ(order, "");
    CHECK_EQ(wr_weakmap_len(m), 0); /* though it is there still */
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_STR_EQ(order, "kv");
    wr_weakmap_free(m);
    wr_queue_free(queue);
    check_nothing_left();
}

static void destroy_and_count(void *value) {
    note('v');
    CHECK_EQ(wr_weakmap_len(m), *(size_t *)value); /* no lock is held */
}

TEST(S51_a_value_is_destroyed_with_no_lock_held_however_it_goes) {
    size_t left = 0;
    probe *key = probe_new(NULL);
    m = wr_weakmap_new(destroy_and_count);
    REQUIRE(m != NULL);
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0);
    CHECK_EQ(wr_weakref_clear(key), 0);
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0);
    CHECK_EQ(wr_weakref_clear_no_callbacks(key), 0);
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0);
    CHECK_EQ(wr_weakmap_remove(m, key), 0);
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0);
    wr_weakmap_clear(m);
    left = 1;
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0);
    CHECK_EQ(wr_weakmap_set(m, key, &left), 0); /* replaced */
    left = 0;
    CHECK_EQ(wr_kill(key), 1);
    CHECK_STR_EQ(order, "vvvvvv");
    wr_release(key);
    wr_weakmap_free(m);
    check_nothing_left();
}

/* ---- visitors ---- */

static int visit_and_remove(void *key, void *value, void *arg) {
    unsigned *visits = arg;
    wr_weakmap_clear(m);
    (void)wr_kill(key);
    CHECK_PTR_EQ(value, order);
    CHECK_EQ(strlen(order), *visits); /* those visited before */
    return ++*visits == 2 ? 9 : 0;
}

TEST(S50_a_value_is_there_until_its_visitor_returns_and_a_visitor_may_end_the_walk) {
    enum { KEYS = 5 };
    probe *keys[KEYS];
    unsigned visits = 0;
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    o.value_destroy = destroy_value;
    o.shards = 1; /* so that one step has them all */
    m = wr_weakmap_new_ex(&o);
    REQUIRE(m != NULL);
    for (unsigned i = 0; i < KEYS; i++) {
        keys[i] = probe_new(NULL);
        CHECK_EQ(wr_weakmap_set(m, keys[i], order), 0);
    }
    CHECK_EQ(wr_weakmap_foreach(m, visit_and_remove, &visits), 9);
    CHECK_EQ(visits, 2);
    CHECK_STR_EQ(order, "vvvvv");
    for (unsigned i = 0; i < KEYS; i++) {
        CHECK_EQ(wr_refcount(keys[i]), 1);
        wr_release(keys[i]);
    }
    wr_weakmap_free(m);
    check_nothing_left();
}

/* ---- one map from another ---- */

static int refused_update(wr_weakmap *map, wr_weakmap *from) {
    int result = wr_weakmap_update(map, from);
    CHECK_EQ(wr_weakmap_len(map), 0);
    return result;
}

TEST(S51_a_value_cannot_belong_to_two_maps) {
    wr_weakmap *plain[2] = {map_new(0, NULL), map_new(0, NULL)};
    wr_weakmap *objects[2] = {map_new(WR_VALUE_OBJECTS, NULL), map_new(WR_VALUE_OBJECTS, NULL)};
    wr_weakmap *owning[2] = {map_new(0, destroy_value), map_new(0, destroy_value)};
    probe *key = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(plain[0], key, order), 0);
    CHECK_EQ(wr_weakmap_set(objects[0], key, key), 0);
    CHECK_EQ(wr_weakmap_set(owning[0], key, order), 0);
    CHECK_EQ(refused_update(owning[1], owning[0]), -EINVAL);
    CHECK_EQ(refused_update(owning[1], plain[0]), -EINVAL);
    CHECK_EQ(refused_update(plain[1], owning[0]), -EINVAL);
    CHECK_EQ(refused_update(plain[1], objects[0]), -EINVAL);
    CHECK_EQ(refused_update(objects[1], plain[0]), -EINVAL);
    errno = 0;
    CHECK_NULL(wr_weakmap_copy(owning[0]));
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(wr_weakmap_update(plain[1], plain[0]), 0);
    CHECK_EQ(wr_weakmap_update(objects[1], objects[0]), 0);
    CHECK_EQ(wr_refcount(key), 3); /* as a value, twice */
    for (unsigned i = 0; i < 2; i++) {
        wr_weakmap_free(plain[i]);
        wr_weakmap_free(objects[i]);
        wr_weakmap_free(owning[i]);
    }
    CHECK_EQ(wr_refcount(key), 1);
    CHECK_STR_EQ(order, "v");
    wr_release(key);
    check_nothing_left();
}

/* ---- values that refer to their own keys ---- */

static void trace_child(void *self, wr_visit visit, void *arg) {
    visit(((probe *)self)->child, "child", arg);
}
static const wr_type traced_type = {.abi = WR_TYPE_ABI,
                                    .name = "traced",
                                    .size = sizeof(probe),
                                    .destroy = probe_destroy,
                                    .trace = trace_child};

/* A key and a value that refers to it, which nobody has but a map. */
static void make_circle(const wr_type *key_type) {
    m = map_new(WR_VALUE_OBJECTS, NULL);
    probe *key = wr_new(key_type), *value = wr_new(&traced_type);
    REQUIRE(key != NULL && value != NULL);
    CHECK_EQ(wr_weakmap_set(m, key, value), 0);
    value->child = key;
    wr_release(value);
}

/* Look at the circle; taken out of the map, it ends. */
static void check_circle(const char *const *parts) {
    char *text = cycles_text(WR_TEXT);
    for (; *parts != NULL; parts++)
        CHECK_STR_HAS(text, *parts);
    CHECK_EQ(occurrences(text, "make weak: "), 1);
    free(text);
    CHECK_EQ(wr_weakmap_len(m), 1);
    wr_weakmap_clear(m);
    CHECK_EQ(stats_now().live, 0);
    wr_weakmap_free(m);
}

TEST(S51_a_value_that_refers_to_its_own_key_is_a_circle_in_the_report) {
    make_circle(&traced_type);
    check_circle((const char *const[]){"\ngroup 1: objects: 3, references from outside: 1\n", "    traced ",
                                       " .(map) -> map entry ", " .value -> traced ", " .child -> traced ",
                                       "\n  make weak: traced.child\n", NULL});
    check_nothing_left();
}

TEST(S51_also_if_the_key_owns_nothing_itself) {
    make_circle(&probe_type);
    check_circle((const char *const[]){"\ngroup 1: objects: 3, ", " .(map) -> map entry ",
                                       " .child -> probe ", "\n  make weak: traced.child\n", NULL});
    check_nothing_left();
}

TEST(S51_also_if_the_value_is_the_key) {
    m = map_new(WR_VALUE_OBJECTS, NULL);
    probe *key = probe_new(NULL);
    wr_weakref *ref = new_ref(key, NULL, NULL); /* beside the entry on the key's list */
    CHECK_EQ(wr_weakmap_set(m, key, key), 0);
    wr_release(key);
    wr_release(ref);
    check_circle((const char *const[]){"\ngroup 1: objects: 2, ", " .(map) -> map entry ",
                                       " .value -> probe ", "\n  make weak: map entry.value\n", NULL});
    check_nothing_left();
}

TEST(S51_a_value_that_does_not_is_none) {
    m = map_new(WR_VALUE_OBJECTS, NULL);
    probe *key = wr_new(&traced_type), *value = wr_new(&traced_type);
    wr_cache *c = cache_new();
    CHECK_EQ(wr_weakmap_set(m, key, value), 0);
    value->child = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "k", 1, value->child), 0); /* whose entries own nothing */
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "own each other: 0, objects in them: 0\nlooked at: 3, with no trace: 2\n");
    free(text);
    wr_release(value);
    wr_release(key);
    wr_weakmap_free(m);
    wr_cache_free(c);
    check_nothing_left();
}
