/* SPDX-License-Identifier: MIT */
/* What the broker counts, for INFO and Prometheus. */
#ifndef BROKER_COUNTERS_H
#define BROKER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTERS(X)                                                                                          \
    X(ACCEPTED, "connections_accepted")                                                                      \
    X(REFUSED, "connections_refused") /* for want of descriptors or memory */                                \
    X(CLOSED, "connections_closed")                                                                          \
    X(COMMANDS, "commands")                                                                                  \
    X(PROTOCOL_ERRORS, "protocol_errors")                                                                    \
    X(PUBLISHED, "messages_published")                                                                       \
    X(DELIVERED, "messages_delivered") /* appended to a subscriber's output */                               \
    X(SLOW, "slow_consumers_closed")   /* output over the limit */                                           \
    X(LINGERED, "lingering_closed")    /* did not take the last of their output in time */                   \
    X(KILLED, "clients_killed")        /* by CLIENT KILL */                                                  \
    X(STALE_REFUSED, "stale_refused")  /* references that named a connection no longer there */              \
    X(FDS_REUSED, "fds_reused")        /* connections whose descriptor was another's before */               \
    X(PLACES_REUSED, "places_reused")  /* the same of their memory */

#define COUNTER_ID(id, name) id,
enum counter { COUNTERS(COUNTER_ID) COUNTER_COUNT };
#undef COUNTER_ID

extern atomic_uint_fast64_t counters[COUNTER_COUNT];

static inline void count(enum counter which, uint64_t n) {
    atomic_fetch_add_explicit(&counters[which], n, memory_order_relaxed);
}

static inline uint64_t counted(enum counter which) {
    return atomic_load_explicit(&counters[which], memory_order_relaxed);
}

#endif
