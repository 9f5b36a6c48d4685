/* SPDX-License-Identifier: MIT */
/* Caches with options: kinds of keys, the caller's hash, bounds, and what keeps recently used objects alive. */
#include "containers.h"

static wr_cache *limited(size_t max_entries, size_t keep) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.max_entries = max_entries;
    o.keep = keep;
    return cache_new_ex(&o);
}

/* Put a new object under an integer and let go of it. */
static void put_new(wr_cache *c, unsigned key, unsigned *destroyed) {
    probe *p = probe_new(destroyed);
    p->value = key;
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, p), 0);
    wr_release(p);
}

static bool has(wr_cache *c, unsigned key) {
    return wr_cache_contains(c, &key, sizeof key);
}

static void use(wr_cache *c, unsigned key) {
    void *obj = wr_cache_get(c, &key, sizeof key);
    CHECK_NOT_NULL(obj);
    wr_release(obj);
}

TEST(the_most_recently_used_are_kept_alive) {
    unsigned destroyed = 0;
    wr_cache *c = limited(0, 3);
    for (unsigned i = 0; i < 10; i++)
        put_new(c, i, &destroyed);
    CHECK_EQ(destroyed, 7);
    CHECK(has(c, 7) && has(c, 8) && has(c, 9));
    use(c, 7);
    put_new(c, 10, &destroyed);
    CHECK(has(c, 7) && has(c, 9) && has(c, 10) && !has(c, 8));
    CHECK_EQ(wr_cache_len(c), 3);
    unsigned key = 9;
    CHECK_EQ(wr_cache_remove(c, &key, sizeof key), 0);
    CHECK_EQ(destroyed, 9);
    wr_cache_clear(c);
    CHECK_EQ(destroyed, 11);
    put_new(c, 1, &destroyed);
    CHECK(has(c, 1));
    wr_cache_free(c);
    CHECK_EQ(destroyed, 12);
}

TEST(one_that_lost_its_place_is_kept_again_when_it_is_used) {
    wr_cache *c = limited(0, 1);
    unsigned destroyed = 0;
    unsigned key = 1;
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, p), 0);
    CHECK_EQ(wr_refcount(p), 2);
    put_new(c, 2, &destroyed);
    CHECK_EQ(wr_refcount(p), 1);
    use(c, 1);
    CHECK_EQ(wr_refcount(p), 2);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_kill(p), 1); /* a kill takes it out, kept or not */
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_release(p);
    wr_cache_free(c);
}

TEST(a_bound_takes_out_the_least_recently_used) {
    wr_cache *c = limited(4, 0);
    probe *p[8];
    for (unsigned i = 0; i < 8; i++) {
        p[i] = probe_new(NULL);
        CHECK_EQ(wr_cache_put(c, &i, sizeof i, p[i]), 0);
        if (i == 3)
            use(c, 0);
    }
    CHECK_EQ(wr_cache_len(c), 4);
    CHECK(!has(c, 0) && !has(c, 3) && has(c, 4) && has(c, 7));
    use(c, 4);
    unsigned key = 9;
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, p[0]), 0);
    CHECK(has(c, 4) && !has(c, 5));
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(wr_refcount(p[i]), 1);
        wr_release(p[i]);
    }
    wr_cache_free(c);
}

static size_t weigh(const void *obj) {
    return ((const probe *)obj)->value;
}

TEST(what_is_kept_may_be_limited_by_weight) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep_weight = 100;
    o.weigh = weigh;
    wr_cache *c = cache_new_ex(&o);
    unsigned destroyed = 0;
    for (unsigned i = 30; i < 34; i++)
        put_new(c, i, &destroyed); /* its key is its weight */
    CHECK_EQ(destroyed, 1);
    CHECK(has(c, 31) && has(c, 32) && has(c, 33));
    put_new(c, 101, &destroyed); /* does not fit at all, and displaces nobody */
    CHECK_EQ(destroyed, 2);
    CHECK(has(c, 31) && has(c, 32) && has(c, 33));
    put_new(c, 100, &destroyed);
    CHECK_EQ(destroyed, 5);
    CHECK_EQ(wr_cache_len(c), 1);
    for (unsigned i = 0; i < 60; i++)
        put_new(c, i % 7, &destroyed);
    put_new(c, 99, &destroyed); /* more goes than one critical section takes out */
    CHECK_LE(wr_cache_len(c), 3);
    CHECK(has(c, 99));
    wr_cache_free(c);
    CHECK_EQ(destroyed, 67);
}

TEST(limits_over_many_shards_hold_for_the_whole) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 8;
    o.max_entries = 1003;
    o.keep = 501;
    wr_cache *c = cache_new_ex(&o);
    unsigned destroyed = 0;
    for (unsigned i = 0; i < 3000; i++)
        put_new(c, i, &destroyed);
    CHECK_EQ(wr_cache_len(c), 501);
    CHECK_EQ(destroyed, 3000 - 501);
    wr_cache_free(c);
    CHECK_EQ(destroyed, 3000);
}

