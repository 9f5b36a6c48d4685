/* SPDX-License-Identifier: MIT */
/* Look-ups that meet a finalize: refused while it runs, and a resurrection while they are in flight (S25). */
#include "puppet.h"

#ifndef WR_HOOK
TEST(S25_look_ups_that_meet_a_finalize) {
    SKIP("needs VARIANT=hook");
}
#else

static atomic_uint finalizes; /* looked at while puppets stand: orders nothing */

static void count_finalize(void *self) {
    (void)self;
    atomic_fetch_add_explicit(&finalizes, 1, memory_order_relaxed);
}

static unsigned finalized(void) {
    return atomic_load_explicit(&finalizes, memory_order_relaxed);
}

static const wr_type subject_type = {.abi = WR_TYPE_ABI,
                                     .name = "subject",
                                     .size = 16,
                                     .destroy = counted_destroy,
                                     .finalize = count_finalize};

/* Let a puppet release an object with finalize, and stop it when finalize is over, but not its time. */
static void *in_finalize(puppet *p) {
    void *o = wr_new(&subject_type);
    REQUIRE(o != NULL);
    struct wr_slot *slot = wr_slot_of(o);
    (void)wr_weak_of(o);
    puppet_start(p, puppet_release, o);
    CHECK(puppet_run_to(p, "cas", &slot->word)); /* -> FIN */
    CHECK(puppet_run_to(p, "cas", &slot->word)); /* -> dead or resurrected */
    CHECK_EQ(finalized(), 1);
    return o;
}

TEST(S25_a_look_up_while_finalize_runs_is_refused) {
    puppet p;
    void *o = in_finalize(&p);
    wr_weak w = wr_weak_of(o);
    CHECK(!wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
    CHECK_EQ(wr_refcount(o), 1);
    CHECK_EQ(deaths(), 0);
    puppet_run_out(&p);
    CHECK_EQ(deaths(), 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(S25_a_look_up_in_flight_counts_as_a_resurrection_until_it_is_over) {
    puppet releasing, looking;
    void *o = in_finalize(&releasing);
    look_up look = {wr_weak_of(o), o};
    struct wr_slot *slot = wr_slot_of(o);
    puppet_start(&looking, puppet_get, &look);
    CHECK(puppet_run_to(&looking, "sub", &slot->word));
    puppet_run_out(&releasing); /* finds a second reference */
    CHECK_EQ(deaths(), 0);
    CHECK(!wr_weak_is_dead(look.w));
    CHECK(can_get(look.w)); /* alive again, for anybody */
    puppet_run_out(&looking);
    CHECK_NULL(look.got);
    CHECK(wr_weak_is_dead(look.w));
    CHECK_EQ(deaths(), 0); /* nobody's code ran in the get */
    wr_release(probe_new(NULL));
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(deaths(), 1);
}

TEST(S25_who_got_the_resurrected_object_keeps_it) {
    puppet releasing, looking;
    void *o = in_finalize(&releasing);
    look_up look = {wr_weak_of(o), o};
    puppet_start(&looking, puppet_get, &look);
    CHECK(puppet_run_to(&looking, "sub", &wr_slot_of(o)->word));
    puppet_run_out(&releasing);
    void *got = wr_weak_get(look.w);
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&looking);
    CHECK_EQ(deaths(), 0);
    CHECK_EQ(wr_refcount(got), 1);
    wr_release(got);
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(deaths(), 1);
}

TEST(S24_that_finalize_has_run_is_marked_in_the_step_that_ends_it) {
    puppet releasing, looking;
    void *o = in_finalize(&releasing);
    look_up look = {wr_weak_of(o), o};
    puppet_start(&looking, puppet_get, &look);
    CHECK(puppet_run_to(&looking, "sub", &wr_slot_of(o)->word));
    CHECK(puppet_run_to(&releasing, "cas", &wr_slot_of(o)->word)); /* again: there are two references */
    bool stood = puppet_steps(&releasing, 0);                      /* its step, and not one more */
    puppet_run_out(&looking);
    (void)wr_trim();
    if (stood)
        puppet_run_out(&releasing);
    (void)wr_trim();
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(deaths(), 1);
}

TEST(a_look_up_that_added_before_finalize_keeps_the_object_alive) {
    void *o = wr_new(&subject_type);
    struct wr_slot *slot = wr_slot_of(o);
    wr_weak w = wr_weak_of(o);
    puppet p;
    puppet_start(&p, puppet_release, o);
    CHECK(puppet_run_to(&p, "cas", &slot->word));
    void *got = wr_weak_get(w);
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&p);
    CHECK_EQ(finalized(), 0);
    wr_release(got);
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(deaths(), 1);
}

#endif
