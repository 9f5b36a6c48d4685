/* SPDX-License-Identifier: MIT */
/* What the files with rows of liburcu share: threads registered at their first read-side section, and counts. */
#ifndef WR_BENCH_URCU_PEER_H
#define WR_BENCH_URCU_PEER_H

#include "work.h"

#define HAVE_URCU __has_include(<urcu/urcu-memb.h>)
#if HAVE_URCU
#define URCU_INLINE_SMALL_FUNCTIONS
#define _LGPL_SOURCE
#include <urcu/urcu-memb.h>

#include <stdatomic.h>

extern _Thread_local bool urcu_registered;
void urcu_register(void);

static inline __attribute__((always_inline)) void section_begin(void) {
    if (__builtin_expect(!urcu_registered, 0))
        urcu_register();
    urcu_memb_read_lock();
}
static inline __attribute__((always_inline)) void section_end(void) {
    urcu_memb_read_unlock();
}

/* Free later, from a thread that need not be registered yet. */
static inline void urcu_free_later(struct rcu_head *rcu, void (*free_it)(struct rcu_head *rcu)) {
    if (__builtin_expect(!urcu_registered, 0))
        urcu_register();
    urcu_memb_call_rcu(rcu, free_it);
}

/* Take a reference unless there is none left. */
static inline __attribute__((always_inline)) bool urcu_count_up(_Atomic unsigned *count) {
    unsigned refs = atomic_load_explicit(count, memory_order_relaxed);
    while (refs != 0 && !atomic_compare_exchange_weak_explicit(count, &refs, refs + 1, memory_order_acquire,
                                                               memory_order_relaxed))
        ;
    return refs != 0;
}

/* Give one up. Returns whether it was the last. */
static inline __attribute__((always_inline)) bool urcu_count_down(_Atomic unsigned *count) {
    if (atomic_fetch_sub_explicit(count, 1, memory_order_release) != 1)
        return false;
    atomic_thread_fence(memory_order_acquire);
    return true;
}
#endif

#endif /* WR_BENCH_URCU_PEER_H */
