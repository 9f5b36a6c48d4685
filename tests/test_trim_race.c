/* SPDX-License-Identifier: MIT */
/* Look-ups that were under way when their slot was given back to the system, and made again. */
#include "puppet.h"

#ifndef WR_HOOK
TEST(S22_look_ups_across_a_trim) {
    SKIP("needs VARIANT=hook");
}
#else

/* Objects of the largest size move one by one, so that the first slot of a fresh chunk is the next to be made. */
static const wr_type large_type = {
    .abi = WR_TYPE_ABI, .name = "large", .size = WR_MAX_SIZE, .destroy = counted_destroy};

static void *large_new(void) {
    void *p = wr_new(&large_type);
    REQUIRE(p != NULL);
    return p;
}

struct late {
    puppet puppet;
    look_up look;
    struct wr_slot *slot;
};

/* A look-up that has passed its checks and is about to add to the word when the object dies and its chunk is given
 * back. */
static void stand_over_trim(struct late *l) {
    (void)wr_trim(); /* so that the object is the first of its chunk, as the one after the next trim */
    void *p = large_new();
    l->slot = wr_slot_of(p);
    l->look = (look_up){wr_weak_of(p), p};
    puppet_start(&l->puppet, puppet_get, &l->look);
    CHECK(puppet_run_to(&l->puppet, "add_acquire", &l->slot->word));
    wr_release(p);
    CHECK_EQ(wr_trim(), ON_WEAR ? 0 : 2 << 20);
    CHECK(wr_weak_is_dead(l->look.w));
}

static void came_to_nothing(struct late *l) {
    puppet_run_out(&l->puppet);
    CHECK_NULL(l->look.got);
}

TEST(a_count_that_lands_on_a_page_given_back_is_wiped) {
    struct late l;
    stand_over_trim(&l);
    came_to_nothing(&l);
    void *next = large_new();
    CHECK(ON_WEAR || wr_slot_of(next) == l.slot);
    CHECK_EQ(wr_refcount(next), 1);
    CHECK(wr_weak_is_dead(l.look.w));
    CHECK_NULL(wr_weak_get(l.look.w));
    wr_release(next);
    CHECK_EQ(deaths(), 2);
}

TEST(a_look_up_of_a_page_given_back_writes_nothing) {
    look_up look;
    puppet p;
    void *obj = large_new();
    struct wr_slot *slot = wr_slot_of(obj);
    look = (look_up){wr_weak_of(obj), obj};
    puppet_start(&p, puppet_get, &look);
    CHECK(puppet_run_to(&p, "load_acquire", &slot->below));
    wr_release(obj);
    (void)wr_trim();
    uint64_t word = wr_load_relaxed(&slot->word);
    puppet_run_out(&p);
    CHECK_NULL(look.got);
    CHECK_EQ(wr_load_relaxed(&slot->word), word);
    CHECK(ON_WEAR || word == 0);
}

/* The slot is in use again when the count lands; its new holder is letting go, stopped at each step in turn. The slot
 * must be known as minted, or the holder closes it by a store that the count may be lost under. */
static bool land_during_release(unsigned release_steps, unsigned get_steps, bool weak, bool get_first) {
    struct late l;
    puppet releasing;
    atomic_store(&counted_deaths, 0);
    stand_over_trim(&l);
    void *next = large_new();
    CHECK(ON_WEAR || wr_slot_of(next) == l.slot);
    CHECK(wr_weak_is_dead(l.look.w));
    wr_weak now = weak ? wr_weak_of(next) : (wr_weak){0};
    puppet_start(&releasing, puppet_release, next);
    bool stood = puppet_steps(&releasing, release_steps);
    stood &= puppet_steps(&l.puppet, get_steps);
    if (get_first) {
        came_to_nothing(&l);
        puppet_run_out(&releasing);
    } else {
        puppet_run_out(&releasing);
        came_to_nothing(&l);
    }
    wr_release(wr_new(&probe_type)); /* orphans */
    CHECK_EQ(deaths(), 2);
    CHECK(wr_weak_is_dead(now));
    void *after = large_new();
    CHECK_EQ(wr_refcount(after), 1);
    CHECK(wr_weak_is_dead(now) && wr_weak_is_dead(l.look.w));
    wr_release(after);
    return stood;
}

TEST(a_count_that_lands_on_the_next_life_is_given_back) {
    for (unsigned weak = 0; weak < 2; weak++)
        for (unsigned i = 0; i < 14; i++)
            for (unsigned j = 0; j < 5; j++) {
                (void)land_during_release(i, j, weak, true);
                (void)land_during_release(i, j, weak, false);
            }
}

static void make_and_release(void *arg) {
    void **made = arg;
    *made = large_new();
    wr_release(*made);
}

TEST(a_count_lands_while_the_slot_is_made_again) {
    for (unsigned i = 0; i < 40; i++) {
        struct late l;
        puppet making;
        void *made;
        atomic_store(&counted_deaths, 0);
        stand_over_trim(&l);
        puppet_start(&making, make_and_release, &made);
        (void)puppet_steps(&making, i);
        came_to_nothing(&l);
        puppet_run_out(&making);
        wr_release(probe_new(NULL));
        CHECK_EQ(deaths(), 2);
        void *after = large_new();
        CHECK_EQ(wr_refcount(after), 1);
        CHECK(wr_weak_is_dead(l.look.w));
        wr_release(after);
    }
}

/* A whole life and a trim, stopped at each step, with a look-up through the stale value in between. */
static void live_and_trim(void *arg) {
    wr_weak *w = arg;
    void *p = large_new();
    wr_weak mine = wr_weak_of(p);
    wr_release(p);
    (void)wr_trim();
    CHECK(wr_weak_is_dead(mine));
    *w = mine;
}

TEST(S22_stale_values_read_dead_at_every_step_of_a_trim) {
    wr_weak stale;
    void *p = large_new();
    stale = wr_weak_of(p);
    wr_release(p);
    (void)wr_trim();
    bool stood = true;
    for (unsigned i = 0; stood; i += 1 + i / 30) {
        puppet trimming;
        wr_weak next;
        puppet_start(&trimming, live_and_trim, &next);
        stood = puppet_steps(&trimming, i);
        CHECK(wr_weak_is_dead(stale));
        CHECK_NULL(wr_weak_get(stale));
        puppet_run_out(&trimming);
        CHECK(wr_weak_is_dead(stale));
        CHECK(!wr_weak_equal(stale, next));
        CHECK(wr_weak_is_dead(next) && wr_weak_get(next) == NULL);
        stale = next;
    }
}

#endif
