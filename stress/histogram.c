/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#define STEPS (UINT64_C(1) << HISTOGRAM_STEP_BITS)
#define LARGEST ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)

static uint64_t read_count(const _Atomic uint64_t *count) {
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_count(_Atomic uint64_t *count, uint64_t more) {
    atomic_store_explicit(count, read_count(count) + more, memory_order_relaxed);
}

/* Values below 32 have a bucket each; from there on the top six bits tell. */
static unsigned bucket_of(uint64_t value) {
    if (value < STEPS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    return (unsigned)((shift + 1) * STEPS + (value >> shift) - STEPS);
}

uint64_t histogram_upper(unsigned bucket) {
    if (bucket < STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / STEPS) - 1;
    return ((STEPS + bucket % STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    if (value > LARGEST)
        value = LARGEST;
    add_count(&histogram->counts[bucket_of(value)], 1);
    if (value > read_count(&histogram->largest))
        atomic_store_explicit(&histogram->largest, value, memory_order_relaxed);
}

void histogram_merge(struct histogram *sum, const struct histogram *more) {
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        add_count(&sum->counts[i], read_count(&more->counts[i]));
    uint64_t largest = read_count(&more->largest);
    if (largest > read_count(&sum->largest))
        atomic_store_explicit(&sum->largest, largest, memory_order_relaxed);
}

uint64_t histogram_total(const struct histogram *histogram) {
    uint64_t total = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += read_count(&histogram->counts[i]);
    return total;
}

uint64_t histogram_at(const struct histogram *histogram, double part) {
    double wanted = part * (double)histogram_total(histogram);
    uint64_t largest = read_count(&histogram->largest);
    uint64_t passed = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        passed += read_count(&histogram->counts[i]);
        if (passed != 0 && (double)passed >= wanted)
            return histogram_upper(i) < largest ? histogram_upper(i) : largest;
    }
    return largest;
}
