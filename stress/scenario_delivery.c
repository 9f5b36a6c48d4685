/* SPDX-License-Identifier: MIT */
/*
 * Queues that several loops drain while everybody produces: callbacks of weakrefs, with or without a queue,
 * ends of bound items, items let go of later. Each weakref is cancelled by one thread in the end, at times
 * while its callback runs or waits on another. Once cancel returned no callback may begin, and what one that
 * ran did is seen: by plain stores. Every callback ran once, or its cancel said that it never will.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "item.h"

#define QUEUES 2u
#define POSTS 16u

/* What a weakref's callback is about; freed by who cancelled it. */
struct watch {
    wr_weakref *ref;
    bool called, ended, over; /* plain: cancel orders them */
    bool bound;
};

static struct {
    _Atomic uint64_t made, over; /* watches: all, and those called or cancelled */
    wr_queue *queues[QUEUES];
    _Atomic(struct watch *) posts[POSTS];
} delivery;
static _Thread_local wr_queue *running;

static void called(wr_weakref *ref, void *arg) {
    struct watch *watch = arg;
    (void)ref;
    if (watch->over)
        violation("a callback after cancel returned");
    if (watch->called)
        violation("a callback ran twice");
    if (watch->bound && running == NULL)
        violation("a bound callback ran outside of wr_queue_run");
    watch->called = true;
    perturb_holding();
    atomic_fetch_add_explicit(&delivery.over, 1, memory_order_relaxed);
    worker_count(worker_self, 0, 1);
}

static void watch_ended(void *arg) {
    struct watch *watch = arg;
    if (watch->over || watch->ended)
        violation("an argument's end after cancel, or twice");
    watch->ended = true;
}

static void finish(struct worker *worker, struct watch *watch) {
    if (watch == NULL)
        return;
    int result = wr_weakref_cancel(watch->ref);
    watch->over = true;
    if (result != 0 && result != 1)
        violation("cancel: %d", result);
    if ((result == 1) == watch->called || !watch->ended)
        violation("cancel said %d, and the callback %s", result, watch->called ? "ran" : "did not run");
    atomic_fetch_add_explicit(&delivery.over, (uint64_t)result, memory_order_relaxed);
    worker_count(worker, 1, (uint64_t)result);
    wr_release(watch->ref);
    free(watch);
}

static void produce(struct worker *worker) {
    wr_queue *queue = delivery.queues[random_below(worker, QUEUES)];
    struct item *item = item_new(worker, &item_type, 0);
    struct watch *watch = calloc(1, sizeof *watch);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    if (watch == NULL)
        violation("no memory");
    watch->bound = random_below(worker, 4) != 0;
    o.callback = called;
    o.arg = watch;
    o.arg_destroy = watch_ended;
    o.queue = watch->bound ? queue : NULL;
    watch->ref = wr_weakref_new_ex(item, &o);
    if (watch->ref == NULL)
        violation("no weakref");
    atomic_fetch_add_explicit(&delivery.made, 1, memory_order_relaxed);
    worker_count(worker, 2, 1);
    item_mark(worker, item);
    struct watch *old =
        atomic_exchange_explicit(&delivery.posts[random_below(worker, POSTS)], watch, memory_order_acq_rel);
    switch (random_below(worker, 3)) {
    case 0:
        if (wr_bind(item, delivery.queues[random_below(worker, QUEUES)]) != 0)
            violation("wr_bind failed");
        wr_release(item);
        break;
    case 1:
        wr_release_later(item, queue);
        break;
    default:
        wr_release(item);
    }
    finish(worker, old);
}

static void drain(struct worker *worker, wr_queue *queue) {
    struct pollfd p = {.fd = wr_queue_fd(queue), .events = POLLIN};
    if (poll(&p, 1, 10) != 1)
        return;
    running = queue;
    int ran = wr_queue_run(queue, (int)random_below(worker, 20));
    running = NULL;
    if (ran < 0 && ran != -EBUSY)
        violation("wr_queue_run: %d", ran);
    worker_count(worker, ran < 0 ? 4 : 3, ran < 0 ? 1 : (uint64_t)ran);
}

static void work(struct worker *worker) {
    while (worker_goes_on(worker)) {
        if (worker->number % 2 == 0)
            drain(worker, delivery.queues[random_below(worker, QUEUES)]);
        if (worker->number % 2 == 1 || random_below(worker, 8) == 0)
            produce(worker);
    }
}

static void begin(struct run *run) {
    (void)run;
    for (unsigned i = 0; i < QUEUES; i++)
        if ((delivery.queues[i] = wr_queue_new()) == NULL)
            violation("no queue");
}

static void end(struct run *run) {
    (void)run;
    for (unsigned i = 0; i < POSTS; i++)
        finish(worker_self, atomic_exchange_explicit(&delivery.posts[i], NULL, memory_order_acq_rel));
    for (unsigned i = 0; i < QUEUES; i++)
        wr_queue_free(delivery.queues[i]);
    if (delivery.over != delivery.made)
        violation("a callback was lost");
}

SCENARIO(.hunts = "queues drained by several loops while all produce and cancel",
         .takes = TAKES(close_won, death_now, death_waits),
         .counted = {"called", "cancelled", "made", "ran in a queue", "busy"}, .mixes = true, .begin = begin,
         .work = work, .end = end)
