/* SPDX-License-Identifier: MIT */
/* Weak values as plain data: null, equality, conversions, text; and the version. */
#include "common.h"

TEST(S54_null_is_all_zero_and_dead) {
    wr_weak null = {0};
    CHECK(wr_weak_is_null(null));
    CHECK(wr_weak_is_dead(null));
    CHECK_NULL(wr_weak_get(null));
    CHECK_EQ(wr_weak_to_u64(null), 0);
    probe *p = probe_new(NULL);
    CHECK(!wr_weak_is_null(wr_weak_of(p)));
    CHECK(wr_weak_is_dead(null));
    CHECK_NULL(wr_weak_get(null));
    wr_release(p);
}

TEST(S54_values_are_equal_iff_their_bits_are) {
    probe *a = probe_new(NULL), *b = probe_new(NULL);
    wr_weak wa = wr_weak_of(a), copy = wa, again = wr_weak_of(a), wb = wr_weak_of(b);
    CHECK(wr_weak_equal(wa, copy));
    CHECK(wr_weak_equal(wa, again));
    CHECK(!wr_weak_equal(wa, wb));
    CHECK(memcmp(&wa, &again, sizeof wa) == 0);
    wr_release(a);
    wr_release(b);
    CHECK(wr_weak_equal(wa, copy));
}

TEST(a_value_is_8_bytes_aligned_to_8) {
    struct after_a_char {
        char c;
        wr_weak w;
    };
    CHECK_EQ(sizeof(wr_weak), 8);
    CHECK_EQ(offsetof(struct after_a_char, w), 8);
}

TEST(a_value_survives_conversion) {
    probe *p = probe_new(NULL);
    wr_weak w = wr_weak_of(p);
    CHECK(wr_weak_equal(w, wr_weak_from_u64(wr_weak_to_u64(w))));
#if UINTPTR_MAX >= UINT64_MAX
    CHECK(wr_weak_equal(w, wr_weak_from_ptr(wr_weak_to_ptr(w))));
    CHECK(wr_weak_equal(w, wr_weak_from_ptr(wr_weak_to_ptr(wr_weak_from_u64(wr_weak_to_u64(w))))));
    wr_weak null = {0};
    CHECK_NULL(wr_weak_to_ptr(null));
    CHECK(wr_weak_is_null(wr_weak_from_ptr(NULL)));
#endif
    wr_weak checked = {1};
    CHECK_EQ(wr_weak_check(wr_weak_to_u64(w), &checked), 0);
    CHECK(wr_weak_equal(w, checked));
    wr_release(p);
}

TEST(a_value_prints_as_slot_and_tag) {
    char text[64];
    wr_weak w = wr_weak_from_u64(UINT64_C(65539) << 32 | 7);
    snprintf(text, sizeof text, "conn " WR_WEAK_FMT " closed", WR_WEAK_ARGS(w));
    CHECK_STR_EQ(text, "conn 65539:7 closed");
    w = wr_weak_from_u64(~UINT64_C(0));
    snprintf(text, sizeof text, WR_WEAK_FMT, WR_WEAK_ARGS(w));
    CHECK_STR_EQ(text, "4294967295:4294967295");
}

TEST(the_version_is_that_of_the_header) {
    CHECK_EQ(wr_version(), WR_VERSION);
    CHECK_EQ(WR_VERSION, WR_VERSION_MAJOR * 10000 + WR_VERSION_MINOR * 100 + WR_VERSION_PATCH);
}

TEST(a_value_needs_no_library_state) {
    /* The process's first calls, before anything was reserved. */
    CHECK(wr_weak_is_dead(wr_weak_from_u64(UINT64_C(5) << 32 | 1)));
    CHECK_NULL(wr_weak_get(wr_weak_from_u64(UINT64_C(5) << 32 | 1)));
    CHECK_EQ(wr_weak_check(UINT64_C(5) << 32 | 1, NULL), -EINVAL);
    CHECK(wr_weak_is_null(wr_weak_of(NULL)));
    CHECK_EQ(wr_trim(), 0);
}