TEST(keys_that_are_words) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    wr_cache *c = cache_new_ex(&o);
    probe *a = probe_new(NULL);
    probe *b = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, NULL, 0, a), 0);
    CHECK_EQ(wr_cache_put(c, (void *)(uintptr_t)42, 0, b), 0);
    CHECK_EQ(wr_cache_put(c, a, 8, b), -EINVAL);
    void *got = wr_cache_get(c, NULL, 0);
    CHECK_PTR_EQ(got, a);
    wr_release(got);
    got = wr_cache_get(c, (void *)(uintptr_t)42, 0);
    CHECK_PTR_EQ(got, b);
    wr_release(got);
    CHECK_NULL(wr_cache_get(c, (void *)(uintptr_t)43, 0));
    wr_cache *copy = wr_cache_copy(c);
    wr_release(a);
    uintptr_t key = 0;
    size_t len = 0;
    got = wr_cache_popitem(copy, &key, sizeof key, &len);
    CHECK_PTR_EQ(got, b);
    CHECK_EQ(key, 42);
    CHECK_EQ(len, sizeof key);
    wr_release(got);
    wr_cache *bytes = cache_new();
    CHECK_EQ(wr_cache_update(bytes, c), -EINVAL);
    wr_release(b);
    wr_cache_free(bytes);
    wr_cache_free(copy);
    wr_cache_free(c);
}

struct named {
    char name[16];
};
static const wr_type named_type = {.abi = WR_TYPE_ABI, .name = "named", .size = sizeof(struct named)};

static void *make_named(const void *key, size_t len, void *arg) {
    (void)arg;
    struct named *n = wr_new(&named_type);
    REQUIRE(n != NULL && len < sizeof n->name);
    memcpy(n->name, key, len);
    return n;
}

TEST(keys_that_lie_in_the_objects) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEYS_IN_VALUES;
    wr_cache *c = cache_new_ex(&o);
    struct named *n = make_named("abc", 3, NULL);
    CHECK_EQ(wr_cache_put(c, n->name, 3, n), 0);
    CHECK(cached(c, "abc", n));
    CHECK(cached(c, "abd", NULL));
    wr_cache *copied = cache_new();
    CHECK_EQ(wr_cache_update(copied, c), 0);
    CHECK(cached(copied, "abc", n));
    CHECK_EQ(wr_cache_update(c, copied), -EINVAL); /* their bytes go with the entries */
    wr_release(n);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(copied);
    wr_cache_free(c);
}

static uint64_t constant_hash(const void *key, size_t len, void *arg) {
    (void)key, (void)len;
    ++*(unsigned *)arg;
    return 7;
}

TEST(a_hash_of_the_callers_however_bad) {
    unsigned asked = 0;
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.hash = constant_hash;
    o.hash_arg = &asked;
    wr_cache *c = cache_new_ex(&o);
    enum { N = 150 }; /* more than one step of a walk */
    probe *p[N];
    for (unsigned i = 0; i < N; i++) {
        p[i] = probe_new(NULL);
        CHECK_EQ(wr_cache_put(c, &i, sizeof i, p[i]), 0);
    }
    CHECK_EQ(asked, N);
    CHECK_EQ(wr_cache_len(c), N);
    for (unsigned i = 0; i < N; i++)
        CHECK(cached_at(c, i, p[i]));
    for (unsigned i = 0; i < N; i += 2)
        wr_release(p[i]);
    CHECK_EQ(wr_cache_len(c), N / 2);
    for (unsigned i = 0; i < N; i++)
        CHECK_EQ(has(c, i), i % 2);
    wr_cache_clear(c);
    CHECK_EQ(wr_cache_len(c), 0);
    for (unsigned i = 1; i < N; i += 2)
        wr_release(p[i]);
    wr_cache_free(c);
}

TEST(long_keys_in_a_bounded_cache_go_with_their_entries) {
    wr_cache *c = limited(4, 2);
    unsigned destroyed = 0;
    char key[5000];
    memset(key, 'k', sizeof key);
    probe *held[3];
    for (unsigned i = 0; i < 10; i++) {
        probe *p = probe_new(&destroyed);
        p->value = i;
        key[0] = (char)('0' + i);
        CHECK_EQ(wr_cache_put(c, key, sizeof key, p), 0);
        if (i >= 7)
            held[i - 7] = p;
        else
            wr_release(p);
    }
    CHECK_EQ(destroyed, 7);
    key[0] = '8';
    probe *found = wr_cache_get(c, key, sizeof key);
    CHECK_PTR_EQ(found, held[1]);
    wr_release(found);
    CHECK_EQ(wr_cache_remove(c, key, sizeof key), 0);
    CHECK_EQ(wr_cache_len(c), 2);
    for (unsigned i = 0; i < 3; i++)
        wr_release(held[i]);
    wr_cache_free(c);
    CHECK_EQ(destroyed, 10);
}

TEST(a_heavy_object_displaces_any_number_of_light_ones) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep_weight = 300;
    o.weigh = weigh;
    wr_cache *c = cache_new_ex(&o);
    unsigned destroyed = 0;
    for (unsigned i = 0; i < 300; i++) {
        probe *p = probe_new(&destroyed);
        p->value = 1;
        CHECK_EQ(wr_cache_put(c, &i, sizeof i, p), 0);
        wr_release(p);
    }
    CHECK_EQ(destroyed, 0);
    put_new(c, 300, &destroyed);
    CHECK_EQ(destroyed, 300);
    CHECK_EQ(wr_cache_len(c), 1);
    wr_cache_free(c);
}

TEST(the_only_one_kept_stays_kept_when_it_is_used_again) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep_weight = 100;
    o.weigh = weigh;
    wr_cache *c = cache_new_ex(&o);
    unsigned destroyed = 0, key = 1;
    put_new(c, 60, &destroyed);
    probe *heavy = probe_new(&destroyed);
    heavy->value = 101; /* never kept, and the newest now */
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, heavy), 0);
    use(c, 60);
    CHECK_EQ(destroyed, 0);
    put_new(c, 50, &destroyed); /* in place of the one that is kept */
    CHECK(!has(c, 60) && has(c, 50));
    CHECK_EQ(destroyed, 1);
    wr_release(heavy);
    wr_cache_free(c);
    CHECK_EQ(destroyed, 3);
}
