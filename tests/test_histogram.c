/* SPDX-License-Identifier: MIT */
/* The histogram in which wr-stress keeps latencies. */
#include "../stress/histogram.h"
#include "common.h"

static struct histogram histogram, other; /* zero in each test: it has a process of its own */

TEST(every_value_has_one_bucket_and_buckets_leave_no_gap) {
    uint64_t next = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t upper = histogram_upper(i);
        REQUIRE(upper >= next);
        uint64_t width = upper - next + 1;
        CHECK(width * 32 <= next || width == 1);
        histogram_add(&histogram, next);
        histogram_add(&histogram, upper);
        CHECK_EQ(histogram.counts[i], 2u);
        next = upper + 1;
    }
    CHECK_EQ(next, UINT64_C(1) << HISTOGRAM_VALUE_BITS);
}

TEST(a_part_of_the_values_is_found_within_one_in_32) {
    for (uint64_t value = 1; value <= 100000; value++)
        histogram_add(&histogram, value);
    static const double parts[] = {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        double exact = parts[i] * 100000, found = (double)histogram_at(&histogram, parts[i]);
        CHECK(found >= exact && found <= exact * (1 + 1. / 32));
    }
    CHECK_EQ(histogram_at(&histogram, 1), 100000u);
    CHECK_EQ(histogram_at(&histogram, 0), 1u);
}

TEST(no_part_exceeds_the_largest_value) {
    histogram_add(&histogram, 1000001);
    CHECK_EQ(histogram_at(&histogram, 0.5), 1000001u);
    CHECK_EQ(histogram_at(&histogram, 1), 1000001u);
}

TEST(an_empty_histogram_says_zero) {
    CHECK_EQ(histogram_total(&histogram), 0u);
    CHECK_EQ(histogram_at(&histogram, 0.99), 0u);
}

TEST(values_past_the_range_count_as_the_largest) {
    histogram_add(&histogram, UINT64_MAX);
    CHECK_EQ(histogram_total(&histogram), 1u);
    CHECK_EQ(histogram_at(&histogram, 1), (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
}

TEST(merged_histograms_are_as_if_all_had_gone_to_one) {
    for (uint64_t value = 0; value < 1000; value++)
        histogram_add(value % 3 == 0 ? &other : &histogram, value * value);
    histogram_merge(&histogram, &other);
    CHECK_EQ(histogram_total(&histogram), 1000u);
    CHECK_EQ(histogram_at(&histogram, 1), 999u * 999u);
    double median = (double)histogram_at(&histogram, 0.5);
    CHECK(median >= 499 * 499 && median <= 500 * 500 * (1 + 1. / 32));
}
