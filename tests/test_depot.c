/* SPDX-License-Identifier: MIT */
/* Threads that meet in the depot, the growth of the range and the records, with no barrier to order them. */
#include "common.h"

#include <sched.h>

static const size_t sizes[] = {0, 40, 64, 200, 700, 3000, 20000, 65536};
enum { SIZES = sizeof sizes / sizeof sizes[0], AT_ONCE = 150 };

static const wr_type type = {.abi = WR_TYPE_ABI};

static _Atomic uint64_t pool[64]; /* objects (as pointers) on their way to another thread */

static void churn(unsigned index, void *arg) {
    unsigned rounds = *(unsigned *)arg;
    test_rng rng = rng_make(index);
    void *objects[AT_ONCE];
    for (unsigned round = 0; round < rounds; round++) {
        size_t size = sizes[rng_below(&rng, SIZES)];
        unsigned count = size > 10000 ? 8 : (unsigned)rng_below(&rng, AT_ONCE) + 1;
        for (unsigned i = 0; i < count; i++) {
            objects[i] = wr_new_flex(&type, size);
            REQUIRE(objects[i] != NULL);
            CHECK_EQ(wr_refcount(objects[i]), 1);
            if (size > 0)
                memset(objects[i], (int)index, size);
            if (i % 2)
                (void)wr_weak_of(objects[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            void *mine = objects[i];
            if (i % 4 == 0) { /* let another thread free it */
                uintptr_t old =
                    (uintptr_t)atomic_exchange(&pool[rng_below(&rng, 64)], (uint64_t)(uintptr_t)mine);
                mine = (void *)old;
            } else if (size > 0) {
                CHECK(((unsigned char *)mine)[size - 1] == index);
            }
            wr_release(mine);
        }
        if (rng_below(&rng, 50) == 0)
            (void)wr_trim();
        if (rng_below(&rng, 4) == 0)
            sched_yield();
    }
}

TEST(threads_share_the_depot) {
    unsigned rounds = scaled(3000);
    run_threads(4, churn, &rounds);
    for (unsigned i = 0; i < 64; i++)
        wr_release((void *)(uintptr_t)atomic_load(&pool[i]));
}

static void begin_and_end(unsigned index, void *arg) {
    unsigned rounds = 3;
    (void)arg;
    churn(index, &rounds);
}

static void *begin_many(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < scaled(100); i++)
        run_threads(2, begin_and_end, NULL);
    return NULL;
}

TEST(threads_begin_and_end_while_others_do) {
    pthread_t other;
    REQUIRE(pthread_create(&other, NULL, begin_many, NULL) == 0);
    (void)begin_many(NULL);
    REQUIRE(pthread_join(other, NULL) == 0);
    for (unsigned i = 0; i < 64; i++)
        wr_release((void *)(uintptr_t)atomic_load(&pool[i]));
}

/* Four threads whose first acts make the range, then grow it for classes of their own. */
static void grow(unsigned index, void *arg) {
    (void)arg;
    for (size_t size = 1 + index * 40; size <= WR_MAX_SIZE; size += size / 3 + 160) {
        unsigned char *p = wr_new_flex(&type, size);
        REQUIRE(p != NULL);
        p[size - 1] = 1;
        wr_release(p);
    }
}

TEST(threads_grow_the_range_at_once) {
    run_threads(4, grow, NULL);
}
