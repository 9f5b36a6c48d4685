/* SPDX-License-Identifier: MIT */
/* Objects: what wr_new gives, and the strong count. */
#include "common.h"

TEST(new_gives_zeroed_aligned_payload_with_one_reference) {
    for (size_t size = 0; size <= WR_MAX_SIZE; size += 1 + size / 7) {
        wr_type type = PLAIN_TYPE(size);
        unsigned char *p = wr_new(&type);
        if (!CHECK(p != NULL))
            return;
        CHECK_EQ((uintptr_t)p % 32, 0);
        CHECK_EQ(wr_refcount(p), 1);
        CHECK(wr_type_of(p) == &type);
        for (size_t i = 0; i < size; i++)
            if (!CHECK_EQ(p[i], 0))
                break;
        wr_release(p);
    }
}

TEST(a_reused_slot_is_zeroed_again) {
    for (size_t size = 1; size <= WR_MAX_SIZE; size = size * 3 / 2 + 1) {
        wr_type type = PLAIN_TYPE(size);
        for (int round = 0; round < 4; round++) {
            unsigned char *p = wr_new(&type);
            REQUIRE(p != NULL);
            size_t dirty = 0;
            for (size_t i = 0; i < size; i++)
                dirty += p[i] != 0;
            CHECK_EQ(dirty, 0);
            memset(p, 0xff, size);
            wr_release(p);
        }
    }
}

TEST(a_smaller_object_in_a_reused_slot_is_zeroed_to_its_own_size) {
    wr_type big = PLAIN_TYPE(96), small = PLAIN_TYPE(70);
    for (int round = 0; round < 300; round++) {
        unsigned char *p = wr_new(&big);
        REQUIRE(p != NULL);
        memset(p, 0xff, 96);
        wr_release(p);
        p = wr_new(&small);
        REQUIRE(p != NULL);
        for (size_t i = 0; i < 70; i++)
            CHECK_EQ(p[i], 0);
        wr_release(p);
    }
}

TEST(new_flex_adds_its_bytes_to_those_of_the_type) {
    wr_type type = PLAIN_TYPE(24);
    for (size_t extra = 0; extra <= 3000; extra += 37) {
        unsigned char *p = wr_new_flex(&type, extra);
        REQUIRE(p != NULL);
        size_t dirty = 0;
        for (size_t i = 0; i < 24 + extra; i++)
            dirty += p[i] != 0;
        CHECK_EQ(dirty, 0);
        memset(p, 0xaa, 24 + extra);
        wr_release(p);
    }
}

TEST(objects_do_not_overlap) {
    enum { COUNT = 2000 };
    static unsigned char *objects[COUNT];
    static size_t sizes[COUNT];
    static const wr_type type = {.abi = WR_TYPE_ABI};
    test_rng rng = rng_make(1);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            sizes[i] = rng_below(&rng, i % 50 == 0 ? WR_MAX_SIZE : 600);
            objects[i] = wr_new_flex(&type, sizes[i]);
            REQUIRE(objects[i] != NULL);
            memset(objects[i], (int)(i % 251), sizes[i]);
        }
        for (size_t i = 0; i < COUNT; i++) {
            size_t wrong = 0;
            for (size_t j = 0; j < sizes[i]; j++)
                wrong += objects[i][j] != i % 251;
            CHECK_EQ(wrong, 0);
            CHECK_EQ(wr_refcount(objects[i]), 1);
            wr_release(objects[i]);
        }
    }
}

TEST(retain_and_release_count) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    CHECK_PTR_EQ(wr_retain(p), p);
    CHECK_PTR_EQ(wr_retain(p), p);
    CHECK_EQ(wr_refcount(p), 3);
    wr_release(p);
    wr_release(p);
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_EQ(destroyed, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

TEST(null_is_no_object_and_no_misuse) {
    CHECK_NULL(wr_retain(NULL));
    wr_release(NULL);
    CHECK_NULL((const void *)wr_type_of(NULL));
    CHECK_EQ(wr_refcount(NULL), 0);
}

TEST(a_type_without_a_name_or_destroy_works) {
    static const wr_type bare = {.abi = WR_TYPE_ABI};
    void *a = wr_new(&bare), *b = wr_new(&bare);
    CHECK_NOT_NULL(a);
    CHECK_PTR_NE(a, b);
    wr_release(a);
    wr_release(b);
}

static void destroy_that_fails_things(void *self) {
    (void)self;
    errno = EIO;
}

TEST(S14_errno_is_kept_by_everything_that_succeeds) {
    static const wr_type noisy = {.abi = WR_TYPE_ABI, .size = 8, .destroy = destroy_that_fails_things};
    errno = ENOTTY;
    void *p = wr_new(&noisy); /* the process's first: reserve, record and all */
    CHECK_EQ(errno, ENOTTY);
    wr_retain(p);
    wr_release(p);
    wr_weak w = wr_weak_of(p);
    wr_release(wr_weak_get(w));
    CHECK_EQ(wr_kill(p), 1);
    wr_release(p);
    CHECK_EQ(errno, ENOTTY);
    p = wr_new(&noisy); /* the death that needs no atomic read-modify-write */
    wr_release(p);
    CHECK_EQ(errno, ENOTTY);
    (void)wr_trim();
    CHECK_EQ(errno, ENOTTY);
    CHECK_EQ(wr_weak_check(~UINT64_C(0), NULL), -EINVAL);
    CHECK_EQ(errno, ENOTTY);
}

static void release_on_thread(unsigned index, void *arg) {
    (void)index;
    errno = ENOTTY;
    wr_release(arg); /* this thread has no record of its own yet */
    CHECK_EQ(errno, ENOTTY);
}

TEST(S14_errno_is_kept_on_a_thread_that_first_meets_weakrt_in_a_release) {
    static const wr_type noisy = {.abi = WR_TYPE_ABI, .size = 8, .destroy = destroy_that_fails_things};
    void *p = wr_new(&noisy);
    REQUIRE(p != NULL);
    (void)wr_weak_of(p);
    run_threads(1, release_on_thread, p);
}
