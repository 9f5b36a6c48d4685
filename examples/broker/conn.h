/* SPDX-License-Identifier: MIT */
/*
 * A connection. Its loop reads, runs commands and writes; any thread that has it pinned may append to its output.
 *
 * The libuv handle is memory of its own, because libuv keeps it until its close callback, which is after the connection
 * has gone: it knows the connection by a reference only.
 */
#ifndef BROKER_CONN_H
#define BROKER_CONN_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <uv.h>

#include "buf.h"
#include "hold.h"
#include "resp.h"
#include "subscriptions.h"

#define CONN_NAME_SIZE 64
#define CONN_KEEP_BYTES (16u * 1024) /* an empty buffer up to this size is kept for the next messages */

/* The socket. On its loop only. */
struct sock {
    uv_tcp_t tcp; /* first: freed as a handle */
    uv_write_t write;
    char *writing; /* what libuv is writing, or NULL */
    hold_ref conn;
};

struct conn {
    uint64_t id; /* constant once open, as loop, sock, addr and since */
    struct loop *loop;
    struct sock *sock;
    char addr[64];
    time_t since;

    /* of the loop */
    struct buf input, reply; /* replies are gathered, and appended to the output as one */
    struct request request;
    struct subscriptions channels, patterns;
    bool finishing;     /* to be killed when its output is written */
    uv_timer_t *linger; /* which waits for that, or NULL */

    atomic_uint channel_count, pattern_count; /* for CLIENT LIST */

    pthread_mutex_t lock; /* guards what follows */
    struct buf output;
    size_t in_flight; /* bytes with libuv */
    bool woken;       /* its loop is going to look at the output */
    bool doomed;      /* its loop is to kill it */
    char name[CONN_NAME_SIZE];
};

/* ---- conn.c: on the loop ---- */

/* Begin to serve a descriptor. Takes it, also when it fails. */
void conn_open(struct loop *loop, int fd);

/* Read no more from a pinned connection, and kill it when its output is written, or is not for some seconds. */
void conn_finish(struct conn *conn);

/* Release what a connection owns. For hold_*.c. */
void conn_destroy(struct conn *conn);

/* ---- conn_input.c: on the loop ---- */

/* Read requests and run them, from now on. Returns 0, or an error of libuv. */
int conn_read(struct conn *conn);

/* ---- conn_output.c ---- */

extern size_t conn_output_limit; /* bytes that may wait for a client; constant once loops run */

/* Append to the output of a pinned connection; over the limit it is doomed. From any thread. Returns whether it was
 * appended. */
bool conn_send(struct conn *conn, const void *data, size_t len);

/* Have the loop kill a pinned connection. From any thread. */
void conn_doom(struct conn *conn);

/* On the loop, pinned: append the replies that were gathered; write what can be written. */
void conn_reply(struct conn *conn);
void conn_flush(struct conn *conn);

#endif
