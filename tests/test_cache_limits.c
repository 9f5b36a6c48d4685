/* SPDX-License-Identifier: MIT */
/* Caches with limits: bounds, and what keeps recently used objects alive. */
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
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
    check_nothing_left();
}

TEST(both_limits_of_what_is_kept_hold) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep = 2;
    o.keep_weight = 100;
    o.weigh = weigh;
    wr_cache *c = cache_new_ex(&o);
    unsigned destroyed = 0;
    for (unsigned i = 1; i <= 3; i++)
        put_new(c, i, &destroyed);
    CHECK_EQ(destroyed, 1); /* by number */
    put_new(c, 97, &destroyed);
    CHECK_EQ(destroyed, 2);
    put_new(c, 50, &destroyed); /* by weight */
    CHECK_EQ(destroyed, 4);
    wr_cache_free(c);
    CHECK_EQ(destroyed, 5);
    check_nothing_left();
}

static size_t weigh_once(const void *obj) {
    ++*((const probe *)obj)->destroyed; /* is asked, rather */
    return 1;
}

TEST(an_object_is_weighed_once_each_time_it_is_put) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep_weight = 10;
    o.weigh = weigh_once;
    wr_cache *c = cache_new_ex(&o);
    unsigned asked = 0;
    probe *p = probe_new(&asked);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    CHECK(cached(c, "k", p));
    CHECK_EQ(asked, 1);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    CHECK_EQ(asked, 2);
    CHECK_EQ(wr_refcount(p), 2);
    wr_cache_free(c);
    wr_release(p);
    check_nothing_left();
}

TEST(asking_whether_a_key_is_there_is_no_use_of_it) {
    wr_cache *c = limited(0, 2);
    put_new(c, 1, NULL);
    put_new(c, 2, NULL);
    CHECK(has(c, 1));
    put_new(c, 3, NULL);
    CHECK(!has(c, 1) && has(c, 2) && has(c, 3));
    wr_cache_free(c);
    check_nothing_left();
}

TEST(what_is_taken_out_is_kept_no_more) {
    wr_cache *c = limited(0, 2);
    unsigned destroyed = 0, key = 1;
    put_new(c, 1, &destroyed);
    put_new(c, 2, &destroyed);
    void *one = wr_cache_pop(c, &key, sizeof key), *two = wr_cache_popitem(c, NULL, 0, NULL);
    CHECK_EQ(wr_refcount(one), 1);
    CHECK_EQ(wr_refcount(two), 1);
    wr_release(one);
    wr_release(two);
    CHECK_EQ(destroyed, 2);
    wr_cache_free(c);
    check_nothing_left();
}
