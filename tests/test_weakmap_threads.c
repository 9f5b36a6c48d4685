/* SPDX-License-Identifier: MIT */
/* Weak maps and sets under threads. */
#include "values.h"

enum { THREADS = 4, KEYS = 24 };

static wr_weakmap *m;
static wr_weakset *s;
static struct number *keys[KEYS]; /* shared and alive; others come and go */

static int check_value(void *key, void *value, void *arg) {
    (void)arg;
    CHECK_EQ(*(uint64_t *)value, ((struct number *)key)->value);
    return 0;
}

static void use_map(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(10000); n > 0; n--) {
        uint64_t i = rng_below(&rng, KEYS);
        struct number *key = n % 2 ? wr_retain(keys[i]) : number_new(i, NULL);
        void *value = value_new(i);
        void *there = NULL;
        switch (rng_below(&rng, 5)) {
        case 0:
            CHECK_EQ(wr_weakmap_set(m, key, value), 0);
            break;
        case 1:
            if (wr_weakmap_set_default(m, key, value, NULL) == 0)
                value_destroy(value);
            break;
        case 2:
            if (wr_weakmap_pop(m, key, &there) == 0) {
                CHECK_EQ(*(uint64_t *)there, i);
                value_destroy(there);
            }
            value_destroy(value);
            break;
        case 3:
            (void)wr_weakmap_remove(m, key);
            value_destroy(value);
            break;
        default:
            if (n % 16 == 0)
                CHECK_LE(wr_weakmap_len(m), KEYS * (THREADS + 1));
            value_destroy(value);
        }
        wr_release(key);
    }
}

static void check_map(unsigned flags) {
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = number_new(i, NULL);
    m = map_new(flags, value_destroy);
    run_threads(THREADS, use_map, NULL);
    CHECK_EQ(wr_weakmap_foreach(m, check_value, NULL), 0);
    for (unsigned i = 0; i < KEYS; i++)
        wr_release(keys[i]);
    CHECK_EQ(wr_weakmap_len(m), 0);
    CHECK_EQ(made, destroyed);
    wr_weakmap_free(m);
}

TEST(S51_each_value_is_destroyed_once_whatever_races) {
    check_map(0);
    check_nothing_left();
}

TEST(S51_and_by_value_an_equal_key_is_there_once) {
    check_map(WR_BY_VALUE);
    check_nothing_left();
}

static int count_one(void *key, void *value, void *arg) {
    unsigned *met = arg;
    CHECK_EQ(met[((struct number *)key)->value]++, 0);
    return check_value(key, value, NULL);
}

/* All threads set equal keys of their own that live on: one stays. */
static struct number *own[THREADS][KEYS];
static void set_equal(unsigned index, void *arg) {
    (void)arg;
    for (unsigned i = 0; i < KEYS; i++) {
        own[index][i] = number_new(i, NULL);
        CHECK_EQ(wr_weakmap_set(m, own[index][i], value_new(i)), 0);
    }
}

TEST(S51_threads_that_set_equal_keys_make_one_entry) {
    for (unsigned n = scaled(100); n > 0; n--) {
        m = map_new(WR_BY_VALUE, value_destroy);
        run_threads(THREADS, set_equal, NULL);
        unsigned met[KEYS] = {0};
        CHECK_EQ(wr_weakmap_foreach(m, count_one, met), 0);
        CHECK_EQ(wr_weakmap_len(m), KEYS);
        for (unsigned t = 0; t < THREADS; t++)
            for (unsigned i = 0; i < KEYS; i++)
                wr_release(own[t][i]);
        CHECK_EQ(wr_weakmap_len(m), 0);
        wr_weakmap_free(m);
    }
    CHECK_EQ(made, destroyed);
    check_nothing_left();
}

static void use_set(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(10000); n > 0; n--) {
        struct number *mine = number_new(rng_below(&rng, KEYS), NULL);
        int added = wr_weakset_add(s, mine);
        CHECK(added == 0 || added == 1);
        if (added == 1 && n % 4 == 0) {
            (void)wr_weakset_discard(s, mine);
        } else if (n % 64 == 0) {
            wr_weakset *copy = wr_weakset_copy(s);
            REQUIRE(copy != NULL);
            CHECK_LE(wr_weakset_len(copy), KEYS);
            wr_weakset_free(copy);
        }
        wr_release(mine);
        if (n % 128 == 0)
            wr_release(wr_weakset_pop(s));
    }
}

TEST(S52_a_set_under_threads) {
    s = set_new(WR_BY_VALUE);
    run_threads(THREADS, use_set, NULL);
    CHECK_EQ(wr_weakset_len(s), 0);
    wr_weakset_free(s);
    check_nothing_left();
}

static atomic_bool over;

/* Thread 0 makes keys with values and ends them; the others copy and walk. */
static void copy_while_dying(unsigned index, void *arg) {
    enum { MANY = 200 };
    (void)arg;
    for (unsigned n = scaled(200); index == 0 && n > 0; n--) {
        struct number *dying[MANY];
        for (unsigned i = 0; i < MANY; i++) {
            dying[i] = number_new(i, NULL);
            struct number *value = number_new(i, NULL);
            CHECK_EQ(wr_weakmap_set(m, dying[i], value), 0);
            wr_release(value);
        }
        for (unsigned i = 0; i < MANY; i++)
            wr_release(dying[i]);
    }
    if (index == 0)
        atomic_store(&over, true);
    while (!atomic_load(&over)) {
        wr_weakmap *copy = index == 1 ? wr_weakmap_copy(m) : NULL;
        CHECK_EQ(copy != NULL, index == 1);
        CHECK_EQ(wr_weakmap_foreach(copy ? copy : m, check_value, NULL), 0);
        wr_weakmap_free(copy);
    }
}

TEST(threaded_weak_key_dict_copy) {
    m = map_new(WR_VALUE_OBJECTS, NULL);
    run_threads(THREADS, copy_while_dying, NULL);
    CHECK_EQ(wr_weakmap_len(m), 0);
    wr_weakmap_free(m);
    check_nothing_left();
}
