/* SPDX-License-Identifier: MIT */
/* Measuring on several threads, each on a processor of its own. */
#include "measure.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { MOST_THREADS = 64, MOST_INTERVALS = 1000, LEAST_INTERVALS = 15 };
static const double interval = 0.004;     /* seconds: shorter than a turn of the scheduler mostly is */
static const double had_processor = 0.97; /* share of an interval that a thread must have run to count */
static const double patience = 0.75;      /* seconds at the most, to see enough that count */
/* With more threads than processors all have to wait for each other: intervals of several turns. */
static const double long_interval = 0.02;

struct worker {
    pthread_t thread;
    clockid_t clock;
    unsigned number;
    void (*body)(unsigned thread);
    uint64_t chunks; /* atomic: by the worker, read by the main thread */
} __attribute__((aligned(128)));

static bool stop; /* atomic */
static pthread_barrier_t barrier;
static cpu_set_t allowed; /* processors this process was started with */

void bench_prepare_processors(void) {
    BENCH_CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
}

unsigned bench_processors(void) {
    return (unsigned)CPU_COUNT(&allowed);
}

void bench_pin(unsigned number) {
    cpu_set_t one;
    int skip = (int)(number % bench_processors());
    int cpu = 0;
    while (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    BENCH_CHECK(pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0);
}

static void *work(void *arg) {
    struct worker *worker = arg;
    bench_pin(worker->number);
    pthread_barrier_wait(&barrier);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        worker->body(worker->number);
        __atomic_store_n(&worker->chunks, worker->chunks + 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Let the workers run for an interval. Returns the time of an operation; *all: whether each had a processor. */
static double sample(struct worker *workers, unsigned threads, bool *all) {
    double ran[MOST_THREADS];
    uint64_t chunks[MOST_THREADS], sum = 0;
    double wanted = threads > bench_processors() ? long_interval : interval;
    double start = bench_seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < threads; i++) {
        ran[i] = bench_seconds(workers[i].clock);
        chunks[i] = __atomic_load_n(&workers[i].chunks, __ATOMIC_RELAXED);
    }
    nanosleep(&(struct timespec){.tv_nsec = (long)(wanted * 1e9)}, NULL);
    *all = threads <= bench_processors();
    double length = bench_seconds(CLOCK_MONOTONIC) - start;
    for (unsigned i = 0; i < threads; i++) {
        *all &= bench_seconds(workers[i].clock) - ran[i] > had_processor * length;
        sum += __atomic_load_n(&workers[i].chunks, __ATOMIC_RELAXED) - chunks[i];
    }
    return sum == 0 ? 0 : length * 1e9 * threads / ((double)sum * BENCH_CHUNK);
}

/* Take one value: the median of the intervals that count. */
static double take_value(struct worker *workers, unsigned threads) {
    double good[MOST_INTERVALS], any[MOST_INTERVALS];
    size_t good_count = 0, any_count = 0, least = bench_settings.tiny ? 1 : LEAST_INTERVALS;
    bool enough = threads <= bench_processors() && !bench_settings.tiny;
    double start = bench_seconds(CLOCK_MONOTONIC);
    for (double past = 0; any_count < MOST_INTERVALS && (past < bench_settings.budget || any_count == 0 ||
                                                         (enough && past < patience && good_count < least));
         past = bench_seconds(CLOCK_MONOTONIC) - start) {
        bool all;
        double value = sample(workers, threads, &all);
        if (value == 0)
            continue;
        any[any_count++] = value;
        if (all)
            good[good_count++] = value;
    }
    if (enough && good_count < least)
        fprintf(stderr, "%s: only %zu of %zu intervals were undisturbed\n", bench_settings.row, good_count,
                any_count);
    return good_count != 0 ? bench_median(good, good_count) : bench_median(any, any_count);
}

void bench_threads(unsigned threads, void (*body)(unsigned thread)) {
    static struct worker workers[MOST_THREADS];
    BENCH_CHECK(threads >= 1 && threads <= MOST_THREADS);
    if (bench_settings.batches) { /* counting instructions: here, by one thread */
        for (unsigned long i = 0; i < bench_settings.batches * 80; i++)
            body(0);
        bench_report((double)bench_settings.batches * 80 * BENCH_CHUNK, "done");
        return;
    }
    pthread_barrier_init(&barrier, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        workers[i].number = i;
        workers[i].body = body;
        BENCH_CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
        BENCH_CHECK(pthread_getcpuclockid(workers[i].thread, &workers[i].clock) == 0);
    }
    pthread_barrier_wait(&barrier);
    bool all;
    (void)sample(workers, threads, &all); /* warm-up */
    for (unsigned i = 0; i < bench_settings.values; i++)
        bench_report(take_value(workers, threads), "ns");
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < threads; i++)
        BENCH_CHECK(pthread_join(workers[i].thread, NULL) == 0);
}

/* ---- a thread beside the row ---- */

struct spawned {
    unsigned processor;
    void *(*body)(void *arg);
    void *arg;
};

static void *run_spawned(void *arg) {
    struct spawned *spawned = arg;
    bench_pin(spawned->processor);
    return spawned->body(spawned->arg);
}

void bench_spawn(unsigned processor, void *(*body)(void *arg), void *arg) {
    static struct spawned spawned[MOST_THREADS];
    static unsigned count;
    BENCH_CHECK(count < MOST_THREADS);
    struct spawned *mine = &spawned[count++];
    pthread_t thread;
    *mine = (struct spawned){processor, body, arg};
    BENCH_CHECK(pthread_create(&thread, NULL, run_spawned, mine) == 0);
    pthread_detach(thread);
}
