/* SPDX-License-Identifier: MIT */
/* The named races of the registry, each forced both ways (VARIANT=hook): a thread stands before one atomic operation
 * while the other side of the race goes by. */
#include "stopper.h"

#include <sched.h>

#include "weakref.h"

static const volatile void *word_of(const void *obj) {
    return &wr_slot_of(obj)->word;
}
static const volatile void *stripe_of(const void *obj) {
    return registry_stripe(wr_slot_of(obj));
}

static void release(void *obj) {
    wr_release(obj);
}
static void *release_thread(void *obj) {
    wr_release(obj);
    return NULL;
}

/* Drop `ref` on a thread that will have to wait for a stripe, and return when it has closed the weakref. */
static pthread_t drop_until_closed(wr_weakref *ref) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, release_thread, ref) == 0);
    while (word_alive(wr_load_relaxed(&wr_slot_of(ref)->word)))
        sched_yield();
    return thread;
}

/* ---- S5: the shared ref is found while its last user drops it ---- */

struct finder {
    probe *obj;
    wr_weakref *found;
};
static void find(void *arg) {
    struct finder *f = arg;
    f->found = new_ref(f->obj, NULL, NULL);
}

TEST(S5_found_before_its_last_user_closed_it_it_lives_on) {
    NEEDS_STOPPER;
    struct stopper s;
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    stopper_start(&s, release, ref, "cas", word_of(ref), 1);
    wr_weakref *found = new_ref(p, NULL, NULL);
    stopper_finish(&s);
    CHECK_PTR_EQ(found, ref);
    CHECK_EQ(wr_refcount(found), 1);
    CHECK_PTR_EQ(referent(found), p);
    CHECK_EQ(wr_weakref_count(p), 1);
    wr_release(found);
    wr_release(p);
}

TEST(S5_found_after_its_last_user_closed_it_a_new_one_is_made) {
    NEEDS_STOPPER;
    struct stopper s;
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    stopper_start(&s, release, ref, "load", &ref->entry.at, 1);
    wr_weakref *found = new_ref(p, NULL, NULL);
    CHECK_PTR_NE(found, ref);
    CHECK_EQ(wr_refcount(found), 1);
    CHECK_EQ(wr_weakref_count(p), 1);
    stopper_finish(&s);
    CHECK_EQ(wr_weakref_count(p), 1);
    CHECK_PTR_EQ(new_ref(p, NULL, NULL), found);
    wr_release(found);
    wr_release(found);
    wr_release(p);
}

TEST(S5_closed_while_the_finder_stands_before_it_a_new_one_is_made) {
    NEEDS_STOPPER;
    struct stopper s;
    struct finder f = {.obj = probe_new(NULL)};
    wr_weakref *ref = new_ref(f.obj, NULL, NULL);
    stopper_start(&s, find, &f, "add", word_of(ref), 1); /* it holds the stripe */
    pthread_t dropper = drop_until_closed(ref);
    stopper_finish(&s);
    REQUIRE(pthread_join(dropper, NULL) == 0);
    CHECK_EQ(wr_refcount(f.found), 1);
    CHECK_PTR_EQ(referent(f.found), f.obj);
    CHECK_EQ(wr_weakref_count(f.obj), 1);
    wr_release(f.found);
    wr_release(f.obj);
}

TEST(S5_two_that_make_the_first_shared_ref_get_the_same) {
    NEEDS_STOPPER;
    struct stopper s;
    struct finder f = {.obj = probe_new(NULL)};
    stopper_start(&s, find, &f, "cas", stripe_of(f.obj), 2); /* it found none, and has made one */
    wr_weakref *first = new_ref(f.obj, NULL, NULL);
    stopper_finish(&s);
    CHECK_PTR_EQ(f.found, first);
    CHECK_EQ(wr_refcount(first), 2);
    CHECK_EQ(wr_weakref_count(f.obj), 1);
    wr_release(first);
    wr_release(first);
    wr_release(f.obj);
}

struct lister {
    probe *obj;
    wr_weakref *out[4];
    size_t count;
};
static void list_all(void *arg) {
    struct lister *l = arg;
    l->count = wr_weakref_list(l->obj, l->out, 4);
}

TEST(S38_a_ref_that_closes_while_the_lister_stands_before_it_is_skipped) {
    NEEDS_STOPPER;
    struct stopper s;
    struct lister l = {.obj = probe_new(NULL)};
    wr_weakref *a = new_ref(l.obj, logs, NULL), *b = new_ref(l.obj, logs, NULL);
    stopper_start(&s, list_all, &l, "add", word_of(b), 1);
    pthread_t dropper = drop_until_closed(b);
    stopper_finish(&s);
    REQUIRE(pthread_join(dropper, NULL) == 0);
    CHECK_EQ(l.count, 1);
    CHECK_PTR_EQ(l.out[0], a);
    wr_release(a);
    wr_release(a);
    wr_release(l.obj);
}

