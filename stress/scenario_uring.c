/* SPDX-License-Identifier: MIT */
/*
 * Completions for connections that are gone: as the scenario events, over io_uring. Each connection has a
 * poll in the kernel whose user_data is its weak value, so that there is always one in flight when it is
 * closed; the completion that follows, with the descriptor and often the slot another connection's by
 * then, must be refused. The workers share one ring, its submission and its completion side under one
 * lock.
 */
#include "net.h"

#if defined(__has_include)
#if __has_include(<liburing.h>)
#define HAVE_URING 1
#endif
#endif

#ifdef HAVE_URING
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define ENTRIES 1024
#define HEAP 32 /* completions taken at once */

static struct {
    pthread_mutex_t lock;
    struct io_uring ring; /* guarded by the lock */
} uring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *skip(void) {
    struct io_uring ring;
    int error = io_uring_queue_init(4, &ring, 0);
    if (error != 0)
        return strerror(-error);
    io_uring_queue_exit(&ring);
    return NULL;
}

/* Ask for the next event of a connection that is held: its descriptor is its own until the submission is
 * over. */
static void watch(struct conn *conn) {
    (void)pthread_mutex_lock(&uring.lock);
    struct io_uring_sqe *entry = io_uring_get_sqe(&uring.ring);
    if (entry == NULL)
        violation("io_uring: no entry left, although each is submitted at once");
    io_uring_prep_poll_add(entry, conn->fd, POLLIN | POLLRDHUP);
    io_uring_sqe_set_data64(entry, conn->handle);
    int submitted = io_uring_submit(&uring.ring);
    (void)pthread_mutex_unlock(&uring.lock);
    if (submitted != 1)
        violation("io_uring_submit: %s", strerror(-submitted));
}

/* Take up to HEAP completions. Returns how many. */
static unsigned reap(net_handle *handles) {
    struct io_uring_cqe *entries[HEAP];
    (void)pthread_mutex_lock(&uring.lock);
    unsigned count = io_uring_peek_batch_cqe(&uring.ring, entries, HEAP);
    for (unsigned i = 0; i < count; i++)
        handles[i] = entries[i]->user_data;
    io_uring_cq_advance(&uring.ring, count);
    (void)pthread_mutex_unlock(&uring.lock);
    return count;
}

static void work(struct worker *worker) {
    if (worker->number % 2 == 1) {
        while (worker_goes_on(worker))
            net_peer_step(worker);
        return;
    }
    while (worker_goes_on(worker)) {
        net_handle handles[HEAP];
        unsigned count = reap(handles);
        for (unsigned i = 0; i < count; i++) {
            struct conn *conn = net_get(worker, handles[i]);
            if (conn == NULL)
                continue;
            net_serve(worker, conn);
            watch(conn);
            net_put(worker, conn);
            if (random_below(worker, 8) == 0)
                net_close_any(worker);
        }
        if (count == 0) {
            struct pollfd ring = {.fd = uring.ring.ring_fd, .events = POLLIN};
            (void)poll(&ring, 1, 10);
        }
    }
}

static void begin(struct run *run) {
    int error = io_uring_queue_init(ENTRIES, &uring.ring, 0);
    if (error != 0)
        violation("io_uring_queue_init: %s", strerror(-error));
    net_open(run, watch);
}

static void end(struct run *run) {
    net_end(run);
    io_uring_queue_exit(&uring.ring);
}

#else

static const char *skip(void) {
    return "built without liburing";
}

static void work(struct worker *worker) {
    (void)worker;
}

static void begin(struct run *run) {
    (void)run;
}

static void end(struct run *run) {
    (void)run;
}

#endif

SCENARIO(.hunts = "completions that the kernel holds for connections that are gone (io_uring)",
         .takes = TAKES(get_alive, look_below, cut_won, close_won, death_now), .counted = {NET_COUNTED},
         .skip = skip, .begin = begin, .work = work, .end = end, .raw = true)
