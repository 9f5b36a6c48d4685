/* SPDX-License-Identifier: MIT */
/* Threads that race over batches of objects with weakrefs, so that they meet often. */
#ifndef WR_TESTS_BATCHES_H
#define WR_TESTS_BATCHES_H

#include "weakrefs.h"

#include <sched.h>

enum { BATCH = 64, THREADS = 3 };

struct batch {
    pthread_barrier_t step;
    unsigned rounds;
    probe *objs[BATCH];
    wr_weakref *refs[BATCH];
    wr_weakref *own[THREADS][BATCH];
    struct log logs[BATCH];
    int cancelled[BATCH];
    atomic_uint done;
    atomic_uint met[2]; /* how often the race went either way */
};

static inline void run_batch(test_thread fn, unsigned threads, unsigned rounds) {
    struct batch *b = calloc(1, sizeof *b);
    REQUIRE(b);
    b->rounds = scaled(rounds);
    REQUIRE(pthread_barrier_init(&b->step, NULL, threads) == 0);
    run_threads(threads, fn, b);
    if (!watched())
        for (int i = 0; i < 2; i++)
            CHECK_GT(atomic_load(&b->met[i]), 0);
    pthread_barrier_destroy(&b->step);
    free(b);
}

static inline void step(struct batch *b) {
    pthread_barrier_wait(&b->step);
}

static inline void now_and_then_yield(unsigned index, unsigned i) {
    if (i % 8 == index)
        sched_yield();
}

static inline void new_objects(struct batch *b, bool with_refs) {
    for (unsigned i = 0; i < BATCH; i++) {
        memset(&b->logs[i], 0, sizeof b->logs[i]);
        b->objs[i] = probe_new(NULL);
        b->refs[i] = with_refs ? new_owning_ref(b->objs[i], &b->logs[i]) : NULL;
    }
}

#endif
