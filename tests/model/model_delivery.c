/* SPDX-License-Identifier: MIT */
/* Delivery: an event loop that sleeps through no push, bound weakrefs whose memory is used again, and a queue that is
 * freed under the hands of those who push. */
#include "things.h"

#include "weakref.h"

static wr_queue *queue;
static struct thing *a, *b;
static wr_weakref *ref;
static unsigned calls, arg_deaths;
static uint32_t in_callback, before_free;
static int result;
static bool in_run;

static void make_queue(void) {
    queue = wr_queue_new();
    model_check(queue != NULL);
}

static void run_queue(int max) {
    in_run = true;
    model_check(wr_queue_run(queue, max) >= 0);
    in_run = false;
}

static void done(void) {
    things_all_dead();
    model_outcome("%s", "done");
}

/* ---- pushing against running ---- */

static void make_two(void) {
    make_queue();
    a = thing_new(1);
    b = thing_new(2);
}

/* What was pushed has run, or there is a run, or the descriptor is readable. */
static void push(struct thing *thing, uint32_t number) {
    thing_use(thing, number);
    wr_release_later(thing, queue);
    if (thing_deaths(number) == 0 && !in_run)
        model_check(model_fd_readable_now());
}

static void pusher_a(void) {
    push(a, 1);
}

static void pusher_b(void) {
    push(b, 2);
}

static void pusher_of_both(void) {
    push(a, 1);
    push(b, 2);
}

static void runner_of_one(void) {
    while (thing_deaths(1) == 0) {
        model_fd_poll(wr_queue_fd(queue));
        run_queue(0);
    }
}

static void runner_of_two(void) {
    while (thing_deaths(1) == 0 || thing_deaths(2) == 0) {
        model_fd_poll(wr_queue_fd(queue));
        run_queue(0);
    }
}

static void runner_one_by_one(void) {
    while (thing_deaths(1) == 0 || thing_deaths(2) == 0) {
        model_fd_poll(wr_queue_fd(queue));
        run_queue(1);
        model_check(thing_deaths(2) <= thing_deaths(1)); /* in the order they were pushed */
    }
}

static void make_one(void) {
    make_queue();
    a = thing_new(1);
}

