/* SPDX-License-Identifier: MIT */
/* Forced interleavings of more than two threads, in VARIANT=hook: threads that each stop before chosen atomic
 * operations of the library, one after the other.
 *
 *   walker_start(&w, fn, arg);
 *   walker_to(&w, "cas_acq_rel", &hazard->handover, 1);   lets it run until it stands before the operation
 *   ...
 *   walker_end(&w);                                       lets it run to its end, and joins it
 *
 * fn may wait for its turn too, by walker_turn(): the test gives it by walker_to_turn(&w). */
#ifndef WR_TESTS_WALKER_H
#define WR_TESTS_WALKER_H

#include "common.h"

#include <semaphore.h>

struct walker {
    void (*fn)(void *arg);
    void *arg;
    const char *op; /* where to stop; NULL: nowhere */
    const volatile void *at;
    unsigned nth;
    bool stopped, ended; /* written before `there` is posted */
    sem_t there, go;
    pthread_t thread;
};

static _Thread_local struct walker *walker_mine;

static inline void walker_wait(sem_t *sem) {
    while (sem_wait(sem) != 0)
        ;
}

static inline void walker_stop(struct walker *w) {
    w->op = NULL;
    w->stopped = true;
    sem_post(&w->there);
    walker_wait(&w->go);
}

static inline void walker_hook(const char *op, const volatile void *at) {
    struct walker *w = walker_mine;
    if (w && w->op && strncmp(op, w->op, strlen(w->op)) == 0 && (!w->at || at == w->at) && --w->nth == 0)
        walker_stop(w);
}

static inline void *walker_main(void *arg) {
    struct walker *w = walker_mine = arg;
    walker_wait(&w->go);
    w->fn(w->arg);
    walker_mine = NULL;
    w->ended = true;
    sem_post(&w->there);
    return NULL;
}

static inline void walker_start(struct walker *w, void (*fn)(void *arg), void *arg) {
    *w = (struct walker){.fn = fn, .arg = arg};
    REQUIRE(sem_init(&w->there, 0, 0) == 0 && sem_init(&w->go, 0, 0) == 0);
    REQUIRE(pthread_create(&w->thread, NULL, walker_main, w) == 0);
}

static inline void walker_to(struct walker *w, const char *op, const volatile void *at, unsigned nth) {
    w->op = op;
    w->at = at;
    w->nth = nth;
    w->stopped = false;
    sem_post(&w->go);
    walker_wait(&w->there);
    REQUIRE(w->stopped); /* else the operation is not where this test thinks */
}

/* In fn: the end of a turn. */
static inline void walker_turn(void) {
    walker_stop(walker_mine);
}
static inline void walker_to_turn(struct walker *w) {
    walker_to(w, NULL, NULL, 0);
}

static inline void walker_end(struct walker *w) {
    w->op = NULL;
    sem_post(&w->go);
    walker_wait(&w->there);
    REQUIRE(w->ended);
    REQUIRE(pthread_join(w->thread, NULL) == 0);
}

#ifdef WR_HOOK
#define NEEDS_WALKER (atomic_hook = walker_hook)
#else
#define NEEDS_WALKER SKIP("forced interleavings need VARIANT=hook")
#endif

#endif
