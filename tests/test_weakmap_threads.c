/* SPDX-License-Identifier: MIT */
/* Weak maps and sets under threads, and when a key ends while it is looked for. */
#include "stopper.h"
#include "table.h"
#include "containers.h"

enum { THREADS = 4, KEYS = 24 };

static wr_weakmap *m;
static wr_weakset *s;
static struct number *keys[KEYS]; /* shared and alive; others come and go */
static atomic_uint made, destroyed;

static void *value_new(uint64_t key) {
    uint64_t *value = malloc(sizeof *value);
    REQUIRE(value != NULL);
    *value = key;
    made++;
    return value;
}

static void value_destroy(void *value) {
    destroyed++;
    free(value);
}

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
}

TEST(S51_and_by_value_an_equal_key_is_there_once) {
    check_map(WR_BY_VALUE);
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
}

/* ---- forced ---- */

static struct number *mine;
static int result;
static void set_mine(void *value) {
    result = wr_weakmap_set(m, mine, value);
}

/* By value, the new entry hangs on the equal key that is there. That one ends between the two. */
TEST(S51_the_equal_key_that_is_there_ends_while_its_value_is_replaced) {
    NEEDS_STOPPER;
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    struct stopper stopper;
    o.flags = WR_BY_VALUE;
    o.shards = 1;
    o.value_destroy = value_destroy;
    for (unsigned nth = 1; nth <= 3; nth++) { /* before each of the locks that it takes */
        m = wr_weakmap_new_ex(&o);
        REQUIRE(m != NULL);
        struct number *there = number_new(1, NULL);
        mine = number_new(1, NULL);
        CHECK_EQ(wr_weakmap_set(m, there, value_new(1)), 0);
        const void *lock = &((struct table *)(void *)m)->shards[0].lock.state;
        stopper_start(&stopper, set_mine, value_new(1), "cas_acquire", lock, nth);
        CHECK_EQ(wr_kill(there), 1);
        stopper_finish(&stopper);
        CHECK_EQ(result, 0);
        CHECK_EQ(wr_weakmap_len(m), 1);
        CHECK_NOT_NULL(wr_weakmap_get(m, mine));
        wr_release(there);
        CHECK_EQ(wr_weakmap_len(m), 1);
        wr_release(mine);
        CHECK_EQ(wr_weakmap_len(m), 0);
        CHECK_EQ(made, destroyed);
        wr_weakmap_free(m);
    }
}

/* An equal key comes in while ours is on its way. */
TEST(S51_an_equal_key_comes_in_meanwhile) {
    NEEDS_STOPPER;
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    struct stopper stopper;
    o.flags = WR_BY_VALUE;
    o.shards = 1;
    o.value_destroy = value_destroy;
    m = wr_weakmap_new_ex(&o);
    REQUIRE(m != NULL);
    struct number *other = number_new(1, NULL);
    mine = number_new(1, NULL);
    const void *lock = &((struct table *)(void *)m)->shards[0].lock.state;
    stopper_start(&stopper, set_mine, value_new(1), "cas_acquire", lock, 2);
    CHECK_EQ(wr_weakmap_set(m, other, value_new(1)), 0);
    stopper_finish(&stopper);
    CHECK_EQ(result, 0);
    CHECK_EQ(wr_weakmap_len(m), 1);
    wr_release(mine);
    CHECK_EQ(wr_weakmap_len(m), 1); /* it hangs on the first */
    wr_release(other);
    CHECK_EQ(made, destroyed);
    wr_weakmap_free(m);
}

/* By identity, a clear changes the value that a key is found by. */
TEST(S51_a_key_is_cleared_and_set_again_while_it_is_set) {
    NEEDS_STOPPER;
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    struct stopper stopper;
    o.shards = 1;
    o.value_destroy = value_destroy;
    m = wr_weakmap_new_ex(&o);
    REQUIRE(m != NULL);
    mine = number_new(1, NULL);
    const void *stripe = &registry_stripe(wr_slot_of(mine))->state;
    stopper_start(&stopper, set_mine, value_new(1), "cas_acquire", stripe, 1);
    CHECK_EQ(wr_weakref_clear(mine), 0);
    CHECK_EQ(wr_weakmap_set(m, mine, value_new(2)), 0);
    stopper_finish(&stopper);
    CHECK_EQ(result, 0);
    CHECK_EQ(wr_weakmap_len(m), 1);
    CHECK_EQ(wr_weakmap_remove(m, mine), 0);
    CHECK(!wr_weakmap_contains(m, mine));
    wr_release(mine);
    CHECK_EQ(made, destroyed);
    wr_weakmap_free(m);
}

static wr_weakset *set;
static void add_mine(void *arg) {
    (void)arg;
    result = wr_weakset_add(set, mine);
}

TEST(S52_a_member_is_cleared_and_added_again_while_it_is_added) {
    NEEDS_STOPPER;
    wr_weakset_options o = WR_WEAKSET_OPTIONS_INIT;
    struct stopper stopper;
    o.shards = 1;
    set = wr_weakset_new_ex(&o);
    REQUIRE(set != NULL);
    mine = number_new(1, NULL);
    const void *stripe = &registry_stripe(wr_slot_of(mine))->state;
    stopper_start(&stopper, add_mine, NULL, "cas_acquire", stripe, 1);
    CHECK_EQ(wr_weakref_clear(mine), 0);
    CHECK_EQ(wr_weakset_add(set, mine), 1);
    stopper_finish(&stopper);
    CHECK_EQ(result, 0);
    CHECK_EQ(wr_weakset_len(set), 1);
    CHECK_EQ(wr_weakset_discard(set, mine), 1);
    CHECK(!wr_weakset_contains(set, mine));
    wr_release(mine);
    wr_weakset_free(set);
}