MODEL(delivery_push_run, .what = "a push against a run: nobody sleeps through it", .setup = make_one,
      .threads = {pusher_a, runner_of_one}, .check = done, .outcomes = "done",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(delivery_pushes_run, .what = "two pushes of one thread, run one at a time, in their order",
      .setup = make_two, .threads = {pusher_of_both, runner_one_by_one}, .check = done, .outcomes = "done",
      .quick = {3, 2}, .deep = {5, 3});
MODEL(delivery_two_push,
      .what = "two producers, one runner: nothing is lost, and whoever pushed left it readable",
      .setup = make_two, .threads = {pusher_a, pusher_b, runner_of_two}, .check = done, .outcomes = "done",
      .quick = {2, 1}, .deep = {3, 2});

/* ---- one runner after the other ---- */

static void make_pushed(void) {
    make_two();
    wr_release_later(a, queue);
    wr_release_later(b, queue);
}

static void runner_maybe(void) {
    int ran = wr_queue_run(queue, 1);
    model_check(ran == 1 || ran == -EBUSY);
}

static void say_rest(void) {
    (void)wr_queue_run(queue, 0);
    done();
}

MODEL(delivery_two_run, .what = "two that run one each: the second sees what the first left",
      .setup = make_pushed, .threads = {runner_maybe, runner_maybe}, .check = say_rest, .outcomes = "done",
      .quick = {UNBOUNDED, UNBOUNDED});

static void runner_maybe_both(void) {
    int ran = wr_queue_run(queue, 0);
    model_check(ran == 2 || ran == 0 || ran == -EBUSY);
}

MODEL(delivery_two_run_all, .what = "two that run all: the second sees that the first left nothing",
      .setup = make_pushed, .threads = {runner_maybe_both, runner_maybe_both}, .check = done,
      .outcomes = "done", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- bound weakrefs ---- */

static void callback(wr_weakref *called, void *arg) {
    (void)arg;
    model_check(called == ref && wr_weakref_is_dead(called) == 1);
    model_write(&in_callback, 1);
    calls++;
}

static void arg_destroyed(void *arg) {
    (void)arg;
    arg_deaths++;
}

static void arg_destroyed_by_free(void *arg) {
    arg_destroyed(arg);
    (void)model_read(&before_free);
}

static wr_weakref *make_ref(void *obj, void (*arg_destroy)(void *arg)) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg_destroy = arg_destroy;
    o.queue = queue;
    wr_weakref *made = wr_weakref_new_ex(obj, &o);
    model_check(made != NULL);
    return made;
}

static void make_bound(void) {
    make_one();
    ref = make_ref(a, arg_destroyed);
}

static void make_queued(void) {
    make_bound();
    wr_release(a);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

static const wr_type blob_type = {.abi = WR_TYPE_ABI, .name = "blob"};

/* Use a weakref's memory again, if it is free and this thread has it: an access that its last user is not done before
 * is a race. */
static void reuse(void) {
    struct wr_weakref *blob = wr_new_flex(&blob_type, sizeof(struct wr_weakref) + sizeof(struct delivery));
    model_check(blob != NULL);
    model_write(&weakref_delivery(blob)->link, 1);
    model_write(&blob->entry.at, NULL);
}

static void runner_reuses(void) {
    (void)wr_queue_run(queue, 0);
    reuse();
}

static void dropper_reuses(void) {
    wr_release(ref);
    reuse();
}

/* Each slot of bound weakrefs once: none was freed twice, none never. */
static void check_slots(void) {
    struct wr_weakref *again[4];
    bool found = false;
    for (int i = 0; i < 4; i++) {
        again[i] = wr_new_flex(&blob_type, sizeof(struct wr_weakref) + sizeof(struct delivery));
        model_check(again[i] != NULL);
        for (int j = 0; j < i; j++)
            model_check(again[i] != again[j]);
        found |= again[i] == ref;
    }
    model_check(found);
}

static void drop_blob_of_thread(void) {
    runner_reuses();
}

static void say_calls(void) {
    (void)wr_queue_run(queue, 0);
    things_all_dead();
    model_check(calls <= 1 && arg_deaths == 1);
    model_outcome("%s%d", calls ? "called" : "not", result);
}

static void runner_maybe_all(void) {
    (void)wr_queue_run(queue, 0);
}

static void dropper(void) {
    wr_release(ref);
}

static void say_freed(void) {
    say_calls();
    check_slots();
}

MODEL(delivery_pop_drop, .what = "a weakref that waits is dropped while its queue pops it: freed once",
      .setup = make_queued, .threads = {runner_maybe_all, dropper}, .check = say_freed,
      .outcomes = "called0 not0", .quick = {UNBOUNDED, UNBOUNDED}, .exits = true);
MODEL(delivery_pop_drop_reuse, .what = "and its memory is used again", .setup = make_queued,
      .threads = {drop_blob_of_thread, dropper_reuses}, .check = say_calls, .outcomes = "called0 not0",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(delivery_death_drop, .what = "a death that pushes a weakref against its drop and the run",
      .setup = make_bound, .threads = {owner, dropper, runner_maybe_all}, .check = say_freed,
      .outcomes = "called0 not0", .quick = {2, 1}, .deep = {3, 2}, .exits = true);

static void canceller(void) {
    result = wr_weakref_cancel(ref);
    if (result == 1)
        model_check(calls == 0);
    else if (calls != 0)
        model_check(model_read(&in_callback) == 1);
    unsigned before = calls;
    wr_release(ref);
    result += before != calls ? 100 : 0;
}

MODEL(delivery_cancel, .what = "a cancel against the run that pops it: 1 and never called, or 0 and over",
      .setup = make_queued, .threads = {runner_maybe_all, canceller}, .check = say_calls,
      .outcomes = "called0 not1", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- freed ---- */

static void freer(void) {
    model_write(&before_free, 1);
    wr_queue_free(queue);
}

static void make_freed(void) {
    make_one();
    ref = make_ref(a, arg_destroyed_by_free);
}

static void make_freed_bound(void) {
    make_one();
    model_check(wr_bind(a, queue) == 0);
}

static void say_dropped(void) {
    things_all_dead();
    model_check(calls == 0 && arg_deaths == 1);
    model_outcome("%s", "done");
}

MODEL(delivery_free_callback,
      .what =
          "a death that pushes a callback against the end of the queue: dropped, and what was before is seen",
      .setup = make_freed, .threads = {owner, freer}, .check = say_dropped, .outcomes = "done",
      .quick = {3, 2}, .deep = {UNBOUNDED, 4});
MODEL(delivery_free_destroy,
      .what = "the death of a bound object against the end of its queue: destroyed here or there",
      .setup = make_freed_bound, .threads = {owner, freer}, .check = done, .outcomes = "done",
      .quick = {3, 2}, .deep = {UNBOUNDED, 4});

static void make_two_bound(void) {
    make_two();
    model_check(wr_bind(a, queue) == 0 && wr_bind(b, queue) == 0);
}

static void owner_of_b(void) {
    thing_use(b, 2);
    wr_release(b);
}

MODEL(delivery_free_two,
      .what = "two deaths against the end of the queue: who writes to the descriptor is through before it is "
              "closed",
      .setup = make_two_bound, .threads = {owner, owner_of_b, freer}, .check = done, .outcomes = "done",
      .quick = {2, 1}, .deep = {3, 2});
