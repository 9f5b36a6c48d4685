/* SPDX-License-Identifier: MIT */
/* Cancel against death, and two that hash, forced both ways (VARIANT=hook). */
#include "stopper.h"

#include "weakref.h"

static const volatile void *stripe_of(const void *obj) {
    return registry_stripe(wr_slot_of(obj));
}
static void release(void *obj) {
    wr_release(obj);
}

/* ---- cancel against death: each outcome ---- */

struct canceller {
    wr_weakref *ref;
    int result;
};
static void cancel(void *arg) {
    struct canceller *c = arg;
    c->result = wr_weakref_cancel(c->ref);
}
static void *cancel_thread(void *arg) {
    cancel(arg);
    return NULL;
}

TEST(S43_cancelled_after_the_death_before_its_turn_is_1) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    stopper_start(&s, release, p, "cas", stripe_of(p), 1);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK(wr_weakref_callback(ref) == NULL); /* S13: from the instant of death */
    CHECK_EQ(wr_weakref_cancel(ref), 1);
    CHECK_EQ(log.freed, 1);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
    wr_release(ref);
}

TEST(S43_cancelled_too_late_is_0_and_it_has_run) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    struct canceller c = {.ref = new_owning_ref(p, &log), .result = -1};
    stopper_start(&s, cancel, &c, "cas", stripe_of(p), 1);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    stopper_finish(&s);
    CHECK_EQ(c.result, 0);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
    wr_release(c.ref);
}

TEST(S43_a_death_passes_by_what_is_being_cancelled) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    struct canceller c = {.ref = new_owning_ref(p, &log)};
    stopper_start(&s, cancel, &c, "exchange", &c.ref->entry.state, 1); /* it has destroyed the argument */
    CHECK_EQ(wr_weakref_cancel_timed(c.ref, 0), -ETIMEDOUT);           /* that is not over yet */
    wr_release(p);
    CHECK_EQ(log.calls, 0);
    stopper_finish(&s);
    CHECK_EQ(c.result, 1);
    CHECK_EQ(wr_weakref_cancel(c.ref), 0);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
    wr_release(c.ref);
}

TEST(S43_cancel_waits_until_the_run_is_over) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    pthread_t thread;
    probe *p = probe_new(NULL);
    struct canceller c = {.ref = new_owning_ref(p, &log), .result = -1};
    stopper_start(&s, release, p, "exchange", &c.ref->entry.state, 1); /* called, but not over */
    CHECK_EQ(wr_weakref_cancel_timed(c.ref, 0), -ETIMEDOUT);
    REQUIRE(pthread_create(&thread, NULL, cancel_thread, &c) == 0);
    CHECK_EQ(wr_weakref_cancel_timed(c.ref, 2), -ETIMEDOUT);
    stopper_finish(&s);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_EQ(c.result, 0);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
    wr_release(c.ref);
}

/* The run ends between the look that found it running and the note that somebody waits. */
TEST(S43_cancel_does_not_sleep_when_the_run_just_ended) {
    NEEDS_STOPPER;
    struct stopper s, *running = malloc(sizeof *running);
    struct log log = {0};
    probe *p = probe_new(NULL);
    struct canceller c = {.ref = new_owning_ref(p, &log), .result = -1};
    stopper_start(running, release, p, "exchange", &c.ref->entry.state, 1);
    stopper_start(&s, cancel, &c, "cas", &c.ref->entry.state, 1);
    sem_post(&running->go);
    REQUIRE(pthread_join(running->thread, NULL) == 0);
    stopper_finish(&s);
    CHECK_EQ(c.result, 0);
    CHECK_EQ(log.calls, 1);
    free(running);
    wr_release(c.ref);
}

/* ---- two that hash a ref for the first time ---- */

static void hash(void *ref) {
    uint64_t out = 0;
    CHECK_EQ(wr_hash(ref, &out), 0);
    CHECK_EQ(out, 5 * 31 + 7);
}

TEST(S28_two_that_hash_at_once_agree) {
    NEEDS_STOPPER;
    struct stopper s;
    struct number *n = number_new(5, NULL);
    wr_weakref *ref = new_ref(n, NULL, NULL);
    stopper_start(&s, hash, ref, "store", &ref->hash, 1);
    hash(ref);
    stopper_finish(&s);
    wr_release(n);
    hash(ref);
    wr_release(ref);
}
