/* SPDX-License-Identifier: MIT */
/*
 * Events for connections that are gone. Workers share an epoll set over real loopback connections;
 * event.data.u64 is the weak value of the connection. A worker takes events in heaps; until it comes to
 * the last of them, another worker or the peer's reset has closed some of their connections, their
 * descriptors are other connections', and so are their slots. Each event must find its own connection,
 * alive, or be refused. Refusals in a race must not be rarer than one in ten thousand closes; planted ones
 * (an event whose value is known to be dead) are counted apart. With --raw the events hold pointers:
 * AddressSanitizer sees them used after free.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net.h"

#define HEAP 32 /* events taken at once */

static struct {
    int epoll;
    int plant; /* an eventfd whose events have the value of an object that died long ago */
    net_handle planted;
} events;

static void watch(struct conn *conn) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = conn->handle};
    if (epoll_ctl(events.epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        violation("epoll_ctl: %s", strerror(errno));
}

static void plant(struct worker *worker) {
    struct item *item = item_new(worker, &item_type, 0);
    events.planted = wr_weak_to_u64(item_weak(item));
    wr_release(item);
    events.plant = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = events.planted};
    if (events.plant < 0 || epoll_ctl(events.epoll, EPOLL_CTL_ADD, events.plant, &event) != 0)
        violation("eventfd: %s", strerror(errno));
}

static void handle_event(struct worker *worker, net_handle handle) {
    if (handle == events.planted) {
        item_check_dead(wr_weak_from_u64(handle));
        worker_count(worker, NET_PLANTED, 1);
        return;
    }
    struct conn *conn = net_get(worker, handle);
    if (conn == NULL)
        return;
    net_serve(worker, conn);
    net_put(worker, conn);
}

static void work(struct worker *worker) {
    if (worker->number % 2 == 1) {
        while (worker_goes_on(worker))
            net_peer_step(worker);
        return;
    }
    while (worker_goes_on(worker)) {
        struct epoll_event heap[HEAP];
        int count = epoll_wait(events.epoll, heap, HEAP, 10);
        for (int i = 0; i < count; i++) {
            handle_event(worker, heap[i].data.u64);
            if (random_below(worker, 8) == 0)
                net_close_any(worker);
        }
        if (random_below(worker, 64) == 0)
            (void)eventfd_write(events.plant, 1);
    }
}

static void begin(struct run *run) {
    events.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (events.epoll < 0)
        violation("epoll_create1: %s", strerror(errno));
    plant(worker_self);
    net_open(run, watch);
}

static void end(struct run *run) {
    net_end(run);
    (void)close(events.plant);
    (void)close(events.epoll);
}

SCENARIO(.hunts = "events that the kernel holds for connections that are gone (epoll)",
         .takes = TAKES(get_alive, look_below, cut_won, close_won, death_now), .counted = {NET_COUNTED},
         .begin = begin, .work = work, .end = end, .raw = true)
