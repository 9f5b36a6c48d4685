/* SPDX-License-Identifier: MIT */
/* What is visible to whom (S57): what is to be seen is plain memory, and nothing but the library orders it. A missing
 * order is reported by ThreadSanitizer; elsewhere little can fail. */
#include "common.h"

#include <sched.h>

static _Atomic uint64_t channel; /* bits of a weak value */
static atomic_uint answers;
static memory_order sending, receiving;

static void send(uint64_t bits) {
    atomic_store_explicit(&channel, bits, sending);
}

static uint64_t receive(uint64_t other_than) {
    uint64_t bits;
    while ((bits = atomic_load_explicit(&channel, receiving)) == other_than)
        sched_yield();
    return bits;
}

static const wr_type note_type = {.abi = WR_TYPE_ABI, .name = "note", .size = 16};

static void write_or_read(unsigned index, void *arg) {
    unsigned rounds = *(unsigned *)arg;
    uint64_t last = 0;
    for (unsigned round = 1; round <= rounds; round++) {
        if (index == 0) {
            uint64_t *note = wr_new(&note_type);
            REQUIRE(note != NULL);
            if (sending == memory_order_release)
                note[0] = round;
            send(wr_weak_of(note).bits);
            while (atomic_load_explicit(&answers, memory_order_relaxed) < round)
                sched_yield();
            wr_release(note);
        } else {
            last = receive(last);
            uint64_t *note;
            while ((note = wr_weak_get(wr_weak_from_u64(last))) == NULL) { /* relaxed: dead for a while */
                CHECK(sending != memory_order_release);
                sched_yield();
            }
            CHECK_EQ(note[0], sending == memory_order_release ? round : 0);
            CHECK_EQ(note[1], 0);
            CHECK(wr_type_of(note) == &note_type);
            note[1] = round;
            atomic_store_explicit(&answers, round, memory_order_relaxed);
            wr_release(note);
        }
    }
}

TEST(S57_what_was_written_before_the_value_was_published_is_seen_after_a_get) {
    unsigned rounds = scaled(5000);
    sending = memory_order_release;
    receiving = memory_order_acquire;
    run_threads(2, write_or_read, &rounds);
}

TEST(a_get_sees_the_object_as_wr_new_made_it_however_the_value_travelled) {
    unsigned rounds = scaled(5000);
    sending = receiving = memory_order_relaxed;
    run_threads(2, write_or_read, &rounds);
}

/* The range grows under the eyes of another thread: a chunk of each size, fresh. */
static size_t size_of_step(unsigned step) {
    return (size_t)1 << (step + 4);
}
enum { STEPS = 12 };

static void grow_or_look(unsigned index, void *arg) {
    (void)arg;
    uint64_t last = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        if (index == 0) {
            wr_type type = PLAIN_TYPE(size_of_step(step));
            void *p = wr_new(&type);
            REQUIRE(p != NULL);
            send(wr_weak_of(p).bits);
            while (atomic_load_explicit(&answers, memory_order_relaxed) <= step)
                sched_yield();
            wr_release(p);
        } else {
            last = receive(last);
            wr_weak w;
            while (wr_weak_check(last, &w) != 0)
                sched_yield();
            while (wr_weak_is_dead(w)) /* may read dead for a while */
                sched_yield();
            atomic_fetch_add_explicit(&answers, 1, memory_order_relaxed);
        }
    }
}

TEST(who_has_a_weak_value_sees_the_range_it_is_in) {
    sending = receiving = memory_order_relaxed;
    run_threads(2, grow_or_look, NULL);
}

static void forge_while_growing(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) {
        for (unsigned step = 0; step < STEPS; step++) {
            wr_type type = PLAIN_TYPE(size_of_step(step));
            wr_release(wr_new(&type));
            sched_yield();
        }
        send(1);
    } else {
        for (uint32_t i = 0; atomic_load_explicit(&channel, memory_order_relaxed) == 0; i++) {
            wr_weak w;
            if (wr_weak_check((uint64_t)(i * 65536 % (STEPS * 65536)) << 32 | 1, &w) == 0)
                CHECK_NULL(wr_weak_get(w)); /* never minted, or not an object */
            if (i % 16 == 0)
                sched_yield();
        }
    }
}

TEST(forged_values_meet_a_growing_range) {
    run_threads(2, forge_while_growing, NULL);
}
