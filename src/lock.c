/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "atomic.h"
#include "fatal.h"
#include "os.h"

/* How often to look at a held lock before sleeping. Sections are a few dozen instructions, so that one held by
 * a running thread is free within this many looks; one whose holder was descheduled is not, and sleeping is
 * right. */
#ifndef WR_SPINS /* a model has no use for many */
#define WR_SPINS 100
#endif

#ifdef WR_DEBUG
static _Thread_local unsigned held;
#define NOTE_HELD(change) ((void)(held change))

void lock_none_held(void) {
    if (held != 0)
        fatal("weakrt: user code is about to run while a lock of the library is held: a bug in weakrt");
}
#else
#define NOTE_HELD(change) ((void)0)
#endif

void lock_take(struct lock *lock) UNCHECKED_LOCKS {
    uint32_t free = 0;
    NOTE_HELD(++);
    /* order: acquire [LOCK], with the exchange in lock_give: what earlier holders wrote is seen. */
    if (wr_cas_acquire(&lock->state, &free, 1u))
        return;
    for (int i = 0; i < WR_SPINS; i++) {
        free = 0;
        /* order: acquire [LOCK], as above. */
        if (wr_load_relaxed(&lock->state) == 0 && wr_cas_acquire(&lock->state, &free, 1u))
            return;
    }
    /* order: acquire [LOCK], as above. */
    while (wr_exchange_acquire(&lock->state, 2u) != 0)
        os_wait(&lock->state, 2, -1);
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
    /* order: release [LOCK], with the acquire in lock_take. */
    uint32_t was = wr_exchange_release(&lock->state, 0u);
    if (was == 2)
        os_wake_one(&lock->state);
    else if (was == 0)
        fatal("weakrt: a lock of the library was given back that nobody held; memory was overwritten");
}
