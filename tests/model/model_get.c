/* SPDX-License-Identifier: MIT */
/* Look-ups against the last release, and against the slot's next object. */
#include "things.h"

static struct thing *a, *b;
static wr_weak weak_a, weak_b;
static uint64_t shown;
static bool alive[MODEL_THREADS];
static bool got_b;

/* Thing 1 in a slot that had others before, so that its tag is not the first. */
static void make_minted(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
    a = thing_new(1);
    weak_a = wr_weak_of(a);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void getter(void) {
    alive[model_thread()] = thing_look(weak_a, 1);
}

static void count_alive(void) {
    things_all_dead();
    model_outcome("%d%d%d", alive[1], alive[2], alive[3]);
}

MODEL(get_last_release, .what = "a get against the last release", .setup = make_minted,
      .threads = {owner, getter}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(get_last_release_2, .what = "two gets against it", .setup = make_minted,
      .threads = {owner, getter, getter}, .check = count_alive, .outcomes = "000 100 010 110",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(get_last_release_3, .what = "three", .setup = make_minted, .threads = {owner, getter, getter, getter},
      .check = count_alive, .outcomes = "000 100 010 001 110 101 011 111", .quick = {2, 1}, .deep = {4, 2});

/* ---- reuse: a look-up that is under way when the object dies and its slot is another's ---- */

static void owner_reuses(void) {
    owner();
    b = thing_new(2);
    weak_show(&shown, wr_weak_of(b));
    thing_use(b, 2);
    wr_release(b);
}

static void owner_reuses_twice(void) {
    owner_reuses();
    b = thing_new(3);
    thing_use(b, 3);
    wr_release(b);
}

static void getter_of_both(void) {
    getter();
    weak_b = weak_see(&shown);
    got_b |= thing_look(weak_b, 2);
}

static void count_both(void) {
    things_all_dead();
    model_outcome("%d%d", alive[1], got_b);
}

MODEL(get_reuse, .what = "a get against the release and the slot's next object", .setup = make_minted,
      .threads = {owner_reuses, getter}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(get_reuse_twice, .what = "against two next objects", .setup = make_minted,
      .threads = {owner_reuses_twice, getter}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(get_reuse_2, .what = "two gets against a release and the slot's next object", .setup = make_minted,
      .threads = {owner_reuses, getter, getter}, .check = count_alive, .outcomes = "000 100 010 110",
      .quick = {2, 2}, .deep = {5, 2});
MODEL(get_reuse_both, .what = "gets of the first and of the next object", .setup = make_minted,
      .threads = {owner_reuses, getter_of_both, getter}, .check = count_both, .outcomes = "00 10 01 11",
      .quick = {3, 1}, .deep = {5, 2});

/* ---- what a success and a failure tell ---- */

static struct thing *shared;
static uint32_t written;

/* The weak value travels without an order of its own, so that publish and get order what wr_new wrote, and nothing
 * more. */
static void owner_shows_relaxed(void) {
    b = thing_new(2);
    wr_store_relaxed(&shown, wr_weak_of(b).bits);
    wr_release(b);
}

static void make_room(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
    things_flush();
}

static void getter_relaxed(void) {
    void *thing = wr_weak_get(wr_weak_from_u64(wr_load_relaxed(&shown)));
    if (thing != NULL) {
        alive[1] = true;
        model_check(wr_type_of(thing) == &thing_type);
        wr_release(thing);
    }
}

MODEL(get_sees_birth, .what = "a get sees what wr_new wrote, however the weak value came", .setup = make_room,
      .threads = {owner_shows_relaxed, getter_relaxed}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});

/* S57 and S22: dead is seen after all that was before the death, and stays. */
static void owner_writes(void) {
    model_write(&written, 1);
    wr_release(a);
}

static void watcher(void) {
    if (wr_weak_is_dead(weak_a)) {
        alive[1] = model_read(&written) == 1;
        model_check(wr_weak_get(weak_a) == NULL);
        model_check(wr_weak_is_dead(weak_a));
    }
}

static void watcher_by_get(void) {
    struct thing *thing = wr_weak_get(weak_a);
    wr_release(thing);
    if (thing == NULL) {
        alive[1] = true;
        model_check(wr_weak_is_dead(weak_a));
        model_check(wr_weak_get(weak_a) == NULL);
    }
}

MODEL(dead_is_seen_with_what_was_before,
      .what = "who sees is_dead sees what was written before the last release", .setup = make_minted,
      .threads = {owner_writes, watcher}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(dead_stays_dead, .what = "after a get failed, none succeeds", .setup = make_minted,
      .threads = {owner_reuses, watcher_by_get}, .check = count_alive, .outcomes = "000 100",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- holders ---- */

static void make_shared(void) {
    make_minted();
    shared = wr_retain(wr_retain(a));
}

static void holder(void) {
    thing_use(shared, 1);
    wr_release(shared);
}

static void holder_of_two(void) {
    thing_use(shared, 1);
    (void)wr_retain(shared);
    wr_release(shared);
    thing_use(shared, 1);
    wr_release(shared);
}

MODEL(release_three_holders, .what = "destroy sees what each of three holders wrote", .setup = make_shared,
      .threads = {holder, holder, holder}, .check = count_alive, .outcomes = "000",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(release_retain_get, .what = "holders that retain, and a get", .setup = make_shared,
      .threads = {holder_of_two, holder, owner, getter}, .check = count_alive, .outcomes = "000 001",
      .quick = {2, 1}, .deep = {4, 2});
