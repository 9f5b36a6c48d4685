/* SPDX-License-Identifier: MIT */
/* Objects that were closed by somebody who must not run user code, a failed get or a signal handler: they wait,
 * on one lock-free list of the process, for the next death, refill of a cache, run of a queue, wait or trim on
 * any thread. */
#ifndef WR_ORPHANS_H
#define WR_ORPHANS_H

#include "word.h"

/* On a line of its own: every death looks at it. */
struct orphans {
    uint32_t head; /* index of the last orphan, linked through `link`; 0: none. Atomic */
    uint32_t bell; /* bit 0: somebody may sleep until it rings; the rest: how often it rang then. Atomic */
} __attribute__((aligned(128)));
extern struct orphans orphans;

/* Tell whether there are any. A look too early is made up for by the next. */
static inline bool orphans_wait(void) {
    return wr_load_relaxed(&orphans.head) != 0;
}

/* Leave a slot that this caller closed, and ring the bell. Async-signal-safe. */
void orphan_push(struct wr_slot *slot);

/* The bell wakes those who wait for the end of an object (wait.c): it may have become an orphan, or be held by one,
 * and they may be the only ones about. They listen, look at what they wait for, and sleep until it rang after they
 * began to listen. */
void orphans_ring(void);
uint32_t orphans_listen(void);
void orphans_sleep(uint32_t bell, int64_t deadline);

/* Take all of them, linked, the one left first first. Returns its index, or 0. */
uint32_t orphans_take(void);

#endif /* WR_ORPHANS_H */
