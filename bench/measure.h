/* SPDX-License-Identifier: MIT */
/* What the parts of a benchmark program's own machinery share; rows use bench.h. */
#ifndef WR_BENCH_MEASURE_H
#define WR_BENCH_MEASURE_H

#include "bench.h"

#include <time.h>

/* As the command line said; constant once a row runs. */
struct bench_settings {
    const char *row;
    double budget;   /* seconds for a value */
    unsigned values; /* how many values to report, one after the other */
    unsigned long
        batches; /* exactly this many batches, to count their instructions; 0: as the budget allows */
    unsigned threads;
    uint64_t size; /* 0: the row's usual one */
    bool tiny;     /* the least of everything: does it work at all? */
};
extern struct bench_settings bench_settings;

/* Print a result. */
void bench_report(double value, const char *unit);

double bench_seconds(clockid_t clock);

/* Sort, and return the middle one. */
double bench_median(double *values, size_t count);

/* Remember the processors that the process was started with, and keep this thread on one of them: threads of different
 * numbers on different ones, while there are enough. */
void bench_prepare_processors(void);
unsigned bench_processors(void);
void bench_pin(unsigned number);

#endif /* WR_BENCH_MEASURE_H */
