/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "atomic.h"
#include "fatal.h"
#include "os.h"

/* How often to look at a held lock before sleeping, with a pause before each look: half a microsecond to five, by the
 * processor. Sections are a few dozen instructions and a few cache misses, so that one held by a running thread is free
 * by then; one whose holder was descheduled is not, and sleeping is right, which costs as much. */
#ifndef WR_SPINS /* a model has no use for many */
#define WR_SPINS 100
#endif

#ifdef WR_DEBUG
static _Thread_local unsigned held __attribute__((tls_model("initial-exec")));
#define NOTE_HELD(change) ((void)(held change))

void lock_none_held(void) {
    if (held != 0)
        fatal("weakrt: user code is about to run while a lock of the library is held: a bug in weakrt");
}
#else
#define NOTE_HELD(change) ((void)0)
#endif

/* How many threads sleep for a lock, or are about to, by its address. Not in the lock itself: who takes it next may
 * free it before the one that gave it back has looked. Locks that share a count cost each other a call in vain. */
#define PLACES 64
#define COVERED                                                                                              \
    UINT32_C(0x80000000)          /* since a barrier the count has not been 0: whoever comes too needs none */
static uint32_t sleepers[PLACES]; /* atomic, see [SLEEP] */

static uint32_t *sleepers_for(const struct lock *lock) {
    return &sleepers[(uintptr_t)lock / 128 % PLACES]; /* most locks have two cache lines to themselves */
}

/* Let the processor's other thread, and the holder's store, go first. */
static inline void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

/* Take a lock that is held. */
static __attribute__((noinline)) void take_slow(struct lock *lock) UNCHECKED_LOCKS {
    uint32_t free = 0;
    for (int i = 0; i < WR_SPINS; i++, free = 0) {
        pause_briefly();
        /* order: acquire [LOCK], as in lock_take. */
        if (wr_load_relaxed(&lock->state) == 0 && wr_cas_acquire(&lock->state, &free, 1u))
            return;
    }
    uint32_t *count = sleepers_for(lock);
    /* relaxed, all that concerns the count: what has to be seen, barriers and the system's look at the lock see to. */
    bool seen = (wr_add_relaxed(count, 1u) & COVERED) != 0;
    if (!seen) {
        /* order: membarrier [SLEEP], with the compiler barrier in lock_give: who gives the lock back and does not see
         *        that somebody sleeps, has done so before the look below. Without membarrier, sleep shortly. */
        seen = os_barrier() || os_barrier_prepare();
        if (seen)
            (void)wr_or_relaxed(count, COVERED);
    }
    /* order: acquire [LOCK], as in lock_take. */
    for (free = 0; !wr_cas_acquire(&lock->state, &free, 1u); free = 0)
        os_wait(&lock->state, 1, seen ? -1 : os_deadline(1));
    uint32_t covered = COVERED;
    if (wr_sub_relaxed(count, 1u) == (COVERED | 1))
        (void)wr_cas_relaxed(count, &covered, 0u); /* unless somebody came */
}

void lock_take(struct lock *lock) UNCHECKED_LOCKS {
    uint32_t free = 0;
    NOTE_HELD(++);
    /* order: acquire [LOCK], with the store in lock_give: what earlier holders wrote is seen. */
    if (!wr_cas_acquire(&lock->state, &free, 1u))
        take_slow(lock);
}

bool lock_try(struct lock *lock) UNCHECKED_LOCKS {
    uint32_t free = 0;
    /* order: acquire [LOCK], as above. */
    bool taken = wr_cas_acquire(&lock->state, &free, 1u);
    if (taken)
        NOTE_HELD(++);
    return taken;
}

void lock_give(struct lock *lock) UNCHECKED_LOCKS {
    NOTE_HELD(--);
    if (wr_load_relaxed(&lock->state) == 0) /* relaxed: this thread's, if anybody's */
        fatal("weakrt: a lock of the library was given back that nobody held; memory was overwritten");
    /* order: release [LOCK], with the acquire in lock_take. */
    wr_store_release(&lock->state, 0u);
    /* order: compiler [SLEEP], with the membarrier of who is about to sleep: a store is enough, where an exchange would
     *        cost as much as all else that is done under most locks. */
    wr_compiler_barrier();
    if (wr_load_relaxed(sleepers_for(lock)) != 0)
        os_wake_one(&lock->state);
}

void lock_forget_absent(void) {
    for (int i = 0; i < PLACES; i++)
        wr_store_relaxed(&sleepers[i], 0u);
}
