/* SPDX-License-Identifier: MIT */
/* The work that rows of the same name have in common, whatever peer does it: payloads, populations, keys. */
#ifndef WR_BENCH_WORK_H
#define WR_BENCH_WORK_H

#include "bench.h"

#include <string.h>

/* The payload of every object, where a row does not say otherwise. */
struct payload {
    uint64_t value;
    char rest[56];
};
struct small_payload {
    uint64_t value;
};
struct big_payload {
    char bytes[1024];
};

enum {
    BENCH_NEIGHBOURS =
        16,          /* small objects made one after the other, every other one used by the same thread */
    BENCH_DEAD = 64, /* dead references looked up in turn */
    BENCH_POPULATION = 1000000, /* objects, where bytes are counted */
    BENCH_COLD = 10000000,      /* objects, too many for any cache */
    BENCH_MOST_THREADS = 64
};

/* Random numbers, the same in every process and for every peer. */
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* A random number below `limit`. */
static inline uint32_t bench_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)((bench_random(state) >> 32) * limit >> 32);
}

/* A random state for each thread, each on a cache line of its own. */
struct bench_dice {
    uint64_t state;
    uint64_t count;
    char rest[112];
};
static struct bench_dice bench_dice[BENCH_MOST_THREADS] __attribute__((aligned(128), unused));
static inline struct bench_dice *bench_dice_of(unsigned thread) {
    struct bench_dice *dice = &bench_dice[thread];
    if (dice->state == 0)
        dice->state = thread + 1;
    return dice;
}

/* Keys of containers: twelve characters, as a path, a host name or a session might be. `len` without the zero. */
struct bench_key {
    char text[16];
};
enum { BENCH_KEY_LENGTH = 12 };
static inline struct bench_key bench_key_of(uint64_t number) {
    struct bench_key key;
    memcpy(key.text, "key:", 4);
    for (int i = BENCH_KEY_LENGTH - 1; i >= 4; i--, number >>= 4)
        key.text[i] = "0123456789abcdef"[number & 15];
    memset(key.text + BENCH_KEY_LENGTH, 0, sizeof key.text - BENCH_KEY_LENGTH);
    return key;
}

/* A fast hash of these, the finalizer of MurmurHash3 over the twelve bytes. Whoever chooses keys can make them
 * collide. */
static inline uint64_t bench_key_hash(const char *text) {
    uint64_t a, b = 0;
    memcpy(&a, text, 8);
    memcpy(&b, text + 8, BENCH_KEY_LENGTH - 8);
    a = (a ^ b << 32 ^ b) * UINT64_C(0xff51afd7ed558ccd);
    a = (a ^ a >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return a ^ a >> 33;
}

#endif /* WR_BENCH_WORK_H */
