/* SPDX-License-Identifier: MIT */
/* Named races on the word, forced both ways; test_interleave.c tries them all, this file says what each comes to. */
#include "registry.h"

#include "puppet.h"

#ifndef WR_HOOK
TEST(S22_named_races) {
    SKIP("needs VARIANT=hook");
}
#else

/* A minted object and a puppet that drops its last reference, stopped before the closing compare-exchange. */
static void *half_released(puppet *p) {
    void *o = counted_new();
    (void)wr_weak_of(o);
    puppet_start(p, puppet_release, o);
    CHECK(puppet_run_to(p, "cas", &wr_slot_of(o)->word));
    CHECK_EQ(wr_refcount(o), 0);
    return o;
}

TEST(a_get_before_the_closing_wins) {
    puppet p;
    void *o = half_released(&p);
    wr_weak w = wr_weak_of(o);
    CHECK(!wr_weak_is_dead(w));
    void *got = wr_weak_get(w);
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 0);
    CHECK(!wr_weak_is_dead(w));
    wr_release(got);
    CHECK_EQ(deaths(), 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(a_get_after_the_closing_loses) {
    puppet p;
    void *o = half_released(&p);
    wr_weak w = wr_weak_of(o);
    CHECK(puppet_run_to(&p, "store_release", &wr_slot_of(o)->below)); /* closed, but `below` lags */
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w)); /* leaves its count on the dead word */
    CHECK_EQ(deaths(), 0);
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 1);
    void *next = object_in(wr_slot_of(o));
    CHECK(next == NULL || wr_refcount(next) == 1);
    CHECK(wr_weak_is_dead(w));
    wr_release(next);
}

TEST(a_get_and_its_release_before_the_closing_close_it_themselves) {
    puppet p;
    void *o = half_released(&p);
    wr_weak w = wr_weak_of(o);
    wr_release(wr_weak_get(w));
    CHECK_EQ(deaths(), 1);
    CHECK(wr_weak_is_dead(w));
    puppet_run_out(&p); /* finds the word closed */
    CHECK_EQ(deaths(), 1);
}

TEST(two_closings_of_which_the_first_releaser_wins) {
    puppet p, q;
    void *o = half_released(&p);
    void *got = wr_weak_get(wr_weak_of(o));
    puppet_start(&q, puppet_release, got);
    CHECK(puppet_run_to(&q, "cas", &wr_slot_of(o)->word));
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 1);
    puppet_run_out(&q);
    CHECK_EQ(deaths(), 1);
}

TEST(two_closings_of_which_the_second_releaser_wins) {
    puppet p, q;
    void *o = half_released(&p);
    void *got = wr_weak_get(wr_weak_of(o));
    puppet_start(&q, puppet_release, got);
    CHECK(puppet_run_to(&q, "cas", &wr_slot_of(o)->word));
    puppet_run_out(&q);
    CHECK_EQ(deaths(), 1);
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 1);
}

TEST(a_closing_that_is_late_leaves_the_next_object_alone) {
    puppet p;
    void *o = half_released(&p);
    wr_release(wr_weak_get(wr_weak_of(o)));
    CHECK_EQ(deaths(), 1);
    unsigned of_next = 0;
    probe *next = probe_new(&of_next); /* in the same slot, but in a debug build */
    CHECK(ON_DEBUG || ON_WEAR || next == o);
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 1);
    CHECK_EQ(of_next, 0);
    CHECK_EQ(wr_refcount(next), 1);
    wr_release(next);
    CHECK_EQ(of_next, 1);
}

TEST(two_releases_of_two_references) {
    static const char *const stops[] = {"load_acquire", "sub"};
    for (unsigned i = 0; i < 2; i++) { /* never minted: with two holders nobody may close it by a store */
        puppet p;
        void *o = counted_new();
        unmint(o);
        wr_retain(o);
        puppet_start(&p, puppet_release, o);
        CHECK(puppet_run_to(&p, stops[i], &wr_slot_of(o)->word));
        wr_release(o);
        CHECK_EQ(deaths(), i);
        puppet_run_out(&p);
        CHECK_EQ(deaths(), i + 1);
    }
}

/* A holder mints while another, who saw a slot never minted, is about to let go. */
TEST(S23_minting_against_the_release_of_another_holder) {
    for (unsigned steps = 0; steps < 12; steps++) {
        puppet p;
        void *o = counted_new();
        struct wr_slot *slot = wr_slot_of(o);
        unmint(o);
        wr_retain(o);
        atomic_store(&counted_deaths, 0);
        puppet_start(&p, puppet_release, o);
        (void)puppet_steps(&p, steps);
        wr_weak w = wr_weak_of(o);
        wr_release(o);
        puppet_run_out(&p);
        CHECK_EQ(deaths(), 1);
        CHECK(wr_weak_is_dead(w));
        void *next = object_in(slot);
        CHECK(next == NULL ||
              !wr_weak_equal(wr_weak_of(next), w)); /* the tag was spent, or it would be alive again */
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        wr_release(next);
    }
}

TEST(kill_against_get) {
    look_up look;
    puppet p;
    void *o = counted_new();
    struct wr_slot *slot = wr_slot_of(o);
    look = (look_up){wr_weak_of(o), o};
    puppet_start(&p, puppet_get, &look);
    CHECK(puppet_run_to(&p, "add_acquire", &slot->word));
    CHECK_EQ(wr_kill(o), 1);
    puppet_run_out(&p);
    CHECK_NULL(look.got);
    CHECK_EQ(wr_refcount(o), 1); /* what it added, it gave back */
    wr_release(o);
    CHECK_EQ(deaths(), 1);
}

