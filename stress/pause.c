/* SPDX-License-Identifier: MIT */
/*
 * Random pauses before the library's atomic operations: a yield, or a short spin. They are drawn from a
 * generator of the thread's own and touch nothing that threads share but one flag, read relaxed, so that
 * they order nothing: a missing order in the library stays missing. How often changes as it goes, from one
 * operation in 8 to one in 4096.
 */
#include <sched.h>

#include "atomic.h"
#include "stress.h"

static atomic_bool pauses;
static _Thread_local struct {
    uint64_t random; /* 0: this thread does not pause */
    uint32_t steps;
    uint32_t mask;
} mine;

bool pause_is_on(void) {
    return atomic_load_explicit(&pauses, memory_order_relaxed);
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("");
#endif
}

static void maybe_pause(const char *op, const volatile void *at) {
    (void)op, (void)at;
    if (!pause_is_on() || mine.random == 0)
        return;
    uint64_t x = mine.random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    mine.random = x;
    if (mine.steps++ % 4096 == 0)
        mine.mask = (8u << (x >> 60) % 4 * 3) - 1; /* 8, 64, 512 or 4096 */
    if ((x & mine.mask) != 0)
        return;
    uint32_t kind = (uint32_t)(x >> 32);
    if (kind % 2 == 0) {
        for (uint32_t times = kind % 32 == 0 ? 16 : 1; times > 0; times--)
            (void)sched_yield();
    } else {
        for (uint32_t times = (kind >> 8) % 256; times > 0; times--)
            relax();
    }
}

void pause_install(void) {
    atomic_hook = maybe_pause;
}

void pause_switch(bool on) {
    atomic_store_explicit(&pauses, on, memory_order_relaxed);
}

void pause_seed(uint64_t seed) {
    mine.random = seed | 1;
}
