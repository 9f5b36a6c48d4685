/* SPDX-License-Identifier: MIT */
/*
 * The rows of delivery: objects die on some threads, and what is to be done about that is done by the event loop of
 * another. The file that includes this has defined, for callbacks:
 *
 *   void delivery_prepare(void)            make the loop, on the thread that will run it
 *   void *delivery_new(void)               its death has the loop call a function that adds one to `delivered`
 *   void delivery_die(void *obj)           on any thread
 *   void delivery_run(uint64_t until)      run the loop, waiting as a loop does, until `delivered` is that much
 *
 * and the same as later_new, later_die, for objects whose destruction itself is the loop's.
 */
#ifndef WR_BENCH_ROWS_DELIVERY_H
#define WR_BENCH_ROWS_DELIVERY_H

#include "work.h"

#include <pthread.h>

enum { DELIVERIES = 20000 };

static struct {
    void **objs;
    uint64_t each; /* objects of a producer */
    void (*die)(void *obj);
    pthread_barrier_t start;
} production;

static void *produce(void *arg) {
    uint64_t number = (uint64_t)(uintptr_t)arg;
    for (;;) {
        pthread_barrier_wait(&production.start);
        for (uint64_t i = 0; i < production.each; i++)
            production.die(production.objs[number * production.each + i]);
    }
    return NULL;
}

/* From --threads producers, the first of which has a processor of its own if there are two. */
static void deliver(void *(*make_one)(void), void (*die)(void *obj)) {
    unsigned threads = bench_thread_count();
    production.each = bench_size(DELIVERIES) / threads;
    production.die = die;
    production.objs = (void **)bench_array(threads * production.each, sizeof *production.objs);
    pthread_barrier_init(&production.start, NULL, threads + 1);
    delivery_prepare();
    for (unsigned i = 0; i < threads; i++)
        bench_spawn(i, produce, (void *)(uintptr_t)i);
    while (bench_round()) {
        for (uint64_t i = 0; i < threads * production.each; i++)
            production.objs[i] = make_one();
        bench_start();
        pthread_barrier_wait(&production.start);
        delivery_run(delivered + threads * production.each);
        bench_stop(threads * production.each);
    }
}

/* From the loop's own thread, a hundred at a time. */
static void deliver_here(void *(*make_one)(void), void (*die)(void *obj)) {
    delivery_prepare();
    BENCH_TIMES(100) {
        void *objs[100];
        for (int i = 0; i < 100; i++)
            objs[i] = make_one();
        for (int i = 0; i < 100; i++)
            die(objs[i]);
        delivery_run(delivered + 100);
    }
    BENCH_CHECK(delivered == 100 * bench_done());
}

BENCH(deliver_callback) {
    deliver(delivery_new, delivery_die);
}
BENCH(deliver_callback_here) {
    deliver_here(delivery_new, delivery_die);
}
BENCH(deliver_destroy) {
    deliver(later_new, later_die);
}
BENCH(deliver_destroy_here) {
    deliver_here(later_new, later_die);
}

#endif /* WR_BENCH_ROWS_DELIVERY_H */
