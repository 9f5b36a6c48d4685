/* SPDX-License-Identifier: MIT */
#include "making.h"

#include "os.h"

static struct lock waiting;

#ifndef WR_THIS_MAKER /* a model's threads have theirs elsewhere */
static _Thread_local struct maker this_maker __attribute__((tls_model("initial-exec")));
#define WR_THIS_MAKER (&this_maker)
#endif

struct making *making_find(uint64_t hash, const void *key, size_t len, struct shard *shard) {
    struct making *making = shard->makings;
    while (making != NULL &&
           !(making->hash == hash && making->len == len && (len == 0 || memcmp(making->key, key, len) == 0)))
        making = making->next;
    return making;
}

void making_begin(struct making *making, uint64_t hash, const void *key, size_t len, struct shard *shard) {
    wr_path(making_began);
    *making =
        (struct making){.next = shard->makings, .maker = WR_THIS_MAKER, .key = key, .len = len, .hash = hash};
    shard->makings = making;
}

void making_end(struct making *making, struct shard *shard) {
    struct making **at = &shard->makings;
    while (*at != making)
        at = &(*at)->next;
    *at = making->next;
}

void making_tell(struct making *making, void *made) {
    if (making->waiters == NULL)
        return;
    lock_take(&waiting);
    for (struct making_waiter *next, *waiter = making->waiters; waiter != NULL; waiter = next) {
        next = waiter->next;
        waiter->maker->waits_for = NULL;
        waiter->made = wr_retain(made);
        /* relaxed: the waiter takes this lock before it uses what it was told */
        wr_store_relaxed(&waiter->state, (uint32_t)WAITER_TOLD);
        os_wake_all(&waiter->state);
    }
    lock_give(&waiting);
}

/* Start to wait, unless that closes a circle. A making that has not told `waiter` yet is there, and so are
 * those that its maker, and so on, wait for. Returns whether it was a circle. */
static bool closes_circle(struct making *making, struct making_waiter *waiter) {
    bool circle = false;
    lock_take(&waiting);
    if (wr_load_relaxed(&waiter->state) == WAITER_WAITS) { /* relaxed: changed under the lock */
        for (const struct making *at = making; at != NULL && !circle; at = at->maker->waits_for)
            circle = at->maker == WR_THIS_MAKER;
        if (!circle)
            WR_THIS_MAKER->waits_for = making;
    }
    lock_give(&waiting);
    return circle;
}

/* Stop waiting, in a circle. None of the others of it goes on before the caller does: it is not told yet. */
static void withdraw(struct making_waiter *waiter, struct shard *shard) {
    lock_take(&shard->lock);
    *waiter->at = waiter->next;
    if (waiter->next != NULL)
        waiter->next->at = waiter->at;
    lock_give(&shard->lock);
}

int making_wait(struct making *making, void **made, struct shard *shard) {
    struct making_waiter waiter = {.next = making->waiters, .at = &making->waiters, .maker = WR_THIS_MAKER};
    wr_store_relaxed(&waiter.state, (uint32_t)WAITER_WAITS); /* relaxed: nobody knows it yet */
    if (waiter.next != NULL)
        waiter.next->at = &waiter.next;
    making->waiters = &waiter;
    lock_give(&shard->lock);
    if (closes_circle(making, &waiter)) {
        wr_path(making_circle);
        withdraw(&waiter, shard);
        return -EDEADLK;
    }
    while (wr_load_relaxed(&waiter.state) == WAITER_WAITS) /* relaxed: the lock below orders it */
        os_wait(&waiter.state, WAITER_WAITS, -1);
    lock_take(&waiting); /* after this, nobody is about to wake us, and what the maker did is seen */
    lock_give(&waiting);
    *made = waiter.made;
    if (*made != NULL)
        wr_path(making_told);
    else
        wr_path(making_again);
    return 0;
}

void making_lock(void) UNCHECKED_LOCKS {
    lock_take(&waiting);
}

void making_unlock(void) UNCHECKED_LOCKS {
    lock_give(&waiting);
}

void making_forget_absent(struct shard *shard) {
    for (struct making **at = &shard->makings; *at != NULL;) {
        if ((*at)->maker == WR_THIS_MAKER) {
            (*at)->waiters = NULL;
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
}
