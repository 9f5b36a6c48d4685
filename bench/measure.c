/* SPDX-License-Identifier: MIT */
/* Measuring on one thread: batches, rounds, memory. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double bench_seconds(clockid_t clock) {
    struct timespec now;
    BENCH_CHECK(clock_gettime(clock, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    BENCH_CHECK(count != 0);
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* ---- batches ---- */

enum { LEAST_BATCHES = 10, TINY_TIMES = 100, TINY_SIZE = 1000 };

static struct {
    unsigned long batches;
    unsigned values;
    double first; /* when the first batch of this value started */
    double start; /* when this one did */
    double best;  /* nanoseconds of one run, in the fastest batch so far */
    uint64_t done;
} loop = {.best = 1e18};

uint64_t bench_times(uint64_t times) {
    return bench_settings.tiny && times > TINY_TIMES ? TINY_TIMES : times;
}

uint64_t bench_size(uint64_t usual) {
    uint64_t size = bench_settings.size ? bench_settings.size : usual;
    return bench_settings.tiny && size > TINY_SIZE ? TINY_SIZE : size;
}

unsigned bench_thread_count(void) {
    return bench_settings.threads;
}

bool bench_batch(uint64_t times) {
    double now = bench_seconds(CLOCK_MONOTONIC);
    if (loop.first == 0) {
        loop.first = now;
    } else {
        double each = (now - loop.start) * 1e9 / (double)times;
        loop.best = each < loop.best ? each : loop.best;
        loop.done += times;
        loop.batches++;
        if (bench_settings.batches) {
            if (loop.batches == bench_settings.batches) {
                bench_report((double)loop.done, "done");
                return false;
            }
        } else if (bench_settings.tiny ||
                   (loop.batches >= LEAST_BATCHES && now - loop.first > bench_settings.budget)) {
            bench_report(loop.best, "ns");
            if (++loop.values >= bench_settings.values)
                return false;
            loop.batches = 0;
            loop.first = now;
            loop.best = 1e18;
        }
    }
    loop.start = bench_seconds(CLOCK_MONOTONIC);
    return true;
}

uint64_t bench_done(void) {
    return loop.done;
}

/* ---- rounds ---- */

enum { MOST_ROUNDS = 1000, LEAST_ROUNDS = 3 };

static struct {
    double each[MOST_ROUNDS]; /* nanoseconds of an operation */
    size_t count;
    unsigned values;
    double first; /* when the first round of this value started */
    double start; /* when the timed part of this one did */
} rounds;

bool bench_round(void) {
    double now = bench_seconds(CLOCK_MONOTONIC);
    if (rounds.first == 0)
        rounds.first = now;
    else if (bench_settings.tiny || rounds.count == MOST_ROUNDS ||
             (rounds.count >= LEAST_ROUNDS && now - rounds.first > bench_settings.budget)) {
        bench_report(bench_median(rounds.each, rounds.count), "ns");
        if (++rounds.values >= bench_settings.values)
            return false;
        rounds.count = 0;
        rounds.first = now;
    }
    return true;
}

void bench_start(void) {
    rounds.start = bench_seconds(CLOCK_MONOTONIC);
}

void bench_stop(uint64_t operations) {
    rounds.each[rounds.count++] = (bench_seconds(CLOCK_MONOTONIC) - rounds.start) * 1e9 / (double)operations;
}

double bench_own_seconds(void) {
    return bench_seconds(CLOCK_THREAD_CPUTIME_ID);
}

void bench_longest(double seconds) {
    bench_report(seconds * 1e9, "longest");
}

/* ---- memory ---- */

void bench_bytes(double bytes) {
    bench_report(bytes, "bytes");
}

double bench_resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    BENCH_CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void *bench_array(size_t count, size_t size) {
    void *array = malloc(count * size);
    BENCH_CHECK(array != NULL);
    return memset(array, 1, count * size);
}
