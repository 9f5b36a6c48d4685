/* SPDX-License-Identifier: MIT */
/*
 * wr-stress: many threads fight over objects, and oracles say whether weakrt kept its word.
 *
 * A scenario is one file, stress/scenario_NAME.c: a paragraph on the race it hunts, and a SCENARIO(...) at
 * its end. It runs in a process of its own: a number of workers run `work` at once until its time is over,
 * then one thread runs `end`. Its name is that of its file; nothing else lists it.
 *
 * What it is held to: no oracle fires (item.h), the run ends, and every path that its TAKES names was
 * taken.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path.h"
#include "perturb.h"
#include "recorded.h"

#define MAX_THREADS 64u
#define MAX_COUNTS 10u

/* What a thread made, and what it saw destroyed: equal in sum over all threads at the end. */
struct ledger {
    uint64_t made, made_sum; /* items, and the sum of their scrambled ids */
    uint64_t destroyed,
        destroyed_sum;           /* so that one destroyed twice does not make up for one never destroyed */
    uint64_t marked, marks_seen; /* marks left by holders; marks that destroys read */
};

struct run;

struct worker {
    struct run *run;
    unsigned number;     /* 0 ... threads - 1; a child's is `threads` more than its parent's */
    uint64_t random;     /* state of random_next */
    uint64_t serial;     /* of the last item */
    struct ledger items; /* the worker's own until it ended */
    uint32_t aged;       /* slots, by PERTURB_WEAR */
    uint32_t turn_steps; /* in a mix: what is left of a turn; 0: no turn */
    bool replaced;       /* its thread is to end, and another to go on */
    pthread_t before;    /* the thread that did */
    _Atomic uint64_t steps;
    _Atomic uint64_t counts[MAX_COUNTS]; /* the scenario's own, named in `counted` */
} __attribute__((aligned(128)));

struct scenario {
    const char *hunts;               /* one line */
    const char *takes;               /* TAKES(path, ...): the paths that must have been taken */
    const char *counted[MAX_COUNTS]; /* names of worker.counts; zeros at the end are left out of the report */
    /* SPARED(PERTURB_...) | ...: perturbations that its oracles cannot do with, or that cannot come to it. */
    uint32_t spared;
    const char *(*skip)(void);           /* why this machine cannot run it, or NULL */
    void (*begin)(struct run *run);      /* before the workers start */
    void (*work)(struct worker *worker); /* by each worker */
    void (*end)(struct run *run); /* after they ended, by one thread: drops what is left, checks the whole */
    bool raw;                     /* it has a --raw form */
    bool mixes;                   /* may be in a mix, which says what that asks of it (mix.h) */
    bool planted;                 /* its violation is on purpose: run only when named */
    char name[32];                /* from the file */
    struct scenario *next;
};

#define TAKES(...) #__VA_ARGS__
#define SPARED(p) (1u << (p))
#define SCENARIO(...)                                                                                        \
    static struct scenario scenario_here = {__VA_ARGS__};                                                    \
    __attribute__((constructor)) static void scenario_register_here(void) {                                  \
        scenario_register(&scenario_here, __FILE__);                                                         \
    }

struct run {
    struct scenario *scenario;
    unsigned threads;
    double seconds;
    uint64_t seed;
    bool raw;               /* over raw pointers, to show that the race is real */
    void *shared;           /* the scenario's */
    struct worker *workers; /* [threads]; and one more for the thread that runs begin and end */
    atomic_bool stop;
    bool last_round; /* written by worker 0 before a barrier */
    bool lacks;      /* run_lacks was called */
};

void scenario_register(struct scenario *scenario, const char *file);

/* The calling thread's worker. */
extern _Thread_local struct worker *worker_self;

/* Tell whether a worker should go on; counts a step. */
bool worker_goes_on(struct worker *worker);
void worker_stepped(struct worker *worker, uint64_t steps);

/* Add to one of the scenario's own counters. */
void worker_count(struct worker *worker, unsigned which, uint64_t more);
uint64_t run_counted(struct run *run, unsigned which);

/* Meet all other workers. A round: worker 0 prepares; round_begins by all, false for all when time is
 * over; the race; round_ends by all; worker 0 looks at what became of it. */
bool round_begins(struct worker *worker);
void round_ends(struct worker *worker);

/* Add up the ledgers of all workers: between rounds, or when all have ended. */
void workers_sum(struct ledger *sum);

/* Run `fn` on a thread of its own with a worker of its own, and wait for its end. At most one at a time
 * for each worker. */
void worker_child(struct worker *parent, void (*fn)(struct worker *child, void *arg), void *arg);

/* Report a violation, with the seed and the command that repeats it, and end the process. */
_Noreturn void violation(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/* The same, of an object or a weak value: with the last operations of all threads on it. */
_Noreturn void violation_of(uint64_t about, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

/* Report that the run does not prove what it should: the race was not met. Counts like a path never taken. */
void run_lacks(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Randomness, from the seed. */
uint64_t random_mix(uint64_t x);
uint64_t random_next(struct worker *worker);
uint32_t random_below(struct worker *worker, uint32_t bound);

static inline uint64_t counter_read(const _Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* For counters with one writer. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t more) {
    atomic_store_explicit(counter, counter_read(counter) + more, memory_order_relaxed);
}

#endif /* STRESS_H */