/* ---- a weakref is dropped while its referent dies on another thread ---- */

TEST(S16_taken_before_the_drop_closed_it_the_callback_runs) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    stopper_start(&s, release, ref, "cas", word_of(ref), 1);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
}

TEST(S16_the_drop_does_not_wait_and_a_callback_that_was_taken_starts_after_it) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    stopper_start(&s, release, p, "store", stripe_of(p), 1); /* taken, and not called */
    wr_release(ref);
    CHECK_EQ(log.calls + log.freed, 0);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
}

TEST(S16_dropped_before_it_was_taken_the_callback_is_cancelled) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    stopper_start(&s, release, ref, "load", &ref->entry.at, 1);
    wr_release(p); /* finds the closed one on its list, and takes it off */
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 0);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
}

TEST(S17_unlinked_by_the_death_while_the_drop_waits_for_the_stripe) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *a = new_owning_ref(p, &log), *b = new_owning_ref(p, &log), *c = new_owning_ref(p, &log);
    stopper_start(&s, release, b, "cas", stripe_of(p), 1); /* it saw itself linked */
    wr_release(p);
    CHECK_EQ(log.calls, 2);
    stopper_finish(&s);
    CHECK_EQ(log.freed, 3);
    wr_release(a);
    wr_release(c);
}

/* What the death let go of is the dropper's to use again, ordered by nothing but that. */
static void drop_and_reuse(void *ref) {
    probe *p = probe_new(NULL);
    wr_release(ref);
    for (int i = 0; i < 3; i++)
        wr_release(new_ref(p, logs, NULL));
    wr_release(p);
}

TEST(S17_unlinked_by_a_death_its_memory_is_used_again) {
    NEEDS_STOPPER;
    struct stopper s;
    probe *p = probe_new(NULL);
    wr_weakref *older = new_ref(p, NULL, NULL), *ref = new_ref(p, logs, NULL);
    stopper_start(&s, drop_and_reuse, ref, "load", &ref->entry.at, 1);
    wr_release(p);
    stopper_finish_unordered(&s);
    CHECK_EQ(wr_weakref_is_dead(older), 1);
    wr_release(older);
}

TEST(S16_closed_while_the_death_stands_before_it_the_callback_is_cancelled) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0}, dropped = {0}; /* they are written on two threads at once */
    probe *p = probe_new(NULL);
    wr_weakref *a = new_owning_ref(p, &log), *b = new_owning_ref(p, &dropped);
    stopper_start(&s, release, p, "add", word_of(b), 1); /* it holds the stripe */
    pthread_t dropper = drop_until_closed(b);
    stopper_finish(&s);
    REQUIRE(pthread_join(dropper, NULL) == 0);
    CHECK_EQ(log.calls, 1);
    CHECK_PTR_EQ(log.refs[0], a);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(dropped.calls, 0);
    CHECK_EQ(dropped.freed, 1);
    wr_release(a);
}

/* The list that is being called through is on another thread's stack: leaving it from its middle and its head. */
TEST(S17_refs_dropped_while_a_death_is_halfway_through_their_list) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    wr_weakref *refs[6];
    probe *p = probe_new(NULL);
    for (int i = 0; i < 6; i++)
        refs[i] = new_owning_ref(p, &log);
    /* It has called the newest, and is about to take the stripe for the next. */
    stopper_start(&s, release, p, "cas", stripe_of(p), 2);
    wr_release(refs[4]);
    wr_release(refs[2]);
    wr_release(refs[0]);
    CHECK_EQ(wr_weakref_cancel(refs[1]), 1);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 2);
    CHECK_PTR_EQ(log.refs[0], refs[5]);
    CHECK_PTR_EQ(log.refs[1], refs[3]);
    CHECK_EQ(log.freed, 6);
    wr_release(refs[1]);
    wr_release(refs[3]);
    wr_release(refs[5]);
}

TEST(S17_all_the_rest_dropped_while_a_death_is_halfway) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    wr_weakref *refs[6];
    probe *p = probe_new(NULL);
    for (int i = 0; i < 6; i++)
        refs[i] = new_owning_ref(p, &log);
    stopper_start(&s, release, p, "cas", stripe_of(p), 2);
    for (int i = 0; i < 5; i++)
        wr_release(refs[i]);
    stopper_finish(&s); /* finds its list empty */
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 6);
    wr_release(refs[5]);
}
