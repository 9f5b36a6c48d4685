/* SPDX-License-Identifier: MIT */
/*
 * What a model is written with. A model is a small program of two to four threads; the checker runs it again and again,
 * until it has seen every order of the threads' atomic operations, and for each load every store that C11 lets it read,
 * within the model's bounds. Models are found by being written, in a file tests/model/litmus_*.c or model_*.c:
 *
 *   MODEL(name, .what = "a get against the last release", .setup = make, .threads = {owner, getter}, .check = look)
 *
 * Before each run all static variables, of the library and of the models, are as they were at the start of the program.
 */
#ifndef WR_MODEL_H
#define WR_MODEL_H

#include "atomic.h"

#define MODEL_THREADS 4
#define UNBOUNDED 99

struct model {
    const char *name;
    const char *what;
    void (*setup)(void); /* first, alone; the threads see all it did */
    void (*threads[MODEL_THREADS])(void);
    void (*check)(void); /* last, alone; sees all they did */
    const char
        *outcomes;     /* what model_outcome was called with over all runs: each of these words, and no other;
                             NULL: not looked at */
    const char *fails; /* this model has a bug, and the checker must find it: a part of its message */
    /* Bounds of the short and the long search: how often a run may take the processor from a thread that could go on,
     * and how many of its operations may act elsewhere than at the end of a modification order. 0: the default. */
    struct {
        int preemptions;
        int stale;
    } quick, deep;
    bool exits; /* threads run their exit, which returns their slots */
};

#define MODEL(model_name, ...)                                                                               \
    static const struct model model_name##_model = {.name = #model_name, __VA_ARGS__};                       \
    __attribute__((constructor)) static void model_name##_register(void) {                                   \
        model_register(&model_name##_model);                                                                 \
    }                                                                                                        \
    extern int model_name##_needs_a_semicolon

void model_register(const struct model *model);

/* Plain accesses, to payloads for example, that the checker looks at for data races. */
#define model_read(p) wr_read(p)
#define model_write(p, v) wr_write(p, v)

/* Fail the run. model_check is for the claims of a model. */
_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define model_check(claim) ((claim) ? (void)0 : model_fail("%s: %s does not hold", __func__, #claim))

/* Note a word that says how this run went; see outcomes. */
void model_outcome(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the calling thread, as if its function returned. */
_Noreturn void model_end_thread(void);

/* Number of the calling thread, 0 in the order of `threads`; -1 in setup and check. */
int model_thread(void);

/* Count, alone, the objects that have memory: those made and not freed. */
unsigned model_objects_alive(void);

/* Tell, alone, whether a descriptor of a queue is readable. */
bool model_fd_readable(int fd);

/* Tell whether the descriptor written or read last is readable, whatever the calling thread may know; and sleep until
 * one is. */
bool model_fd_readable_now(void);
void model_fd_poll(int fd);

/* Have every give-back of pages refused in this run. */
void model_refuse_discard(void);

/* Have the process be without membarrier in this run. */
void model_no_membarrier(void);

/* The library's own lock.c, which the rest of the library does not use here: its lock_take and lock_give are one step
 * of the checker's each. */
struct lock;
void real_lock_take(struct lock *lock);
bool real_lock_try(struct lock *lock);
void real_lock_give(struct lock *lock);

#endif /* WR_MODEL_H */
