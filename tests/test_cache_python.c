/* SPDX-License-Identifier: MIT */
/* Python's MappingTestCase and BasicTestMappingProtocol for WeakValueDictionary, by their meaning. Each test is named
 * after the one it ports. */
#include "containers.h"

enum { COUNT = 10 };

/* A cache of COUNT objects under 0, 1, ...; the test holds them in objs. */
static wr_cache *filled(void **objs) {
    wr_cache *c = cache_new();
    for (unsigned i = 0; i < COUNT; i++) {
        objs[i] = probe_new(NULL);
        ((probe *)objs[i])->value = i;
        CHECK_EQ(wr_cache_put(c, &i, sizeof i, objs[i]), 0);
    }
    return c;
}

static void drop(void **objs, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        wr_release(objs[i]);
        objs[i] = NULL;
    }
}

static bool same(wr_cache *c, void **objs) {
    bool all = wr_cache_len(c) == COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        all = all && cached_at(c, i, objs[i]);
    return all;
}

TEST(weak_values) {
    void *objs[COUNT];
    wr_cache *c = filled(objs);
    CHECK(same(c, objs));
    wr_cache *copy = wr_cache_copy(c);
    CHECK(same(copy, objs));
    wr_cache_clear(copy);
    CHECK_EQ(wr_cache_len(copy), 0);
    drop(objs, 0, 1);
    CHECK_EQ(wr_cache_len(c), COUNT - 1);
    drop(objs, 1, COUNT);
    CHECK_EQ(wr_cache_len(c), 0);
    unsigned key = 2;
    probe *at_once = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, at_once), 0);
    wr_release(at_once);
    CHECK(cached_at(c, key, NULL));
    wr_cache_free(c);
    wr_cache_free(copy);
    check_nothing_left();
}

struct seen {
    wr_cache *c;
    void **objs;
    unsigned met[COUNT], calls;
    void (*then)(struct seen *seen);
};

static int see(const void *key, size_t len, void *obj, void *arg) {
    struct seen *seen = arg;
    unsigned i;
    CHECK_EQ(len, sizeof i);
    memcpy(&i, key, sizeof i);
    if (i < COUNT) {
        CHECK_EQ(((probe *)obj)->value, i);
        seen->met[i]++;
    }
    if (seen->calls++ == 0 && seen->then)
        seen->then(seen);
    return 0;
}

TEST(weak_valued_iters) {
    void *objs[COUNT];
    struct seen seen = {.c = filled(objs)};
    CHECK_EQ(wr_cache_foreach(seen.c, see, &seen), 0);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(seen.met[i], 1);
    drop(objs, 0, COUNT);
    CHECK_EQ(wr_cache_foreach(seen.c, see, &seen), 0);
    CHECK_EQ(seen.calls, COUNT);
    wr_cache_free(seen.c);
    check_nothing_left();
}

static int stop(const void *key, size_t len, void *obj, void *arg) {
    (void)key, (void)len, (void)obj;
    return --*(int *)arg == 0 ? 42 : 0;
}

TEST(a_visitor_may_end_it_and_nothing_stays_held) {
    void *objs[COUNT];
    wr_cache *c = filled(objs);
    int left = 3;
    CHECK_EQ(wr_cache_foreach(c, stop, &left), 42);
    CHECK_EQ(left, 0);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(wr_refcount(objs[i]), 1);
    drop(objs, 0, COUNT);
    wr_cache_free(c);
    check_nothing_left();
}

static void drop_all(struct seen *seen) {
    drop(seen->objs, 0, COUNT);
    CHECK_LE(wr_cache_len(seen->c), COUNT); /* those that are pinned */
}

static void mutate(struct seen *seen) {
    unsigned key = 0;
    drop(seen->objs, 0, COUNT / 2);
    (void)wr_cache_remove(seen->c, &key, sizeof key);
    key = COUNT - 1;
    wr_release(wr_cache_pop(seen->c, &key, sizeof key));
    for (key = COUNT; key < 300; key++) /* grows under the walk */
        CHECK_EQ(wr_cache_put(seen->c, &key, sizeof key, seen->objs[COUNT - 2]), 0);
    CHECK(cached_at(seen->c, 299, seen->objs[COUNT - 2]));
}

static void clear(struct seen *seen) {
    wr_cache_clear(seen->c);
    CHECK_EQ(wr_cache_len(seen->c), 0);
}

