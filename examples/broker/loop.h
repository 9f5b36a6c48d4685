/* SPDX-License-Identifier: MIT */
/* Event loops, one to a thread, and what threads leave for a loop of another: descriptors to serve, and connections to
 * flush, as references. */
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

#include <pthread.h>
#include <uv.h>

#include "refs.h"

struct loop {
    uv_loop_t uv; /* its data is the loop */
    uv_async_t async;
    uv_tcp_t
        unused; /* libuv keeps a descriptor in each loop that ever had a stream: it takes it with this one */
    void *hold; /* of hold_*.c */
    pthread_t thread;
    size_t live;              /* connections not yet destroyed */
    bool ending;              /* it has seen that it is to stop */
    char scratch[64u * 1024]; /* what was read, until on_read returns */

    pthread_mutex_t lock; /* guards what follows, and uv_async_send, so that none comes after the last look */
    bool stopping;
    struct refs woken;
    struct fds {
        int *at;
        size_t count, cap;
    } fds;
};

/* Start `count` loops; the first is to be run by the caller. Returns 0, or an error of libuv. */
int loops_start(unsigned count);
/* Run the first loop until loops_stop, and wait for the others. */
void loops_run(void);
/* Have all loops kill their connections and end. From any thread, any number of times. */
void loops_stop(void);
struct loop *loops_at(unsigned i);
unsigned loops_count(void);

/* Leave a descriptor for a loop to serve; it is closed when the loop stops. */
void loop_give(struct loop *loop, int fd);
/* Have a loop flush a connection of its own, which the caller has pinned. Returns false: no memory. */
bool loop_wake(struct loop *loop, hold_ref ref);
/* One of its connections is destroyed. On the loop. */
void loop_lost(struct loop *loop);
/* Free a handle that is memory of its own, when it is closed. */
void loop_free_handle(uv_handle_t *handle);
/* Take a reference out of what a loop is to flush; only for those ways of holding a connection that must. */
void loop_forget(struct loop *loop, hold_ref ref);

#endif
