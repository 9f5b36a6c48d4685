/* SPDX-License-Identifier: MIT */
/* Kill and clear: against look-ups, and against each other. */
#include "things.h"

static struct thing *a;
static wr_weak weak_a, weak_next;
static uint32_t written[MODEL_THREADS];
static int result[MODEL_THREADS];
static bool alive, dead;

static void make(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
    a = thing_new(1);
    (void)wr_retain(a);
    weak_a = wr_weak_of(a);
}

static void make_one_holder(void) {
    make();
    wr_release(a);
}

/* The winner's writes are seen by the loser (S41, S57). */
static void killer(void) {
    int me = model_thread();
    model_write(&written[me], 1);
    result[me] = wr_kill(a);
    if (result[me] == 0)
        model_check(model_read(&written[1 - me]) == 1);
    model_check(wr_weak_get(weak_a) == NULL && wr_weak_is_dead(weak_a));
    model_check(wr_weak_is_null(wr_weak_of(a)));
    thing_use(a, 1);
    wr_release(a);
}

static void getter(void) {
    alive = thing_look(weak_a, 1);
}

static void watcher(void) {
    if (wr_weak_is_dead(weak_a)) {
        dead = true;
        (void)model_read(&written[0]);
        model_check(wr_weak_get(weak_a) == NULL);
    }
}

static void say_results(void) {
    things_all_dead();
    model_outcome("%d%d%s", result[0], result[1], alive ? "-alive" : dead ? "-dead" : "");
}

MODEL(kill_twice, .what = "of two kills one wins, and the loser sees what it wrote", .setup = make,
      .threads = {killer, killer}, .check = say_results, .outcomes = "10 01",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(kill_get, .what = "a kill and a death against a get", .setup = make_one_holder,
      .threads = {killer, getter}, .check = say_results, .outcomes = "10 10-alive",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(kill_twice_get, .what = "two kills against a get", .setup = make, .threads = {killer, killer, getter},
      .check = say_results, .outcomes = "10 01 10-alive 01-alive", .quick = {3, 2}, .deep = {6, 2});
MODEL(kill_seen, .what = "who sees the kill sees what was written before", .setup = make_one_holder,
      .threads = {killer, watcher}, .check = say_results, .outcomes = "10 10-dead",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- clear: the object lives on under a new tag ---- */

static uint64_t shown;

static void clearer(void) {
    model_write(&written[0], 1);
    result[0] = wr_weakref_clear(a);
    model_check(wr_weak_get(weak_a) == NULL && wr_weak_is_dead(weak_a));
    weak_show(&shown, wr_weak_of(a));
    thing_use(a, 1);
    wr_release(a);
}

static void clearer_twice(void) {
    model_write(&written[0], 1);
    result[0] = wr_weakref_clear(a);
    result[0] += wr_weakref_clear(a);
    weak_show(&shown, wr_weak_of(a));
    wr_release(a);
}

static void getter_of_next(void) {
    weak_next = weak_see(&shown);
    dead = thing_look(weak_next, 1);
    alive = thing_look(weak_a, 1);
    if (!wr_weak_is_null(weak_next))
        model_check(!alive);
}

MODEL(clear_get, .what = "a clear and a death against gets of both tags", .setup = make_one_holder,
      .threads = {clearer, getter_of_next}, .check = say_results, .outcomes = "00 00-alive 00-dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(clear_twice_get, .what = "two clears", .setup = make_one_holder,
      .threads = {clearer_twice, getter_of_next}, .check = say_results, .outcomes = "00 00-alive 00-dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(clear_kill, .what = "a clear against a kill and a get", .setup = make,
      .threads = {clearer, killer, getter}, .check = say_results, .outcomes = "01 01-alive", .quick = {3, 2},
      .deep = {5, 2});
MODEL(clear_seen, .what = "who sees the clear sees what was written before", .setup = make_one_holder,
      .threads = {clearer, watcher}, .check = say_results, .outcomes = "00 00-dead",
      .quick = {UNBOUNDED, UNBOUNDED});
