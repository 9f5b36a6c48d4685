/* SPDX-License-Identifier: MIT */
/* Forced interleavings of caches with deaths (S47), with makers (S48), and with their own end. */
#include "stopper.h"
#include "containers.h"
#include "child.h"

static wr_cache *c;
static unsigned destroyed;

/* One shard, so that there is one lock to stop at. */
static const void *set_up(void) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    c = cache_new_ex(&o);
    return shard_lock(c);
}

static void release(void *obj) {
    wr_release(obj);
}

static int put_result;
static void put(void *obj) {
    put_result = wr_cache_put(c, "k", 1, obj);
}

static void *made;
static void *got;
static void *make(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    return made;
}
static void get_or_create(void *arg) {
    (void)arg;
    got = wr_cache_get_or_create(c, "k", 1, make, NULL);
}

TEST(S47_the_old_death_comes_for_its_entry_when_the_new_one_is_in) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *old = probe_new(&destroyed);
    probe *new = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "k", 1, old), 0);
    stopper_start(&s, release, old, "cas_acquire", lock, 1);
    CHECK(cached(c, "k", NULL)); /* dead, though its entry is in */
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_put(c, "k", 1, new), 0);
    stopper_finish(&s);
    CHECK_EQ(destroyed, 1);
    CHECK(cached(c, "k", new));
    wr_release(new);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S47_the_old_death_comes_when_its_entry_is_taken_out_by_hand) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *old = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "k", 1, old), 0);
    stopper_start(&s, release, old, "cas_acquire", lock, 1);
    CHECK_EQ(wr_cache_remove(c, "k", 1), -ENOENT);
    wr_cache_clear(c);
    stopper_finish(&s);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

static void remove_k(void *arg) {
    (void)arg;
    put_result = wr_cache_remove(c, "k", 1);
}

TEST(S47_an_entry_is_taken_out_by_hand_and_its_object_dies_before_it_is_taken_back) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    struct lock *stripe = registry_stripe(wr_slot_of(p));
    stopper_start(&s, remove_k, NULL, "cas_acquire", &stripe->state, 1);
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_kill(p), 1); /* finds the entry armed, and out */
    stopper_finish(&s);
    CHECK_EQ(put_result, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    wr_cache_free(c);
    (void)lock;
    check_nothing_left();
}

TEST(S47_a_kill_before_the_entry_is_in_leaves_the_cache_as_it_was) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *there = probe_new(NULL);
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "k", 1, there), 0);
    stopper_start(&s, put, p, "cas_acquire", lock, 1); /* it is linked */
    CHECK_EQ(wr_kill(p), 1);
    stopper_finish(&s);
    CHECK_EQ(put_result, -ESTALE);
    CHECK(cached(c, "k", there));
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK(cached(c, "k", there));
    wr_release(there);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S47_a_clear_before_the_entry_is_in_comes_before_the_put) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *p = probe_new(&destroyed);
    stopper_start(&s, put, p, "cas_acquire", lock, 1);
    CHECK_EQ(wr_weakref_clear(p), 0);
    stopper_finish(&s);
    CHECK_EQ(put_result, 0);
    CHECK(cached(c, "k", p));
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S48_a_put_between_making_and_putting_wins) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    made = probe_new(&destroyed);
    probe *p = probe_new(NULL);
    stopper_start(&s, get_or_create, NULL, "cas_acquire", lock, 2); /* made, and linked */
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    stopper_finish(&s);
    CHECK_PTR_EQ(got, p);
    CHECK_EQ(destroyed, 1);
    wr_release(got);
    CHECK(cached(c, "k", p));
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S48_what_was_put_meanwhile_and_died_does_not_win) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    made = probe_new(&destroyed);
    stopper_start(&s, get_or_create, NULL, "cas_acquire", lock, 2);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    wr_release(p);
    stopper_finish(&s);
    CHECK_PTR_EQ(got, made);
    CHECK(cached(c, "k", made));
    wr_release(got);
    CHECK_EQ(destroyed, 1);
    wr_cache_free(c);
    check_nothing_left();
}

static void get_again(void *arg) {
    *(void **)arg = wr_cache_get_or_create(c, "k", 1, make, NULL);
}

TEST(S48_who_comes_when_it_is_put_but_not_yet_told_gets_it) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    made = probe_new(&destroyed);
    stopper_start(&s, get_or_create, NULL, "cas_acquire", lock, 3); /* about to end the making */
    void *second = NULL;
    get_again(&second);
    CHECK_PTR_EQ(second, made);
    CHECK_EQ(wr_cache_remove(c, "k", 1), 0);
    stopper_finish(&s);
    CHECK_PTR_EQ(got, second);
    wr_release(got);
    wr_release(second);
    CHECK_EQ(destroyed, 1);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(a_cache_is_freed_while_a_death_is_on_its_way_to_it) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    stopper_start(&s, release, p, "cas_acquire", lock, 1);
    wr_cache_free(c);
    stopper_finish(&s); /* frees the memory: leak checkers see when not, AddressSanitizer when too early */
    CHECK_EQ(destroyed, 1);
    check_nothing_left();
}

/* In the child that thread is absent: its entry stays, but the object's end goes on. */
TEST(S47_the_end_of_an_object_goes_on_in_a_child_though_its_entry_is_with_an_absent_thread) {
    NEEDS_STOPPER;
    const void *lock = set_up();
    struct stopper s;
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    stopper_start(&s, release, p, "cas_acquire", lock, 1);
    wr_atfork_prepare();
    pid_t child = fork();
    if (child == 0) {
        be_a_child();
        wr_atfork_child();
        (void)wr_trim(); /* runs what absent threads left */
        _exit(destroyed == 1 && cached(c, "k", NULL) && wr_cache_len(c) == 0 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(child);
    stopper_finish(&s);
    CHECK_EQ(destroyed, 1);
    wr_cache_free(c);
    check_nothing_left();
}