TEST(get_against_kill) {
    puppet p;
    void *o = counted_new();
    wr_weak w = wr_weak_of(o);
    puppet_start(&p, puppet_kill, o);
    CHECK(puppet_run_to(&p, "cas", &wr_slot_of(o)->word));
    void *got = wr_weak_get(w); /* changes the word, so that the kill has to look again */
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&p);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(wr_refcount(o), 2);
    wr_release(got);
    wr_release(o);
    CHECK_EQ(deaths(), 1);
}

static void kill_in_vain(void *obj) {
    CHECK_EQ(wr_kill(obj), 0);
}

TEST(kill_against_kill) {
    puppet p;
    void *o = counted_new();
    (void)wr_weak_of(o);
    puppet_start(&p, kill_in_vain, o);
    CHECK(puppet_run_to(&p, "cas", &wr_slot_of(o)->word));
    CHECK_EQ(wr_kill(o), 1);
    puppet_run_out(&p);
    wr_release(o);
    CHECK_EQ(deaths(), 1);
}

/* A get that is overtaken by the object's death and the slot's next life. */
TEST(a_stale_get_leaves_the_next_object_alone) {
    static const char *const stops[] = {"load_acquire", "add_acquire", "sub"};
    for (unsigned i = 0; i < 3; i++) {
        look_up look;
        puppet p;
        void *o = counted_new();
        struct wr_slot *slot = wr_slot_of(o);
        atomic_store(&counted_deaths, 0);
        look = (look_up){wr_weak_of(o), o};
        puppet_start(&p, puppet_get, &look);
        if (i == 0)
            CHECK(puppet_run_to(&p, stops[0], &slot->below));
        else
            CHECK(puppet_run_to(&p, stops[1], &slot->word));
        wr_release(o);
        CHECK_EQ(deaths(), 1);
        void *next = object_in(slot);
        if (next == NULL) {
            puppet_run_out(&p);
            CHECK_NULL(look.got);
            continue;
        }
        wr_weak now = wr_weak_of(next);
        if (i == 2) {
            CHECK(puppet_run_to(&p, stops[2], &slot->word));
            CHECK_EQ(wr_refcount(next), 2); /* the stray count is real, until it is given back */
        }
        puppet_run_out(&p);
        CHECK_NULL(look.got);
        CHECK_EQ(wr_refcount(next), 1);
        CHECK(can_get(now));
        wr_release(next);
        CHECK(wr_weak_is_dead(now));
    }
}

/* ---- looks at the dead write nothing ---- */

static atomic_uint writes;

static void count_writes(const char *op, const volatile void *at) {
    (void)at;
    atomic_fetch_add_explicit(&writes, strncmp(op, "load", 4) != 0, memory_order_relaxed);
}

static void ignore(void *self) {
    (void)self;
}

static void looks_write_nothing(wr_weak w) {
    atomic_hook = count_writes;
    bool dead = wr_weak_is_dead(w) && wr_weak_get(w) == NULL;
    atomic_hook = NULL;
    CHECK(dead);
    CHECK_EQ(atomic_load(&writes), 0);
}

TEST(the_dead_the_killed_and_the_finalized_are_looked_up_without_a_write) {
    static const wr_type finalized = {.abi = WR_TYPE_ABI, .size = 8, .finalize = ignore};
    void *o = counted_new(), *f = wr_new(&finalized);
    wr_weak w = wr_weak_of(o), of_finalized = wr_weak_of(f);
    CHECK_EQ(wr_kill(o), 1);
    looks_write_nothing(w);
    wr_release(o);
    looks_write_nothing(w);
    wr_release(f);
    looks_write_nothing(of_finalized);
    o = counted_new();
    w = wr_weak_of(o);
    wr_release(o);
    looks_write_nothing(w);
}

TEST(a_count_that_landed_on_a_dead_word_is_never_taken_back) {
    look_up look;
    puppet p;
    void *o = counted_new();
    struct wr_slot *slot = wr_slot_of(o);
    look = (look_up){wr_weak_of(o), o};
    puppet_start(&p, puppet_get, &look);
    CHECK(puppet_run_to(&p, "add_acquire", &slot->word));
    wr_release(o);
    bool touches_again = puppet_run_to(&p, NULL, &slot->word); /* what the addition returned decides */
    void *next = object_in(slot);
    puppet_run_out(&p);
    CHECK(!touches_again);
    CHECK_NULL(look.got);
    CHECK(next == NULL || wr_refcount(next) == 1);
    wr_release(next);
}

/* ---- one reference that two threads give up ---- */

struct reference {
    void *obj;
    wr_holder holder;
};

static void drop_copy(void *arg) {
    struct reference *mine = arg;
    wr_drop_at(mine->obj, &mine->holder, "second.c:2");
}

TEST_ABORTS(a_reference_dropped_by_two_threads_at_once_is_named, "second.c:2: wr_drop(") {
    puppet p;
    struct reference copy;
    CHECK_EQ(wr_debug("holders"), 0);
    void *obj = wr_retain(wr_new(&probe_type)); /* it lives on */
    wr_holder holder;
    copy.obj = wr_hold_at(obj, &holder, "hold.c:1");
    copy.holder = holder;
    puppet_start(&p, drop_copy, &copy);
    REQUIRE(puppet_run_to(&p, "cas_acquire", registry_stripe(wr_slot_of(obj)))); /* it has found the record */
    wr_drop_at(obj, &holder, "first.c:1");
    puppet_run_out(&p);
}

#endif
