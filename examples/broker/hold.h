/* SPDX-License-Identifier: MIT */
/*
 * How the broker holds a connection: all it knows of that, so that there can be several ways (hold_*.c), of which a
 * build has one.
 *
 * The loop that accepted a connection owns it. Everybody else keeps a hold_ref: channels, the list of clients, queued
 * work, timers, and the handle of the socket. Who wants to use the connection pins it for that long.
 */
#ifndef BROKER_HOLD_H
#define BROKER_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct conn;
struct loop;

/* What names a connection and does not keep it; {0} names none. */
typedef struct hold_ref {
    uint64_t bits;
} hold_ref;

extern const char hold_name[];

/* Set up and clear away what a loop needs to destroy connections. On the loop's thread. Returns 0 or an error of
 * libuv. */
int hold_loop_init(struct loop *loop);
void hold_loop_end(struct loop *loop);

/* Around each callback of a loop. */
void hold_enter(void);
void hold_leave(void);

/* Make a connection, all zero, pinned by the caller and owned by `loop`, where conn_destroy will run. NULL: no
 * memory. */
struct conn *hold_new(struct loop *loop);

/* Name a pinned connection. */
hold_ref hold_ref_of(struct conn *conn);

/* Pin what a reference names, until hold_put; NULL when it was killed, which is counted, or names
 * none. */
struct conn *hold_get(hold_ref ref);
void hold_put(struct conn *conn);

/* Tell whether a reference names nothing any more. */
bool hold_is_dead(hold_ref ref);

/* Kill a pinned connection: nobody gets it from now on, and it is destroyed in its loop when those who have it pinned
 * are through. Returns whether this call did it. From any thread. */
bool hold_kill(struct conn *conn);

/* Write counters: as lines of INFO, and for Prometheus. */
void hold_info(FILE *f);
void hold_metrics(FILE *f);

/* Say what is left when all loops have ended. Returns how much. */
uint64_t hold_left(FILE *f);

#endif
