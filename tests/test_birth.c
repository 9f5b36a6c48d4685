/* SPDX-License-Identifier: MIT */
/* What wr_new wrote is there for whoever finds the object by its tag alone: the value travels by relaxed atomics
 * here, so that nothing but the word orders the two threads. For ThreadSanitizer, and for weak machines. */
#include "common.h"

#include <sched.h>

static const wr_type born_type = {.abi = WR_TYPE_ABI, .name = "born", .size = 64};

struct handover {
    _Atomic uint64_t bits; /* of the object that is alive; 0: none yet */
    _Atomic uint64_t seen; /* what the other thread has looked up */
    uint64_t rounds;
    uint64_t alive;
};

static void *look_up(void *arg) {
    struct handover *h = arg;
    uint64_t last = 0;
    for (uint64_t i = 0; i < h->rounds; i++) {
        uint64_t bits;
        while ((bits = atomic_load_explicit(&h->bits, memory_order_relaxed)) == last)
            sched_yield();
        last = bits;
        const unsigned char *obj = wr_weak_get(wr_weak_from_u64(bits));
        if (obj != NULL) {
            CHECK_PTR_EQ(wr_type_of(obj), &born_type);
            for (size_t at = 0; at < born_type.size; at++)
                CHECK_EQ(obj[at], 0);
            h->alive++;
            wr_release((void *)(uintptr_t)obj);
        }
        atomic_store_explicit(&h->seen, bits, memory_order_relaxed);
    }
    return NULL;
}

TEST(S57_what_wr_new_wrote_is_seen_with_the_tag) {
    struct handover h = {.rounds = 2000};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, look_up, &h) == 0);
    for (uint64_t i = 0; i < h.rounds; i++) {
        void *obj = wr_new(&born_type); /* the same slot each time, minted by the first */
        REQUIRE(obj != NULL);
        uint64_t bits = wr_weak_to_u64(wr_weak_of(obj));
        atomic_store_explicit(&h.bits, bits, memory_order_relaxed);
        while (atomic_load_explicit(&h.seen, memory_order_relaxed) != bits)
            sched_yield();
        wr_release(obj);
    }
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_GT(h.alive,
             0u); /* a value read by a relaxed load may read dead: all but the first are alive in fact */
}
