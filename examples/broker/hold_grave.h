/* SPDX-License-Identifier: MIT */
/*
 * What the ways to hold a connection other than weakrt have in common: memory from malloc, and a list for each loop of
 * those it is to destroy, which any thread may add to. (weakrt has wr_bind for this.)
 */
#ifndef BROKER_HOLD_GRAVE_H
#define BROKER_HOLD_GRAVE_H

#include "conn.h"

/* What hold_new makes: a connection, and what its way to hold it needs. */
struct mortal {
    struct conn conn; /* first: a connection is its mortal */
    struct mortal *next;
    atomic_bool killed;
    atomic_uint pins; /* for hold_table.c */
    uint64_t id;      /* the same */
};

static inline struct mortal *mortal_of(struct conn *conn) {
    return (struct mortal *)conn;
}

struct mortal *mortal_new(struct loop *loop);
void mortal_free(struct mortal *mortal);

/* Have its loop destroy it, not before what the loop does at the moment is done. From any thread, once. */
void mortal_bury(struct mortal *mortal);

/* Take a connection out of all places that hold a reference to it. On its loop. */
void mortal_forget(struct conn *conn);

/* For each way to provide: what is to be done before conn_destroy, on the loop, inside hold_enter. */
void mortal_last_rites(struct conn *conn);

#endif
