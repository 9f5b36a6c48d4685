/* SPDX-License-Identifier: MIT */
/* Delivery: many push, one runs, somebody frees. */
#include "things.h"

#include <errno.h>

static wr_queue *queue;
static struct thing *a, *b;
static wr_weakref *ref_a, *ref_b;
static unsigned calls, arg_deaths;
static uint32_t written[2];
static bool freed, in_run;
static int ran;

static void callback(wr_weakref *ref, void *arg) {
    model_check(in_run && wr_weakref_is_dead(ref) == 1);
    model_check(model_read((uint32_t *)arg) == 1); /* what was before the death is seen */
    calls++;
}

static void arg_destroyed(void *arg) {
    (void)arg;
    arg_deaths++;
}

static wr_weakref *bound(void *obj, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    o.arg_destroy = arg_destroyed;
    o.queue = queue;
    wr_weakref *ref = wr_weakref_new_ex(obj, &o);
    model_check(ref != NULL);
    return ref;
}

static void make(void) {
    queue = wr_queue_new();
    a = thing_new(1);
    ref_a = bound(a, &written[0]);
}

static void make_two(void) {
    make();
    b = thing_new(2);
    ref_b = bound(b, &written[1]);
}

static void make_waiting(void) {
    make();
    model_write(&written[0], 1);
    wr_release(a);
    a = NULL;
}

static void release_a(void) {
    model_write(&written[0], 1);
    wr_release(a);
}

static void release_b(void) {
    model_write(&written[1], 1);
    wr_release(b);
}

static void run(void) {
    in_run = true;
    ran = wr_queue_run(queue, 0);
    in_run = false;
}

static void run_twice(void) {
    run();
    run();
}

/* Whatever waits, the descriptor says so; then all of it runs. */
static void say(void) {
    unsigned refs = 1 + (ref_b != NULL);
    unsigned early = calls;
    if (!freed) {
        if (calls + (ran < 0) < refs && arg_deaths < refs)
            model_check(model_fd_readable(wr_queue_fd(queue)));
        run();
    }
    things_all_dead();
    wr_release(ref_a == NULL ? NULL : ref_a);
    wr_release(ref_b);
    model_check(calls <= refs && arg_deaths == refs);
    if (!freed)
        wr_queue_free(queue);
    model_outcome("%u", early);
}

MODEL(queue_push_run, .what = "a death's push against a run: run once, and readable until then",
      .setup = make, .threads = {release_a, run}, .check = say, .outcomes = "0 1", .quick = {UNBOUNDED, 2},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(queue_push_push_run, .what = "two pushes against a run", .setup = make_two,
      .threads = {release_a, release_b, run}, .check = say, .outcomes = "0 1 2", .quick = {2, 1},
      .deep = {4, 2});
MODEL(queue_push_push_run_twice, .what = "against two runs of one thread", .setup = make_two,
      .threads = {release_a, release_b, run_twice}, .check = say, .outcomes = "0 1 2", .quick = {2, 1},
      .deep = {3, 2});

/* ---- a bound weakref that dies in the queue ---- */

static void drop_ref(void) {
    wr_weakref *ref = ref_a;
    ref_a = NULL;
    wr_release(ref);
}

static void say_slots(void) {
    run();
    things_all_dead();
    model_check(arg_deaths == 1);
    /* Its slot is free, once. */
    wr_queue_free(queue);
    struct thing *next = thing_new(3);
    wr_weakref *one = wr_weakref_new_ex(
        next, &(wr_weakref_options){.size = sizeof(wr_weakref_options), .callback = callback, .arg = next});
    wr_weakref *two = wr_weakref_new_ex(
        next, &(wr_weakref_options){.size = sizeof(wr_weakref_options), .callback = callback, .arg = next});
    model_check(one != NULL && two != NULL && one != two);
    model_outcome("%u", calls);
}

MODEL(queue_drop_run, .what = "a waiting weakref's death against the run: the slot is freed once",
      .setup = make_waiting, .threads = {drop_ref, run}, .check = say_slots, .outcomes = "0 1",
      .quick = {UNBOUNDED, 2}, .deep = {UNBOUNDED, UNBOUNDED});

/* ---- freed ---- */

static void free_queue(void) {
    wr_queue_free(queue);
    freed = true;
}

/* Its callback is dropped, not run. */
static void release_unbound(void) {
    model_write(&written[0], 1);
    wr_release(a);
}

MODEL(queue_free_push, .what = "a push against the end of the queue: no use of its descriptor after",
      .setup = make, .threads = {release_unbound, free_queue}, .check = say, .outcomes = "0", .quick = {4, 2},
      .deep = {UNBOUNDED, 2});

/* ---- wr_release_later ---- */

static void release_later(void) {
    thing_use(a, 1);
    wr_release_later(a, queue);
}

static void make_plain(void) {
    queue = wr_queue_new();
    a = thing_new(1);
}

static void make_plain_held(void) {
    make_plain();
    (void)wr_retain(a);
}

static void release_held(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void say_later(void) {
    unsigned before = thing_deaths(1);
    if (before == 0)
        model_check(model_fd_readable(wr_queue_fd(queue)));
    run();
    model_check(thing_deaths(1) == 1);
    things_all_dead();
    wr_queue_free(queue);
    model_outcome("%s", before ? "run" : "waits");
}

MODEL(queue_release_later, .what = "wr_release_later against a run: destroyed there, or readable",
      .setup = make_plain, .threads = {release_later, run}, .check = say_later, .outcomes = "run waits",
      .quick = {UNBOUNDED, 2}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(queue_release_later_two, .what = "wr_release_later against the release of another holder",
      .setup = make_plain_held, .threads = {release_later, release_held}, .check = say_later,
      .outcomes = "run waits", .quick = {UNBOUNDED, 2}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(queue_run_run, .what = "two runs: one is refused or comes after", .setup = make_waiting,
      .threads = {run, run}, .check = say_slots, .outcomes = "1", .quick = {UNBOUNDED, 2},
      .deep = {UNBOUNDED, UNBOUNDED});
