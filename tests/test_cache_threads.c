/* SPDX-License-Identifier: MIT */
/* Caches under threads: Python's threaded consistency tests, and an oracle for each key. */
#include "containers.h"

#include <sched.h>

enum { THREADS = 4, KEYS = 16 };

static wr_cache *c;

static void *make(const void *key, size_t len, void *arg) {
    (void)arg;
    unsigned i;
    REQUIRE(len == sizeof i);
    memcpy(&i, key, len);
    probe *p = probe_new(NULL);
    p->value = i;
    return p;
}

static void check(const void *obj, unsigned key) {
    CHECK_EQ(((const probe *)obj)->value, key);
}

static void set_default(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(20000); n > 0; n--) {
        unsigned key = (unsigned)rng_below(&rng, KEYS);
        void *mine = make(&key, sizeof key, NULL);
        void *there = wr_cache_set_default(c, &key, sizeof key, mine);
        REQUIRE(there != NULL);
        check(there, key);
        wr_release(mine);
        wr_release(there);
    }
}

TEST(threaded_weak_valued_setdefault) {
    c = cache_new();
    run_threads(THREADS, set_default, NULL);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

/* One puts and drops, the others pop: what they get is alive, of that key, and nobody else's. */
enum { POPPED = 1u << 20 };
static atomic_bool put_all;

static void put_or_pop(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(4000); index == 0 && n > 0; n--) {
        unsigned key = (unsigned)rng_below(&rng, KEYS);
        void *p = make(&key, sizeof key, NULL);
        CHECK_EQ(wr_cache_put(c, &key, sizeof key, p), 0);
        if (n % 2 == 0)
            sched_yield(); /* it is there for a while */
        wr_release(p);
    }
    if (index == 0)
        atomic_store(&put_all, true);
    while (!atomic_load(&put_all)) {
        unsigned key = (unsigned)rng_below(&rng, KEYS);
        probe *p = wr_cache_pop(c, &key, sizeof key);
        if (p != NULL) {
            check(p, key);
            p->value |= POPPED;
        }
        wr_release(p);
    }
}

TEST(threaded_weak_valued_pop) {
    c = cache_new();
    run_threads(THREADS, put_or_pop, NULL);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

/* Each thread has a key of its own, which the others' deaths must leave alone. */
static void put_over_the_dying(unsigned index, void *arg) {
    (void)arg;
    unsigned key = index % 2;
    void *old = NULL;
    for (unsigned n = scaled(20000); n > 0; n--) {
        void *p = make(&key, sizeof key, NULL);
        CHECK_EQ(wr_cache_put(c, &index, sizeof index, p), 0);
        wr_release(old); /* its entry was replaced: its death takes out nothing */
        REQUIRE(cached_at(c, index, p));
        if (n % 3 == 0) { /* now and then the death comes first */
            wr_release(p);
            REQUIRE(cached_at(c, index, NULL));
            p = NULL;
        }
        old = p;
    }
    wr_release(old);
}

TEST(S47_threaded_weak_valued_consistency) {
    c = cache_new();
    run_threads(THREADS, put_over_the_dying, NULL);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

static atomic_uint makers[KEYS]; /* at work */

static void *make_alone(const void *key, size_t len, void *arg) {
    unsigned i;
    memcpy(&i, key, sizeof i);
    CHECK_EQ(atomic_fetch_add(&makers[i], 1), 0);
    probe *p = make(key, len, arg);
    CHECK_EQ(atomic_fetch_sub(&makers[i], 1), 1);
    return p;
}

static void get_or_create(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(20000); n > 0; n--) {
        unsigned key = (unsigned)rng_below(&rng, 2);
        void *a = wr_cache_get_or_create(c, &key, sizeof key, make_alone, NULL);
        REQUIRE(a != NULL);
        check(a, key);
        void *b = wr_cache_get(c, &key, sizeof key);
        REQUIRE(b == a); /* it lives, so that it is the one */
        wr_release(b);
        wr_release(a);
    }
}

TEST(S48_one_maker_and_one_object_for_a_key) {
    c = cache_new();
    run_threads(THREADS, get_or_create, NULL);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

static int count(const void *key, size_t len, void *obj, void *arg) {
    unsigned i;
    REQUIRE(len == sizeof i);
    memcpy(&i, key, len);
    check(obj, i);
    ++*(unsigned *)arg;
    return 0;
}

static atomic_bool over;

/* Thread 0 makes and kills; the others copy, count, walk, pop. */
static void copy_while_dying(unsigned index, void *arg) {
    enum { MANY = 200 };
    (void)arg;
    if (index == 0) {
        for (unsigned n = scaled(200); n > 0; n--) {
            void *objs[MANY];
            for (unsigned i = 0; i < MANY; i++) {
                objs[i] = make(&i, sizeof i, NULL);
                CHECK_EQ(wr_cache_put(c, &i, sizeof i, objs[i]), 0);
            }
            for (unsigned i = 0; i < MANY; i++)
                wr_release(objs[i]);
        }
        atomic_store(&over, true);
        return;
    }
    while (!atomic_load(&over)) {
        unsigned met = 0;
        unsigned key;
        CHECK_LE(wr_cache_len(c), MANY);
        switch (index) {
        case 1: {
            wr_cache *copy = wr_cache_copy(c);
            REQUIRE(copy != NULL);
            CHECK_EQ(wr_cache_foreach(copy, count, &met), 0);
            wr_cache_free(copy);
            break;
        }
        case 2:
            CHECK_EQ(wr_cache_foreach(c, count, &met), 0);
            CHECK_LE(met, MANY);
            break;
        default: {
            void *obj = wr_cache_popitem(c, &key, sizeof key, NULL);
            if (obj)
                check(obj, key);
            wr_release(obj);
        }
        }
    }
}

TEST(threaded_weak_value_dict_copy) {
    c = cache_new();
    run_threads(THREADS, copy_while_dying, NULL);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

/* Two threads drop one object each, under the same key, while others keep what they got for a moment. */
static void limited(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(20000); n > 0; n--) {
        unsigned key = (unsigned)rng_below(&rng, 200);
        void *obj = wr_cache_get_or_create(c, &key, sizeof key, make, NULL);
        REQUIRE(obj != NULL);
        check(obj, key);
        if (n % 16 == 0)
            (void)wr_kill(obj);
        wr_release(obj);
        if (n % 64 == 0)
            (void)wr_cache_remove(c, &key, sizeof key);
    }
}

TEST(limits_hold_under_threads) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 2;
    o.keep = 20;
    o.max_entries = 50;
    c = cache_new_ex(&o);
    run_threads(THREADS, limited, NULL);
    CHECK_LE(wr_cache_len(c), 20);
    wr_cache_clear(c);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

/* All are on one list, for fork. */
static void make_and_free(unsigned index, void *arg) {
    (void)index;
    (void)arg;
    for (unsigned n = scaled(2000); n > 0; n--)
        wr_cache_free(cache_new());
}

TEST(caches_are_made_and_freed_on_many_threads) {
    run_threads(THREADS, make_and_free, NULL);
    check_nothing_left();
}