TEST(weak_values_destroy_while_iterating) {
    static void (*const then[])(struct seen *) = {drop_all, mutate, clear};
    for (unsigned i = 0; i < 3; i++) {
        void *objs[COUNT];
        struct seen seen = {.c = filled(objs), .objs = objs, .then = then[i]};
        CHECK_EQ(wr_cache_foreach(seen.c, see, &seen), 0);
        CHECK_GE(seen.calls, 1);
        for (unsigned k = 0; k < COUNT; k++)
            CHECK_LE(seen.met[k], 1);
        drop(objs, 0, COUNT);
        CHECK_EQ(wr_cache_len(seen.c), 0);
        wr_cache_free(seen.c);
    }
    check_nothing_left();
}

TEST(make_weak_valued_dict_from_weak_valued_dict) {
    void *objs[COUNT];
    wr_cache *c = filled(objs);
    wr_cache *copy = wr_cache_copy(c);
    wr_cache_free(c);
    CHECK(same(copy, objs));
    drop(objs, 0, COUNT);
    CHECK_EQ(wr_cache_len(copy), 0);
    wr_cache_free(copy);
    check_nothing_left();
}

TEST(weak_valued_dict_popitem) {
    void *objs[COUNT];
    wr_cache *c = filled(objs);
    drop(objs, 0, 1);
    unsigned met = 0;
    for (unsigned i = 1; i < COUNT; i++) {
        unsigned key = 0;
        size_t len = 0;
        probe *p = wr_cache_popitem(c, &key, sizeof key, &len);
        REQUIRE(p != NULL);
        CHECK_EQ(len, sizeof key);
        CHECK_PTR_EQ(p, objs[key]);
        met |= 1u << key;
        wr_release(p);
        CHECK_EQ(wr_cache_len(c), COUNT - 1 - i);
    }
    CHECK_EQ(met, (1u << COUNT) - 2);
    CHECK_NULL(wr_cache_popitem(c, NULL, 0, NULL));
    drop(objs, 1, COUNT);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(weak_valued_dict_update_and_union) {
    void *objs[COUNT];
    void *others[COUNT];
    wr_cache *a = filled(objs);
    wr_cache *b = filled(others);
    unsigned key = 100;
    CHECK_EQ(wr_cache_put(b, &key, sizeof key, objs[0]), 0);
    wr_cache *both = wr_cache_copy(a);
    CHECK_EQ(wr_cache_update(both, b), 0);
    CHECK_EQ(wr_cache_len(both), COUNT + 1);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(cached_at(both, i, others[i]));
    CHECK_EQ(wr_cache_update(a, a), 0);
    CHECK(same(a, objs));
    drop(others, 0, COUNT);
    CHECK_EQ(wr_cache_len(both), 1); /* they stay weak */
    drop(objs, 0, COUNT);
    CHECK_EQ(wr_cache_len(both), 0);
    wr_cache_free(a);
    wr_cache_free(b);
    wr_cache_free(both);
    check_nothing_left();
}

TEST(weak_valued_delitem) {
    void *objs[COUNT];
    wr_cache *c = filled(objs);
    unsigned key = 3;
    CHECK_EQ(wr_cache_remove(c, &key, sizeof key), 0);
    CHECK_EQ(wr_cache_len(c), COUNT - 1);
    CHECK_EQ(wr_cache_remove(c, &key, sizeof key), -ENOENT);
    drop(objs, 0, COUNT);
    wr_cache_free(c);
    check_nothing_left();
}

/* An old object that is dead while its entry's removal is still to come: its destroy waits for this one's. */
static wr_cache *shared;
static probe *newer;
static void put_newer(void *self) {
    wr_release(((probe *)self)->child); /* its own end comes after this returns */
    CHECK_EQ(wr_cache_len(shared), 0);  /* but it is dead now */
    CHECK(cached(shared, "k", NULL));
    CHECK(!wr_cache_contains(shared, "k", 1));
    CHECK_NULL(wr_cache_pop(shared, "k", 1));
    CHECK_EQ(wr_cache_remove(shared, "k", 1), -ENOENT);
    CHECK_EQ(wr_cache_put(shared, "k", 1, newer), 0);
}

TEST(S47_weak_valued_consistency) {
    static const wr_type outer = {
        .abi = WR_TYPE_ABI, .name = "outer", .size = sizeof(probe), .destroy = put_newer};
    shared = cache_new();
    newer = probe_new(NULL);
    probe *o = wr_new(&outer);
    REQUIRE(o != NULL);
    o->child = probe_new(NULL);
    CHECK_EQ(wr_cache_put(shared, "k", 1, o->child), 0);
    wr_release(o);
    CHECK(cached(shared, "k", newer));
    CHECK_EQ(wr_cache_len(shared), 1);
    wr_release(newer);
    wr_cache_free(shared);
    check_nothing_left();
}
