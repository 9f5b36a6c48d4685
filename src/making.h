/* SPDX-License-Identifier: MIT */
/*
 * Makings: for one key one maker at a time (S48). Who finds no object under a key and no making of it enters
 * a making on its own stack, makes the object with no lock held, and tells those who waited for it: here is
 * the object, or: try yourselves.
 *
 * Who would wait for a making of its own thread, or for one whose thread waits, by however many others, for
 * one of its own, is refused instead. All waiting goes by one lock of the process, which is a leaf: it is the
 * slow path of a slow path.
 */
#ifndef WR_MAKING_H
#define WR_MAKING_H

#include "table.h"

/* A thread, as maker and as one who waits. */
struct maker {
    struct making *waits_for; /* NULL: for none; guarded by the lock on all waiting */
};

/* Somebody who waits, on its stack. */
struct making_waiter {
    struct making_waiter *next, **at; /* in its making's list; guarded by the shard's lock */
    struct maker *maker;              /* constant: the thread that waits */
    void *made;                       /* what it was told, with a reference */
    uint32_t state;                   /* enum waiter_state; atomic, changed under the lock on all waiting */
};

enum waiter_state { WAITER_WAITS, WAITER_TOLD };

struct making {
    struct making *next; /* in its shard; guarded by the shard's lock, as `waiters` */
    struct making_waiter *waiters;
    struct maker *maker; /* these are constant */
    const void *key;
    size_t len;
    uint64_t hash;
};

/* Return the making of a key that is under way in a shard, or NULL. */
struct making *making_find(uint64_t hash, const void *key, size_t len, struct shard *shard)
    REQUIRES(shard->lock);

/* Enter a making of the calling thread. */
void making_begin(struct making *making, uint64_t hash, const void *key, size_t len, struct shard *shard)
    REQUIRES(shard->lock);

/* Take a making off its shard: nobody can come to wait for it any more. */
void making_end(struct making *making, struct shard *shard) REQUIRES(shard->lock);

/* Tell all who wait for a making that ended: `made`, each with a reference of its own, or NULL: try
 * yourselves. */
void making_tell(struct making *making, void *made);

/* Wait for the end of a making. Called with the shard's lock held, returns without. Returns 0: *made is the
 * object, with a reference, or NULL: try yourself; -EDEADLK: the making waits, in the end, for the calling
 * thread. */
int making_wait(struct making *making, void **made, struct shard *shard) RELEASES(shard->lock);

/* For fork: take and give back the lock on all waiting; in the child, drop what absent threads make and wait
 * for. */
void making_lock(void);
void making_unlock(void);
void making_forget_absent(struct shard *shard);

#endif /* WR_MAKING_H */
