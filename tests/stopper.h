/* SPDX-License-Identifier: MIT */
/* Forced interleavings, in VARIANT=hook: a thread that stops before a chosen atomic operation of the library,
 * while the test does on its own thread what is to come between.
 *
 *   struct stopper s;
 *   stopper_start(&s, drop, obj, "cas", &wr_slot_of(obj)->word, 1);   returns when the thread stands
 *   there ...                                                                       what comes between
 *   stopper_finish(&s);                                                       lets it go on, and joins it
 *
 * Everything is ordered by semaphores, nothing by time. One stopper at a time. */
#ifndef WR_TESTS_STOPPER_H
#define WR_TESTS_STOPPER_H

#include "table.h"
#include "word.h"
#include "weakrefs.h"

#include <sched.h>
#include <semaphore.h>

/* The lock of a container of one shard, where to stop. */
static inline const void *shard_lock(const void *container) {
    return &((const struct table *)container)->shards[0].lock.state;
}

struct stopper {
    void (*fn)(void *arg);
    void *arg;
    const char *op;          /* where to stop: an operation whose name starts so... */
    const volatile void *at; /* ...on this address; NULL: any */
    unsigned nth;            /* the how-manieth; counts down */
    bool stopped;            /* it did stop; written before `there` is posted */
    sem_t there, go;
    atomic_bool loose; /* go, and be ordered after nothing */
    pthread_t thread;
};

#ifdef WR_HOOK
#define HAVE_STOPPER 1
static _Thread_local struct stopper *stopper_mine;

static inline void stopper_hook(const char *op, const volatile void *at) {
    struct stopper *s = stopper_mine;
    if (!s || strncmp(op, s->op, strlen(s->op)) != 0 || (s->at && at != s->at) || --s->nth != 0)
        return;
    stopper_mine = NULL;
    s->stopped = true;
    sem_post(&s->there);
    while (!atomic_load_explicit(&s->loose, memory_order_relaxed) && sem_trywait(&s->go) != 0)
        sched_yield();
}

static inline void *stopper_main(void *arg) {
    struct stopper *s = arg;
    stopper_mine = s;
    s->fn(s->arg);
    if (stopper_mine) { /* never came there */
        stopper_mine = NULL;
        sem_post(&s->there);
    }
    return NULL;
}

/* Return whether it stopped: the thread may come there less often. */
static inline bool stopper_try(struct stopper *s, void (*fn)(void *arg), void *arg, const char *op,
                               const volatile void *at, unsigned nth) {
    *s = (struct stopper){.fn = fn, .arg = arg, .op = op, .at = at, .nth = nth};
    REQUIRE(sem_init(&s->there, 0, 0) == 0 && sem_init(&s->go, 0, 0) == 0);
    if (!atomic_hook)
        atomic_hook = stopper_hook; /* for good: other threads may be reading it from here on */
    REQUIRE(pthread_create(&s->thread, NULL, stopper_main, s) == 0);
    while (sem_wait(&s->there) != 0)
        ;
    return s->stopped;
}

static inline void stopper_start(struct stopper *s, void (*fn)(void *arg), void *arg, const char *op,
                                 const volatile void *at, unsigned nth) {
    REQUIRE(stopper_try(s, fn, arg, op, at, nth)); /* else the operation is not where this test thinks */
}

static inline void stopper_finish(struct stopper *s) {
    sem_post(&s->go);
    REQUIRE(pthread_join(s->thread, NULL) == 0);
}

/* The same, without ordering the thread after what came between: only the library's own orders do, so that
 * ThreadSanitizer sees when they do not. */
static inline void stopper_finish_unordered(struct stopper *s) {
    atomic_store_explicit(&s->loose, true, memory_order_relaxed);
    REQUIRE(pthread_join(s->thread, NULL) == 0);
}
#else
#define HAVE_STOPPER 0
static inline bool stopper_try(struct stopper *s, void (*fn)(void *arg), void *arg, const char *op,
                               const volatile void *at, unsigned nth) {
    (void)s, (void)fn, (void)arg, (void)op, (void)at, (void)nth;
    REQUIRE(!"a build without the hook");
    return false;
}
static inline void stopper_start(struct stopper *s, void (*fn)(void *arg), void *arg, const char *op,
                                 const volatile void *at, unsigned nth) {
    (void)s, (void)fn, (void)arg, (void)op, (void)at, (void)nth;
    REQUIRE(!"a build without the hook");
}
static inline void stopper_finish(struct stopper *s) {
    (void)s;
}
static inline void stopper_finish_unordered(struct stopper *s) {
    (void)s;
}
#endif

#define NEEDS_STOPPER                                                                                        \
    if (!HAVE_STOPPER)                                                                                       \
    SKIP("forced interleavings need VARIANT=hook")

#endif
