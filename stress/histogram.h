/* SPDX-License-Identifier: MIT */
/*
 * A histogram of high dynamic range: each doubling of the value has 32 buckets, so that what it says of a value is less
 * than one part in 32 above it, from nanoseconds to minutes, in 9 KiB. One thread adds; any may read meanwhile.
 */
#ifndef STRESS_HISTOGRAM_H
#define STRESS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 5u
#define HISTOGRAM_VALUE_BITS 40u /* larger values count as the largest there is */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
    _Atomic uint64_t largest; /* exact */
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Add all of `more` to `sum`: by the only thread that writes to `sum`. */
void histogram_merge(struct histogram *sum, const struct histogram *more);

/* How many values there are. */
uint64_t histogram_total(const struct histogram *histogram);

/* The value that so large a part (0 to 1) of the values does not exceed; 0 if there are none. */
uint64_t histogram_at(const struct histogram *histogram, double part);

/* The largest value that falls into a bucket. */
uint64_t histogram_upper(unsigned bucket);

#endif /* STRESS_HISTOGRAM_H */
