/* SPDX-License-Identifier: MIT */
/* Borrowing on one thread: S56. */
#include "word.h"

#include "borrows.h"
#include "weakrefs.h"

enum { MANY = 64 }; /* borrows at once that need no reference */

/* ---- what a borrow gives ---- */

TEST(S56_borrow_gives_the_payload_and_takes_no_reference) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(w, &b), p);
    CHECK_EQ(wr_refcount(p), 1);
    wr_return(&b);
    CHECK_EQ(destroyed, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_borrow_of_a_dead_null_or_forged_value_gives_null) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    CHECK(!can_borrow((wr_weak){0}));
    CHECK(!can_borrow((wr_weak){w.bits + 1}));
    CHECK(!can_borrow((wr_weak){w.bits + 2}));
    CHECK(!can_borrow((wr_weak){w.bits | UINT64_C(0xffffffff00000000)}));
    wr_release(p);
    CHECK(!can_borrow(w));
    CHECK_EQ(destroyed, 1);
}

TEST(S54_borrow_of_an_object_that_never_had_a_weak_value_gives_null) {
    probe *p = shy_new(NULL);
    struct wr_slot *slot = wr_slot_of(p);
    wr_weak forged = {(uint64_t)wr_index_of(slot) << 32 | (uint32_t)wr_load_relaxed(&slot->word)};
    CHECK(!can_borrow(forged));
    wr_release(p);
}

/* What is dying has an even tag, which may be guessed, and its word says so as long as its destroy runs. */
static unsigned guessed;
static void destroy_guesses(void *self) {
    struct wr_slot *slot = wr_slot_of(self);
    uint32_t tag = (uint32_t)wr_load_relaxed(&slot->word);
    CHECK_EQ(tag % 2, 0);
    CHECK(!can_borrow((wr_weak){(uint64_t)wr_index_of(slot) << 32 | tag}));
    guessed++;
}
static void finalize_nothing(void *self) {
    (void)self;
}
TEST(S54_borrow_of_an_even_tag_gives_null_whatever_way_the_object_died) {
    static const wr_type type = {
        .abi = WR_TYPE_ABI, .flags = WR_BORROWABLE, .size = 5000, .destroy = destroy_guesses};
    static const wr_type finalized = {.abi = WR_TYPE_ABI,
                                      .flags = WR_BORROWABLE,
                                      .size = 5000,
                                      .finalize = finalize_nothing,
                                      .destroy = destroy_guesses};
    void *any = shy_new(NULL);
    CHECK(can_borrow(wr_weak_of(any))); /* this thread has hazards from here on */
    wr_release(any);
    wr_release(wr_new(&type)); /* never weak, and alone */
    void *obj = wr_new(&type);
    (void)wr_weak_of(obj);
    wr_release(obj);           /* step by step */
    wr_release(wr_new(&type)); /* alone, in a slot that had weak values */
    obj = wr_new(&finalized);
    (void)wr_weak_of(obj);
    wr_release(obj);
    CHECK_EQ(guessed, 4);
}

TEST(S56_wr_return_after_a_null_borrow_does_nothing_more) {
    wr_borrowed b;
    CHECK_NULL(wr_borrow((wr_weak){0}, &b));
    wr_return(&b);
    wr_return(&b);
    wr_borrowed zero = {{0}};
    wr_return(&zero);
}

TEST(S56_a_borrowed_object_is_destroyed_by_the_return_after_its_death) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    p->value = 7;
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    probe *q = wr_borrow(w, &b);
    wr_release(p);
    CHECK(wr_weak_is_dead(w));
    CHECK(!can_borrow(w));
    CHECK(!can_get(w));
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(q->value, 7);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_callbacks_run_at_the_death_and_destroy_after_the_last_borrower) {
    unsigned destroyed = 0;
    struct log log = {0};
    probe *p = shy_new(&destroyed);
    wr_weakref *ref = new_ref(p, logs, &log);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.dead, 1);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
}

TEST(S56_a_borrowed_object_may_be_killed) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    probe *q = wr_borrow(w, &b);
    CHECK_EQ(wr_kill(p), 1);
    CHECK(!can_borrow(w));
    CHECK_PTR_EQ(q, p);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_a_cleared_object_is_borrowed_by_its_new_value_alone) {
    probe *p = shy_new(NULL);
    wr_weak old = wr_weak_of(p);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK(!can_borrow(old));
    CHECK(can_borrow(wr_weak_of(p)));
    wr_release(p);
}

TEST(a_reused_slot_is_not_borrowed_by_an_old_value) {
    unsigned destroyed = 0;
    for (int i = 0; i < 100; i++) {
        probe *p = shy_new(&destroyed);
        wr_weak w = wr_weak_of(p);
        wr_release(p);
        probe *q = shy_new(&destroyed);
        CHECK(!can_borrow(w));
        CHECK(can_borrow(wr_weak_of(q)));
        wr_release(q);
    }
    CHECK_EQ(destroyed, 200);
}

/* ---- many at once ---- */

TEST(S56_64_borrows_of_different_objects_at_once) {
    unsigned destroyed = 0;
    wr_borrowed b[MANY];
    probe *p[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = shy_new(&destroyed);
        CHECK_PTR_EQ(wr_borrow(wr_weak_of(p[i]), &b[i]), p[i]);
        CHECK_EQ(wr_refcount(p[i]), 1);
    }
    for (unsigned i = 0; i < MANY; i++)
        wr_release(p[i]);
    CHECK_EQ(destroyed, 0);
    for (unsigned i = 0; i < MANY; i++) { /* in another order than they were made in */
        wr_return(&b[(i * 37 + 5) % MANY]);
        CHECK_EQ(destroyed, i + 1);
    }
}

TEST(S56_the_last_of_nested_borrows_destroys) {
    for (unsigned last = 0; last < MANY; last += 9) {
        unsigned destroyed = 0;
        wr_borrowed b[MANY];
        probe *p = shy_new(&destroyed);
        for (unsigned i = 0; i < MANY; i++)
            CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b[i]), p);
        wr_release(p);
        for (unsigned i = 0; i < MANY; i++)
            if (i != last)
                wr_return(&b[i]);
        CHECK_EQ(destroyed, 0);
        wr_return(&b[last]);
        CHECK_EQ(destroyed, 1);
    }
}

TEST(S56_the_65th_borrow_at_once_takes_a_reference) {
    unsigned destroyed = 0;
    wr_borrowed b[MANY + 3];
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    for (unsigned i = 0; i < MANY + 3; i++)
        CHECK_PTR_EQ(wr_borrow(w, &b[i]), p);
    CHECK_EQ(wr_refcount(p), 4);
    wr_release(p);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[MANY + 1]);
    wr_return(&b[MANY]);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[MANY + 2]);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(destroyed, 0);
    for (unsigned i = 0; i < MANY; i++)
        wr_return(&b[i]);
    CHECK_EQ(destroyed, 1);
    CHECK(!can_borrow(w));
}

TEST(S56_an_object_of_an_unflagged_type_is_borrowed_by_a_reference) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b[3];
    for (int i = 0; i < 3; i++)
        CHECK_PTR_EQ(wr_borrow(w, &b[i]), p);
    CHECK_EQ(wr_refcount(p), 4);
    wr_release(p);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[1]);
    wr_return(&b[0]);
    CHECK_EQ(destroyed, 0);
    wr_return(&b[2]);
    CHECK_EQ(destroyed, 1);
    CHECK(!can_borrow(w));
}
