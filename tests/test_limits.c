/* SPDX-License-Identifier: MIT */
/* What wr_new refuses. */
#include "common.h"

static void refused(const wr_type *type, size_t extra, int error, int line) {
    errno = 0;
    void *p = wr_new_flex(type, extra);
    if (p != NULL || errno != error)
        FAIL("line %d: got %p with errno %d, not NULL with %d", line, p, errno, error);
    wr_release(p);
}
#define REFUSED(type, extra, error) refused(type, extra, error, __LINE__)

TEST(the_largest_payload_is_64_KiB) {
    wr_type largest = PLAIN_TYPE(65536), larger = PLAIN_TYPE(65537), huge = PLAIN_TYPE(SIZE_MAX);
    unsigned char *p = wr_new(&largest);
    if (CHECK(p != NULL)) {
        p[0] = p[65535] = 1;
        wr_release(p);
    }
    REFUSED(&larger, 0, EINVAL);
    REFUSED(&huge, 0, EINVAL);
    errno = 0;
    CHECK_NULL(wr_new(&larger));
    CHECK_EQ(errno, EINVAL);
}

TEST(extra_bytes_count_towards_the_largest_payload) {
    wr_type type = PLAIN_TYPE(36);
    void *p = wr_new_flex(&type, 65500);
    CHECK_NOT_NULL(p);
    wr_release(p);
    REFUSED(&type, 65501, EINVAL);
    REFUSED(&type, SIZE_MAX, EINVAL);
    REFUSED(&type, SIZE_MAX - 35, EINVAL); /* the sum would wrap to 0 */
}

TEST(alignment_is_a_power_of_two_up_to_32) {
    for (size_t align = 0; align < 200; align++) {
        wr_type type = PLAIN_TYPE(40);
        type.align = align;
        if (align <= 32 && (align & (align - 1)) == 0) {
            void *p = wr_new(&type);
            CHECK_NOT_NULL(p);
            wr_release(p);
        } else {
            REFUSED(&type, 0, EINVAL);
        }
    }
}

TEST(a_type_of_another_abi_is_refused) {
    wr_type type = PLAIN_TYPE(8);
    type.abi = 0;
    REFUSED(&type, 0, EINVAL);
    type.abi = WR_TYPE_ABI + 1;
    REFUSED(&type, 0, EINVAL);
}

TEST(unknown_flags_are_refused) {
    for (unsigned bit = 0; bit < 32; bit++) {
        wr_type type = PLAIN_TYPE(8);
        type.flags = UINT32_C(1) << bit;
        if (type.flags & (WR_NO_WEAKREF | WR_BORROWABLE | WR_LISTED)) {
            void *p = wr_new(&type);
            CHECK_NOT_NULL(p);
            wr_release(p);
        } else {
            REFUSED(&type, 0, EINVAL);
        }
    }
}

TEST(no_type_is_refused) {
    REFUSED(NULL, 0, EINVAL);
    errno = 0;
    CHECK_NULL(wr_new(NULL));
    CHECK_EQ(errno, EINVAL);
}

TEST(a_refusal_changes_nothing) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    REFUSED(NULL, 0, EINVAL);
    CHECK(can_get(w));
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}
