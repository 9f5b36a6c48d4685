/* SPDX-License-Identifier: MIT */
/*
 * Perturbations before the library's atomic operations: a yield or a short spin, a stall of a millisecond, a move to
 * another processor. They are drawn from a generator of the thread's own and touch nothing that threads share but
 * flags, read relaxed. How often there is a yield changes as it goes, from one operation in 8 to one in 4096.
 */
#include <poll.h>
#include <sched.h>

#include "atomic.h"
#include "perturb.h"

#define STALL_EVERY 0x3ffff /* operations of a thread, on the average: less one */
#define MOVE_EVERY 0xffff

static atomic_bool yields_turn;
static cpu_set_t allowed;
static int processors; /* in `allowed` */
static _Thread_local struct {
    uint64_t random; /* 0: this thread is left alone */
    uint32_t steps;
    uint32_t mask;
    bool often;
} mine;

void perturb_yields_turn(bool on) {
    atomic_store_explicit(&yields_turn, on, memory_order_relaxed);
}

bool perturb_yields_now(void) {
    return atomic_load_explicit(&yields_turn, memory_order_relaxed);
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("");
#endif
}

static void yield_or_spin(uint32_t kind) {
    if (kind % 2 == 0) {
        for (uint32_t times = kind % 32 == 0 ? 16 : 1; times > 0; times--)
            (void)sched_yield();
    } else {
        for (uint32_t times = (kind >> 8) % 256; times > 0; times--)
            relax();
    }
    perturb_happened(PERTURB_YIELDS);
}

/* To one processor, or at times to all again. */
static void move(uint32_t kind) {
    cpu_set_t set = allowed;
    int wanted = (int)(kind % ((uint32_t)processors + 1));
    for (int cpu = 0, nth = 0; wanted < processors && cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && nth++ != wanted)
            CPU_CLR(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0)
        perturb_happened(PERTURB_MIGRATE);
}

static void step(const char *op, const volatile void *at) {
    (void)op, (void)at;
    if (mine.random == 0)
        return;
    uint64_t x = mine.random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    mine.random = x;
    if (perturb_yields_now() || (mine.often && perturb_is_on(PERTURB_YIELDS))) {
        if (mine.steps++ % 4096 == 0)
            mine.mask = mine.often ? (4u << (x >> 60) % 3 * 2) - 1  /* one in 4, 16 or 64 */
                                   : (8u << (x >> 60) % 4 * 3) - 1; /* in 8, 64, 512 or 4096 */
        if ((x & mine.mask) == 0)
            yield_or_spin((uint32_t)(x >> 32));
    }
    if ((x >> 13 & STALL_EVERY) == 1 && perturb_is_on(PERTURB_STALLS)) {
        (void)poll(NULL, 0, 1);
        perturb_happened(PERTURB_STALLS);
    }
    if ((x >> 16 & MOVE_EVERY) == 2 && perturb_is_on(PERTURB_MIGRATE))
        move((uint32_t)(x >> 40));
}

int perturb_processors(void) {
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

void perturb_steps_install(void) {
    processors = perturb_processors();
    atomic_hook = step;
}

void perturb_steps_thread(uint64_t seed) {
    mine.random = seed | 1;
}

void perturb_steps_often(bool on) {
    mine.often = on;
    mine.steps = 0;
}
