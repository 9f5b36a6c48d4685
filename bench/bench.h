/* SPDX-License-Identifier: MIT */
/*
 * What a benchmark program is made of, in C and in C++. Each peer is one file, bench/bench_<peer>, with further
 * files bench/<peer>_<subject> where it has many rows, and one program; each row is one BENCH in it, run in a
 * process of its own:
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
 *           because an interval in which one was away is too fast. Rounds: their median.
 *   bytes   of resident memory
 *   longest ns: of one operation among many, by the thread's own clock; of several processes the least counts
 *   done    with --batches: how many operations were done, for who counts instructions
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
    static void bench_row_##row_name(void);                                                                  \
    __attribute__((constructor)) static void register_##row_name(void) {                                     \
        static struct bench_row row = {#row_name, bench_row_##row_name, NULL};                               \
        bench_register(&row);                                                                                \
    }                                                                                                        \
    static void bench_row_##row_name(void)

/* In place of rows, when what the peer is made of is not installed: the program says so. */
#define BENCH_MISSING(package) const char bench_missing[] = package
extern const char bench_missing[] __attribute__((weak));

/* What the process was asked for: --threads, else 1; --size, else `usual`. With --tiny, which only tries whether
 * everything works, no more than a thousand. */
unsigned bench_thread_count(void);
uint64_t bench_size(uint64_t usual);

/* ---- measuring: each row uses one of these, once ---- */

/* Time the statement that follows: batches of `times` runs of it, until the time for a row is over. */
#define BENCH_TIMES(times)                                                                                   \
    for (uint64_t bench_n = bench_times(times); bench_batch(bench_n);)                                       \
        for (uint64_t bench_i = 0; bench_i < bench_n; bench_i++)
uint64_t bench_times(uint64_t times);
bool bench_batch(uint64_t times);

/* How often that statement has run so far. */
uint64_t bench_done(void);

/* Time body(0) ... body(threads - 1), each repeated on a thread of its own, pinned to its own processor. One call of
 * `body` is BENCH_CHUNK operations. The result is the mean time of one operation on one thread. */
enum { BENCH_CHUNK = 128 };
void bench_threads(unsigned threads, void (*body)(unsigned thread));

/* Time work that uses up what it works on, or of which only a part is to be timed:
 *
 *   while (bench_round()) {
 *       prepare();
 *       bench_start();
 *       work();
 *       bench_stop(operations);
 *   }
 */
bool bench_round(void);
void bench_start(void);
void bench_stop(uint64_t operations);

/* Start a thread that runs body(arg), on the processor of that number, 0 being the one that the row itself does not
 * run on. It is not waited for. */
void bench_spawn(unsigned processor, void *(*body)(void *arg), void *arg);

/* Return how long this thread has had a processor. */
double bench_own_seconds(void);

/* Report the longest of many operations, in seconds, as the row's result. */
void bench_longest(double seconds);

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

#ifdef __cplusplus
}
#endif

#endif /* WR_BENCH_H */
