/* SPDX-License-Identifier: MIT */
/* Forced interleavings of weak maps and sets with the ends of their keys, and with others who set them. */
#include "stopper.h"
#include "values.h"

static wr_weakmap *m;

/* Of one shard, so that there is one lock to stop at. */
static void set_up(unsigned flags) {
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    o.flags = flags;
    o.shards = 1;
    o.value_destroy = value_destroy;
    m = wr_weakmap_new_ex(&o);
    REQUIRE(m != NULL);
}

static struct number *mine;
static int result;
static void set_mine(void *value) {
    result = wr_weakmap_set(m, mine, value);
}

/* By value, the new entry hangs on the equal key that is there. That one ends between the two. */
TEST(S51_the_equal_key_that_is_there_ends_while_its_value_is_replaced) {
    NEEDS_STOPPER;
    struct stopper stopper;
    /* Before it takes the key's stripe, and before each time that it takes the shard's lock. */
    for (unsigned nth = 0; nth <= 3; nth++) {
        set_up(WR_BY_VALUE);
        struct number *there = number_new(1, NULL);
        mine = number_new(1, NULL);
        CHECK_EQ(wr_weakmap_set(m, there, value_new(1)), 0);
        const void *lock = nth != 0 ? shard_lock(m) : &registry_stripe(wr_slot_of(there))->state;
        stopper_start(&stopper, set_mine, value_new(1), "cas_acquire", lock, nth != 0 ? nth : 1);
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
    check_nothing_left();
}

/* An equal key comes in while ours is on its way. */
TEST(S51_an_equal_key_comes_in_meanwhile) {
    NEEDS_STOPPER;
    struct stopper stopper;
    set_up(WR_BY_VALUE);
    struct number *other = number_new(1, NULL);
    mine = number_new(1, NULL);
    const void *lock = shard_lock(m);
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
    check_nothing_left();
}

/* By identity, a clear changes the value that a key is found by. */
TEST(S51_a_key_is_cleared_and_set_again_while_it_is_set) {
    NEEDS_STOPPER;
    struct stopper stopper;
    set_up(0);
    mine = number_new(1, NULL);
    const void *stripe = &registry_stripe(wr_slot_of(mine))->state;
    stopper_start(&stopper, set_mine, value_new(1), "cas_acquire", stripe, 1);
    CHECK_EQ(wr_weakref_clear(mine), 0);
    CHECK_EQ(wr_weakmap_set(m, mine, value_new(1)), 0);
    stopper_finish(&stopper);
    CHECK_EQ(result, 0);
    CHECK_EQ(wr_weakmap_len(m), 1);
    CHECK_EQ(wr_weakmap_remove(m, mine), 0);
    CHECK(!wr_weakmap_contains(m, mine));
    wr_release(mine);
    CHECK_EQ(made, destroyed);
    wr_weakmap_free(m);
    check_nothing_left();
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
    check_nothing_left();
}
