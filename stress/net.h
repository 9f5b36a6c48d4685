/* SPDX-License-Identifier: MIT */
/*
 * Real connections over 127.0.0.1, for the scenarios in which the kernel holds weak values. Even workers
 * serve: they get events with the value of a connection, look it up, and use what they found. Odd workers
 * are the peers: they connect, send, and reset (SO_LINGER 0) while there is something under way. And
 * everybody closes: a server takes connections that others may be serving, or have an event of, out of the
 * table, kills them or just lets go.
 *
 * Oracles besides those of item.h: what a connection receives is what its own peer sent, so that a
 * descriptor was never used after it became another connection's; a descriptor is in the table once.
 *
 * With run.raw the same goes over malloc, free and pointers, as programs do that have no weak references.
 */
#ifndef STRESS_NET_H
#define STRESS_NET_H

#include "item.h"

/* What goes into an event: the weak value's bits, or the pointer. */
typedef uint64_t net_handle;

struct conn {
    struct item item; /* not used raw */
    net_handle handle;
    int fd;
    uint16_t peer;     /* port */
    uint32_t received; /* bytes; under `busy` */
    _Atomic int busy;  /* somebody is reading */
    bool listener;
};

enum net_count {              /* the first of worker.counts */
                 NET_CLOSED,  /* connections that were closed */
                 NET_REFUSED, /* events of connections that were gone: the race that this is about */
                 NET_PLANTED, /* refusals that were brought about: of values that are known to be dead */
                 NET_REUSED,  /* connections on a descriptor that was another's before */
                 NET_SERVED,  /* events that found their connection */
                 NET_RESETS,  /* by peers */
};
#define NET_COUNTED                                                                                          \
    "closed", "refused in a race", "refused as planted", "descriptors reused", "served", "resets"

/* Open the listener, and register it through `watch`: called once for each connection, held, to ask for
 * its events. */
void net_open(struct run *run, void (*watch)(struct conn *conn));

/* Look an event's handle up: a connection, with a reference; NULL: gone. Counts it. */
struct conn *net_get(struct worker *worker, net_handle handle);
void net_put(struct worker *worker, struct conn *conn);

/* Serve a connection that has an event: accept if it is the listener, else read; close it at its end. */
void net_serve(struct worker *worker, struct conn *conn);

/* Close some connection. */
void net_close_any(struct worker *worker);

/* One step of a peer. */
void net_peer_step(struct worker *worker);

/* Close everything, and say what the run lacks. */
void net_end(struct run *run);

#endif /* STRESS_NET_H */
