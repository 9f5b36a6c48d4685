/* SPDX-License-Identifier: MIT */
/*
 * The trail of each thread: its last operations on weakrt, which object each was about and what it gave, in a ring. A
 * violation prints what all threads did last to the object it concerns. And of one operation in 32, how long it took.
 *
 * Scenarios call weakrt as anybody would; recorded.h puts the recording around it. Recording orders nothing: a thread
 * writes to its own trail by relaxed stores.
 */
#ifndef STRESS_TRAIL_H
#define STRESS_TRAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "histogram.h"
#include "weakrt.h"

#define TRAIL_LENGTH 512u      /* operations; a power of two */
#define TRAIL_SAMPLE_EVERY 32u /* operations of a thread, for latencies; a power of two */

#define TRAIL_OPERATIONS(X)                                                                                  \
    X(NEW, "new")                                                                                            \
    X(RETAIN, "retain")                                                                                      \
    X(RELEASE, "release")                                                                                    \
    X(WEAK_OF, "weak_of")                                                                                    \
    X(GET, "get")                                                                                            \
    X(IS_DEAD, "is_dead")                                                                                    \
    X(KILL, "kill")                                                                                          \
    X(KILL_WAIT, "kill_wait")                                                                                \
    X(CLEAR, "clear")                                                                                        \
    X(BORROW, "borrow")                                                                                      \
    X(RETURN, "return")                                                                                      \
    X(CELL_LOAD, "cell_load")                                                                                \
    X(CELL_STORE, "cell_store")                                                                              \
    X(CELL_BORROW, "cell_borrow")                                                                            \
    X(WEAKREF_NEW, "weakref_new")                                                                            \
    X(CANCEL, "weakref_cancel")                                                                              \
    X(CACHE_GET, "cache_get")                                                                                \
    X(QUEUE_RUN, "queue_run")                                                                                \
    X(TRIM, "trim")

enum operation {
#define X(name, text) OP_##name,
    TRAIL_OPERATIONS(X)
#undef X
        OP_COUNT
};

struct trail_entry {
    _Atomic uint64_t tick;
    _Atomic uint64_t about; /* index of the slot << 32 | tag, which is 0 where it is not known */
    _Atomic uint64_t what;  /* operation, and TRAIL_ENDED | result << 16 when it is over */
};
#define TRAIL_ENDED 0x100u

struct trail {
    struct trail_entry ring[TRAIL_LENGTH];
    _Atomic uint64_t count;               /* of operations so far */
    struct histogram latencies[OP_COUNT]; /* ticks */
};

/* The calling thread's, or NULL: not recorded. */
extern _Thread_local struct trail *trail_mine;
extern atomic_bool trail_stopped;

/* Have the calling thread record as worker `number` from here on. */
void trail_enter(unsigned number);

/* Keep what there is: nobody records any more. Or, to measure what it costs, record again. */
void trail_stop(void);
void trail_go_on(void);

/* What an object is in trails. */
uint64_t trail_about(const void *object);

/* Print the last operations of all threads on the slot of `about`; 0: on that of the calling thread's last one. */
void trail_print(FILE *out, uint64_t about);

/* Add up what one operation took, in ticks; how many ticks a nanosecond has, of late. */
void trail_latencies(enum operation operation, struct histogram *sum);
double trail_ticks_per_ns(void);
const char *trail_operation_name(enum operation operation);

static inline uint64_t trail_tick(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

struct trail_step {
    struct trail *trail; /* NULL: not recorded */
    uint64_t number, tick;
    enum operation operation;
};

/* Enter an operation before it begins, so that one that does not come back is seen too. */
static inline struct trail_step trail_begin(enum operation operation, uint64_t about) {
    struct trail *trail = trail_mine;
    if (trail == NULL || atomic_load_explicit(&trail_stopped, memory_order_relaxed))
        return (struct trail_step){NULL, 0, 0, operation};
    uint64_t number = atomic_load_explicit(&trail->count, memory_order_relaxed);
    struct trail_entry *entry = &trail->ring[number % TRAIL_LENGTH];
    uint64_t tick = trail_tick();
    atomic_store_explicit(&entry->tick, tick, memory_order_relaxed);
    atomic_store_explicit(&entry->about, about, memory_order_relaxed);
    atomic_store_explicit(&entry->what, operation, memory_order_relaxed);
    atomic_store_explicit(&trail->count, number + 1, memory_order_relaxed);
    return (struct trail_step){trail, number, tick, operation};
}

/* Enter what became of it; `about`, if not 0, replaces what was entered. A destroy inside may have gone round the
 * ring. */
static inline void trail_end(struct trail_step step, uint64_t about, uint32_t result) {
    if (step.trail == NULL || atomic_load_explicit(&trail_stopped, memory_order_relaxed))
        return;
    if (step.number % TRAIL_SAMPLE_EVERY == 0)
        histogram_add(&step.trail->latencies[step.operation], trail_tick() - step.tick);
    if (atomic_load_explicit(&step.trail->count, memory_order_relaxed) - step.number > TRAIL_LENGTH)
        return;
    struct trail_entry *entry = &step.trail->ring[step.number % TRAIL_LENGTH];
    if (about != 0)
        atomic_store_explicit(&entry->about, about, memory_order_relaxed);
    atomic_store_explicit(&entry->what, step.operation | TRAIL_ENDED | (uint64_t)result << 16,
                          memory_order_relaxed);
}

#endif /* STRESS_TRAIL_H */
