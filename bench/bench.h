/* SPDX-License-Identifier: MIT */
/*
 * What a benchmark program is made of, in C and in C++. Each peer is one file, bench/bench_<peer>, and one program;
 * each row is one BENCH in it, run in a process of its own:
 *
 *   const char bench_peer[] = "mylib 1.2";
 *   BENCH(get_release)
 *   {
 *       handle h = make();
 *       BENCH_TIMES(10000)
 *           drop(get(h));
 *   }
 *
 * bench/bench.py runs the programs in turns and compares; its table says what each row means and what its goal is.
 * A program prints lines of `row value unit`, separated by tabs:
 *
 *   ns      one thread: the fastest of many batches. Other work on the machine only ever makes a batch slower.
 *           Several threads: the median of those intervals in which all of them had a processor all the time,
 *           because an interval in which one was away is too fast.
 *   bytes   of resident memory
 *
 * Every program keeps a second thread from its start to its end, so that no library takes the short cuts it has for
 * processes of one thread.
 */
#ifndef WR_BENCH_H
#define WR_BENCH_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name and version of the peer. */
extern const char bench_peer[];

/* ---- rows ---- */

struct bench_row {
    const char *name;
    void (*run)(void);
    struct bench_row *next;
};
void bench_register(struct bench_row *row);

#define BENCH(row_name)                                                                                      \
    static void row_name(void);                                                                              \
    __attribute__((constructor)) static void register_##row_name(void) {                                     \
        static struct bench_row row = {#row_name, row_name, NULL};                                           \
        bench_register(&row);                                                                                \
    }                                                                                                        \
    static void row_name(void)

/* In place of rows, when what the peer is made of is not installed: the program says so. */
#define BENCH_MISSING(package) const char bench_missing[] = package
extern const char bench_missing[] __attribute__((weak));

/* ---- measuring: each row uses one of these, once ---- */

/* Time the statement that follows: batches of `times` runs of it, until the time for a row is over. */
#define BENCH_TIMES(times)                                                                                   \
    for (uint64_t bench_n = (times); bench_batch(bench_n);)                                                  \
        for (uint64_t bench_i = 0; bench_i < bench_n; bench_i++)
bool bench_batch(uint64_t times);

/* Time body(0) ... body(threads - 1), each repeated on a thread of its own, pinned to its own processor. One call of
 * `body` is BENCH_CHUNK operations. The result is the mean time of one operation on one thread. */
enum { BENCH_CHUNK = 128 };
void bench_threads(unsigned threads, void (*body)(unsigned thread));

/* Report a number of bytes as the row's result. */
void bench_bytes(double bytes);

/* Bytes of memory this process has in use. */
double bench_resident(void);

/* Allocate an array that is resident from the start, so that it is not counted when it is written to. */
void *bench_array(size_t count, size_t size);

/* ---- keeping compilers and peers honest ---- */

/* End the program, with a message, unless `condition` holds. */
#define BENCH_CHECK(condition) ((condition) ? (void)0 : bench_failed(#condition, __FILE__, __LINE__))
void bench_failed(const char *condition, const char *file, int line) __attribute__((noreturn));

/* Make the compiler forget what it knows of a variable's value, and keep it. Costs nothing. */
#define BENCH_HIDE(variable) __asm__ volatile("" : "+r"(variable))

/* How often the loop of BENCH_TIMES has run so far. */
uint64_t bench_done(void);

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

/* ---- the work that rows of the same name have in common ---- */

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
    BENCH_COLD = 10000000       /* objects, too many for any cache */
};

#ifdef __cplusplus
}
#endif

#endif /* WR_BENCH_H */
