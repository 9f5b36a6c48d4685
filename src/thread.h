/* SPDX-License-Identifier: MIT */
/*
 * What each thread has of its own: a cache of free slots for each class, and the list of objects that died
 * inside a destroy it is running. A record is made at a thread's first use, returned at its exit, used by a
 * later thread, and never freed. Only its owner touches it.
 *
 * A thread that has no record sees one that is always empty and always busy, so that the fast paths need no
 * check of their own: they fail and come to the slow ones. So does a thread whose record was returned at its
 * exit already (a TLS destructor of the user's, running after ours), and one for which no memory could be had:
 * it works with a record on its stack for the length of one call, without a cache.
 */
#ifndef WR_THREAD_H
#define WR_THREAD_H

#include "arena.h"
#include "poison.h"
#include "stats.h"

/* A death under way, in the thread's chain of them: user code of one may run a queue, or wait for another object. */
struct dying {
    struct wr_slot *slot;
    struct dying *outer;
};

struct thread {
    /* Two magazines of slots for each class, linked through `link`: one in use, and a full one or none. A
     * thread that makes and frees around any point needs the depot only every class_batch steps. */
    struct cache {
        uint32_t head;  /* the one in use, last freed first */
        uint32_t room;  /* slots it may still take */
        uint32_t spare; /* the full one's first slot; 0: none */
    } cache[CLASS_COUNT];
    bool busy;                /* user code of ours is running here, so that deaths wait on the list */
    bool temporary;           /* on the stack of the call, or none */
    struct dying *ending;     /* deaths under way, innermost first */
    struct wr_slot *inside;   /* whose death the innermost is, also after a longjmp past it; NULL: none */
    struct firing *firing;    /* runs of callbacks under way, innermost first (registry.h) */
    struct queue_run *queues; /* runs of queues under way, innermost first (queue.h) */
    struct waiter *waits;     /* waits for an object's end, innermost first (wait.h) */
    uint32_t first;           /* deaths that wait, linked through `link`, in their order; 0: none */
    uint32_t last;
    struct counts counts; /* what this thread counted (stats.h) */
    struct departed {     /* deaths that have come to the look for borrowers, in the same way (borrow.h) */
        uint32_t first;   /* 0: none */
        uint32_t last;
        uint32_t count;
        uint32_t covered; /* of them, from the first on, those that the last barrier came after */
    } departed;
    struct borrows *borrows; /* this record's hazards, made at the first borrow; never freed */
    struct thread
        *next; /* in the list of all records, or of those without an owner; guarded by the lock on it */
    /* Freed slots that are not yet used again, oldest at `oldest`: a stale pointer finds poison for a while. */
    uint32_t *quarantine; /* behind the record */
    uint32_t quarantine_size;
    uint32_t oldest;
};

extern _Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec")));

/* Return this thread's record, or one that is always empty and busy. */
static inline struct thread *thread_self(void) {
    return thread_current;
}

/* Tell whether a record is a real one. */
bool thread_is_real(const struct thread *thread);

/* Give this thread a real record: its own, made if need be, else `temporary` until thread_detach. */
struct thread *thread_attach(struct thread *temporary);
void thread_detach(struct thread *thread);

/* Take a free slot of the class from the magazine in use; NULL: it has none. `thread` is any record. */
static inline struct wr_slot *thread_take(struct thread *thread, uint32_t class) {
    struct cache *cache = &thread->cache[class];
    if (wr_unlikely(cache->head == 0))
        return NULL;
    struct wr_slot *slot = wr_slot_at(cache->head);
    cache->head = wr_read(&slot->link);
    cache->room++;
    return slot;
}

/* Take a free slot from wherever there is one; NULL: no memory. `thread` is real. */
struct wr_slot *thread_take_slow(struct thread *thread, uint32_t class);

/* Put a slot into a magazine that has room. */
static inline void cache_push(struct cache *cache, struct wr_slot *slot) {
    wr_write(&slot->link, cache->head);
    cache->head = wr_index_of(slot);
    cache->room--;
}

/* Give a slot whose word is dead back for reuse. `thread` is any record. */
void thread_free_slow(struct thread *thread, struct wr_slot *slot, uint64_t dead_word);
static inline void thread_free(struct thread *thread, struct wr_slot *slot, uint64_t dead_word) {
    struct cache *cache = &thread->cache[arena_class(slot)];
    if (wr_unlikely(cache->room == 0 || !word_reusable(dead_word) || poison_watches()))
        thread_free_slow(thread, slot, dead_word);
    else
        cache_push(cache, slot);
}

/* Put all slots of a real record into the depot. */
void thread_flush(struct thread *thread);

/* Add what all records counted to `sum`. */
void thread_add_counts(struct counts *sum);

/* Take and give back the lock on the list of records, for fork. */
void thread_lock(void);
void thread_unlock(void);

/* In the child of a fork, with every lock held: withdraw what absent threads waited for, refire what they had not come
 * to, and give up the rest of their records. */
void thread_forget_absent(void);

#endif /* WR_THREAD_H */
