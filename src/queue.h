/* SPDX-License-Identifier: MIT */
/*
 * Delivery: a queue of what is to run in its user's event loop. Many threads push, without a lock, one runs.
 * Items are slots, by index: of an object whose end goes on here, linked through `link`; of a bound weakref whose
 * callback is to run, linked through its struct delivery; of a notice, linked through `link`. What it is, its
 * type tells.
 */
#ifndef WR_QUEUE_H
#define WR_QUEUE_H

#include "registry.h"

/* Tell whether an object is a queue. */
bool queue_is(const wr_queue *queue);

/* Keep a queue open for pushing until queue_leave. Returns false: it was freed, and must not be pushed to. */
bool queue_enter(wr_queue *queue);
void queue_leave(wr_queue *queue);

/* Push a slot, between queue_enter and queue_leave; wakes who runs the queue. Async-signal-safe. */
void queue_push(wr_queue *queue, struct wr_slot *slot);

/* Tell whether this thread is inside wr_queue_run of the queue. */
bool queue_runs_here(const struct thread *thread, const wr_queue *queue);

/* Tell whether a slot waits in a queue that this thread is running. */
bool queue_holds_here(const struct thread *thread, const struct wr_slot *slot);

/* A run of a queue under way, in the thread's chain of them. */
struct queue_run {
    const wr_queue *queue;
    struct queue_run *outer;
};

/* Notices are objects of this type; one is pushed to tell its function that something is over (wait.c). */
extern const wr_type notice_type;
void notice_run(void *notice);

#endif /* WR_QUEUE_H */
