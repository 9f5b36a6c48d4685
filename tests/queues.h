/* SPDX-License-Identifier: MIT */
/* What the tests of delivery share. */
#ifndef WR_TESTS_QUEUES_H
#define WR_TESTS_QUEUES_H

#include "weakrefs.h"

#include <poll.h>

static inline wr_queue *new_queue(void) {
    wr_queue *queue = wr_queue_new();
    REQUIRE(queue != NULL);
    return queue;
}

/* Would an event loop that polls the queue wake up? Waits up to `timeout_ms`. */
static inline bool readable_within(wr_queue *queue, int timeout_ms) {
    struct pollfd p = {.fd = wr_queue_fd(queue), .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}
static inline bool readable(wr_queue *queue) {
    return readable_within(queue, 0);
}

/* A ref whose callback runs in a queue, and writes to `log` with its argument's end. */
static inline wr_weakref *new_bound_ref(void *obj, wr_queue *queue, struct log *log) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = log;
    o.arg_destroy = logs_freed;
    o.queue = queue;
    wr_weakref *ref = wr_weakref_new_ex(obj, &o);
    REQUIRE(ref != NULL);
    return ref;
}

static inline probe *new_bound_probe(wr_queue *queue, unsigned *destroyed) {
    probe *p = probe_new(destroyed);
    REQUIRE(wr_bind(p, queue) == 0);
    return p;
}

#endif
