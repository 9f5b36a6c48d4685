/* SPDX-License-Identifier: MIT */
/*
 * Perturbations: what makes threads meet in the middle of things, and what a process has to put up with. Each is
 * switched by its name (--perturb). None orders anything between threads that the scenario did not order: what they
 * share is read and written relaxed, so that an order the library lacks stays lacking.
 *
 * Some happen at the library's atomic operations, by its hook (perturb_steps.c); some where a scenario gets or borrows
 * (recorded.h); some between a worker's steps (worker.c); and some are done by the thread that watches the run, every
 * few milliseconds (perturb_process.c).
 *
 * This header names no stress.h: what runs in signal handlers calls the library without leaving a trail.
 */
#ifndef STRESS_PERTURB_H
#define STRESS_PERTURB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERTURBATIONS(X)                                                                                     \
    X(YIELDS, yields, "random yields and short spins at atomic operations, half of the time by turns")       \
    X(STALLS, stalls, "a thread stands still for a millisecond at an atomic operation")                      \
    X(MIGRATE, migrate, "threads are moved from one processor to another at atomic operations")              \
    X(REPLACE, replace, "worker threads end, and others go on in their place")                               \
    X(HOLD, hold, "a thread stops for seconds while it holds what it got or borrowed")                       \
    X(SIGNALS, signals, "signals, whose handlers look up, and release later")                                \
    X(FORK, fork, "the process forks in the middle, and the child uses what it inherited")                   \
    X(MEMORY, memory, "allocations fail, one in four")                                                       \
    X(TRIM, trim, "wr_trim under load")                                                                      \
    X(WEAR, wear, "tags of slots are put near their end, where a scenario can do with that")

enum perturbation {
#define X(name, word, text) PERTURB_##name,
    PERTURBATIONS(X)
#undef X
        PERTURB_COUNT
};

#define PERTURB_ALL ((1u << PERTURB_COUNT) - 1)

const char *perturb_name(enum perturbation p);
const char *perturb_text(enum perturbation p);

/* Parse `all`, `none`, or names with commas between. Returns whether that is what it was. */
bool perturb_parse(const char *text, uint32_t *set);

#define PERTURB_TEXT 128u /* long enough for any set */

/* Write a set in the form that perturb_parse takes. */
void perturb_format(uint32_t set, char *text, size_t size);

/* Switch on what is in `set`, for the run of this process; `seconds` is how long it is to last. Before anything is
 * allocated, and before any worker starts. */
void perturb_begin(uint32_t set, uint64_t seed, double seconds);
/* Stop with all of it: what holds lets go, and what runs beside the workers is awaited. */
void perturb_end(void);
bool perturb_is_on(enum perturbation p);

/* Do what is due at this time, by the thread that watches. `now` is seconds since the begin. */
void perturb_tick(double now);

/* Count that one happened; how often it did; and whether it is one that perturb_begin switched on, and never did. */
void perturb_happened(enum perturbation p);
uint64_t perturb_count(enum perturbation p);
bool perturb_lacks(enum perturbation p);

/* ---- of one thread ---- */

/* The calling thread is perturbed at its atomic operations from here on. */
void perturb_steps_thread(uint64_t seed);

/* It yields in the middle of every few operations from here on, as long as there are yields at all; or no more so. */
void perturb_steps_often(bool on);

/* The calling thread is to have signals from here on, or not. */
void perturb_thread_signalled(bool on);

/* Whether there are yields just now. */
bool perturb_yields_now(void);

/* The parts, for perturb.c alone. */
void perturb_steps_install(void);
int perturb_processors(void); /* that this process may use */
void perturb_yields_turn(bool on);
void perturb_process_begin(uint64_t seed);
void perturb_process_tick(double now);
void perturb_process_end(void);

/* Due now, for whoever comes first: one load, relaxed, where nothing is. */
extern atomic_bool perturb_due[PERTURB_COUNT];
static inline bool perturb_take(enum perturbation p) {
    return atomic_load_explicit(&perturb_due[p], memory_order_relaxed) &&
           atomic_exchange_explicit(&perturb_due[p], false, memory_order_relaxed);
}

/* Called where a thread has just got or borrowed something. */
void perturb_hold(void);
static inline void perturb_holding(void) {
    if (perturb_take(PERTURB_HOLD))
        perturb_hold();
}

#endif /* STRESS_PERTURB_H */
