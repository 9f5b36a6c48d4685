/* SPDX-License-Identifier: MIT */
/* What is visible to whom (S57): what is to be seen is plain memory, and nothing but the library orders it. A missing
 * order is reported by ThreadSanitizer; elsewhere little can fail. */
#include "puppet.h"

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

#ifdef WR_HOOK

static uint64_t note; /* plain */

static void write_and_kill(void *obj) {
    note = 1;
    CHECK_EQ(wr_kill(obj), 1);
}

static void write_and_release(void *obj) {
    note = 1;
    wr_release(obj);
}

/* Let a puppet end the object, and read its note as soon as the value reads dead: when the word says so but `below` does
 * not yet, or through `below` alone. */
static void note_is_seen(void (*fn)(void *), bool by_word) {
    puppet p;
    unsigned destroyed = 0;
    void *obj = probe_new(&destroyed);
    wr_weak w = wr_weak_of(obj);
    if (fn == write_and_kill)
        wr_retain(obj);
    puppet_start(&p, fn, obj);
    if (by_word)
        CHECK(puppet_run_to(&p, "store_release", &wr_slot_of(obj)->below));
    else
        puppet_let_go(&p);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(note, 1);
    puppet_run_out(&p);
    if (fn == write_and_kill) {
        wr_release(obj);
        wr_release(obj);
    }
    CHECK_EQ(destroyed, 1);
}

TEST(S57_who_sees_an_object_killed_in_its_word_sees_what_the_killer_wrote) {
    note_is_seen(write_and_kill, true);
}
TEST(S57_who_sees_an_object_killed_by_the_hint_sees_what_the_killer_wrote) {
    note_is_seen(write_and_kill, false);
}
TEST(S57_who_sees_an_object_dead_in_its_word_sees_what_the_releaser_wrote) {
    note_is_seen(write_and_release, true);
}
TEST(S57_who_sees_an_object_dead_by_the_hint_sees_what_the_releaser_wrote) {
    note_is_seen(write_and_release, false);
}

static void lose_the_kill(void *obj) {
    CHECK_EQ(wr_kill(obj), 0);
    CHECK_EQ(note, 1);
}

/* The loser finds the flag at its first look, or when its compare-exchange fails. */
static void loser_sees(bool late) {
    puppet p;
    void *obj = probe_new(NULL);
    (void)wr_weak_of(obj);
    puppet_start(&p, lose_the_kill, obj);
    if (late)
        CHECK(puppet_run_to(&p, "cas_acq_rel", &wr_slot_of(obj)->word));
    write_and_kill(obj);
    puppet_run_out(&p);
    wr_release(obj);
}

TEST(S57_the_loser_of_a_kill_sees_what_the_winner_wrote) {
    loser_sees(false);
}
TEST(S57_the_loser_of_a_kill_that_was_faster_at_first_too) {
    loser_sees(true);
}

/* ---- resurrection publishes again ---- */

static void *kept;

static void write_and_resurrect(void *self) {
    *(uint64_t *)self = 77;
    kept = wr_retain(self);
}

TEST(S57_who_gets_a_resurrected_object_sees_what_finalize_wrote) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = write_and_resurrect};
    puppet p;
    uint64_t *obj = wr_new(&type);
    wr_weak w = wr_weak_of(obj);
    puppet_start(&p, puppet_release, obj);
    puppet_let_go(&p);
    uint64_t *got = wr_weak_get(w);
    REQUIRE(got != NULL);
    CHECK_EQ(*got, 77);
    wr_release(got);
    puppet_run_out(&p);
    wr_release(kept);
    CHECK(wr_weak_is_dead(w));
}

static uint64_t written_while_finalizing; /* plain */
static puppet borrower;
static bool read_in_destroy;

static void write_and_give_up(void *obj) {
    written_while_finalizing = 5;
    wr_release(obj);
}

static void lend(void *self) {
    wr_retain(self);
    puppet_let_go(&borrower); /* writes, and releases, before finalize is over */
}

static void read_note(void *self) {
    (void)self;
    CHECK_EQ(written_while_finalizing, 5);
    read_in_destroy = true;
}

TEST(S57_destroy_sees_what_was_written_before_a_release_during_finalize) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = lend, .destroy = read_note};
    void *obj = wr_new(&type);
    (void)wr_weak_of(obj);
    puppet_start(&borrower, write_and_give_up, obj);
    wr_release(obj);
    CHECK(read_in_destroy);
    puppet_run_out(&borrower);
}

/* ---- growth ---- */

static void grow_by_one(void *arg) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 50000};
    *(void **)arg = wr_new(&type);
}

TEST(trim_meets_a_chunk_that_is_not_yet_anybodys) {
    puppet p;
    void *made = NULL;
    wr_release(probe_new(NULL));
    puppet_start(&p, grow_by_one, &made);
    CHECK(puppet_run_to(&p, "store_release", &wr_arena.end));
    CHECK(puppet_steps(&p, 1)); /* the chunk can be seen; its class has not got it */
    (void)wr_trim();
    puppet_run_out(&p);
    CHECK_NOT_NULL(made);
    wr_release(made);
}

#endif
