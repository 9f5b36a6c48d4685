/* SPDX-License-Identifier: MIT */
/* What is visible to whom (S57), one order at a time: what is to be seen is plain memory, and neither the hand-over
 * between puppets nor a barrier orders it, but the library alone. ThreadSanitizer reports an order that is missing. */
#include "puppet.h"

#ifndef WR_HOOK
TEST(S57_orders) {
    SKIP("needs VARIANT=hook");
}
#else

static uint64_t note; /* plain */

static void write_and_kill(void *obj) {
    note = 1;
    CHECK_EQ(wr_kill(obj), 1);
}

static void write_and_release(void *obj) {
    note = 1;
    wr_release(obj);
}

/* Let a puppet end the object, and read its note as soon as the value reads dead: when the word says so but `below`
 * does not yet, or through `below` alone. */
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
        CHECK(puppet_run_to(&p, "cas", &wr_slot_of(obj)->word));
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

/* ---- birth ---- */

static _Atomic uint64_t born;
static const wr_type large_note_type = {.abi = WR_TYPE_ABI, .name = "large note", .size = 200};

static void get_and_read(void *arg) {
    uint64_t *got = wr_weak_get(wr_weak_from_u64(atomic_load_explicit(&born, memory_order_relaxed)));
    (void)arg;
    REQUIRE(got != NULL);
    CHECK_EQ(got[20], 0); /* zeroed by wr_new, and that is all that orders this read */
    CHECK(wr_type_of(got) == &large_note_type);
    wr_release(got);
}

TEST(a_get_alone_orders_its_reader_after_the_birth) {
    if (ON_DEBUG)
        SKIP("needs the same slot again, which a debug build keeps in quarantine");
    puppet p;
    uint64_t *obj = wr_new(&large_note_type);
    (void)wr_weak_of(obj); /* minted long ago, so that minting orders nothing here */
    wr_release(obj);
    puppet_start(&p, get_and_read, NULL);
    obj = wr_new(&large_note_type);
    struct wr_slot *slot = wr_slot_of(obj); /* wr_weak_of reads more than this test wants to be read here */
    uint64_t bits = (uint64_t)wr_index_of(slot) << 32 | word_tag(wr_load_relaxed(&slot->word));
    atomic_store_explicit(&born, bits, memory_order_relaxed);
    puppet_run_out(&p);
    wr_release(obj);
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
    CHECK(puppet_run_to(&p, "cas_acquire", NULL)); /* the chunk can be seen; its class has not got it */
    (void)wr_trim();
    puppet_run_out(&p);
    CHECK_NOT_NULL(made);
    wr_release(made);
}

TEST(two_threads_grow_one_class) {
    puppet p;
    void *made = NULL, *mine = NULL, *more = NULL;
    wr_release(probe_new(NULL));
    puppet_start(&p, grow_by_one, &made);
    CHECK(puppet_run_to(&p, "store_release", &wr_arena.end));
    CHECK(puppet_run_to(&p, "cas_acquire",
                        NULL)); /* it has a chunk, not on the class's list yet, and no lock */
    grow_by_one(&mine);
    puppet_let_go(&p);
    grow_by_one(&more);
    puppet_run_out(&p);
    CHECK(made != NULL && mine != NULL && more != NULL);
    CHECK(made != mine && mine != more && more != made);
    wr_release(made);
    wr_release(mine);
    wr_release(more);
}

#endif
