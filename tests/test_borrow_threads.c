/* SPDX-License-Identifier: MIT */
/* Borrowing between threads that take turns, and what must not be done with a borrow. */
#include "word.h"

#include "borrows.h"

enum { MANY = 64 }; /* borrows at once that need no reference */

TEST(S56_a_borrower_on_another_thread_destroys_what_died_meanwhile) {
    struct turns t = {.destroyed = 0};
    t.p = shy_new(&t.destroyed);
    t.p->value = 3;
    t.w = wr_weak_of(t.p);
    pthread_barrier_init(&t.at, NULL, 2);
    run_threads(2, take_turns, &t);
    CHECK_EQ(t.destroyed, 1);
    pthread_barrier_destroy(&t.at);
}

static void borrow_all_hazards(unsigned index, void *arg) {
    (void)index;
    struct turns *t = arg;
    wr_borrowed b[MANY];
    for (unsigned i = 0; i < MANY; i++)
        CHECK_NOT_NULL(wr_borrow(t->w, &b[i]));
    for (unsigned i = 0; i < MANY; i++)
        wr_return(&b[i]);
}

TEST(hazards_of_threads_that_ended_are_used_again) {
    struct turns t = {.p = shy_new(NULL)};
    t.w = wr_weak_of(t.p);
    for (int i = 0; i < 20; i++)
        run_threads(2, borrow_all_hazards, &t);
    wr_release(t.p);
    CHECK(!can_borrow(t.w));
}

static pthread_key_t late_key;
static wr_weak late_value;
static void borrow_late(void *arg) {
    static _Thread_local int rounds;
    wr_borrowed b, c;
    CHECK_PTR_EQ(wr_borrow(late_value, &b), arg);
    CHECK_PTR_EQ(wr_borrow(late_value, &c), arg);
    wr_return(&b);
    wr_return(&c);
    if (++rounds < 3)
        (void)pthread_setspecific(late_key, arg); /* until it runs after the library's own */
}
static void set_late(unsigned index, void *arg) {
    (void)index;
    CHECK(can_borrow(late_value));
    (void)pthread_setspecific(late_key, arg);
}

TEST(destructors_of_thread_specific_data_may_borrow) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    late_value = wr_weak_of(p);
    REQUIRE(pthread_key_create(&late_key, borrow_late) == 0);
    run_threads(1, set_late, p);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

/* ---- misuse ---- */

#define TWICE "': the borrow was returned already: each is once, and never a copy of it"
#define ELSEWHERE "': another thread borrowed it: a borrow is returned where it was made"

static void return_twice(probe *p, bool copied) {
    CHECK(can_borrow(wr_weak_of(p))); /* a thread's first is not on the fast path */
    wr_borrowed b = {{0}};
    (void)wr_borrow(wr_weak_of(p), &b);
    wr_borrowed copy = b;
    wr_return(&b);
    wr_return(copied ? &copy : &b);
}
TEST_ABORTS(a_borrow_returned_twice_is_named, "type 'shy" TWICE) {
    return_twice(shy_new(NULL), false);
}
TEST_ABORTS(a_reference_borrow_returned_twice_is_named, "type 'probe" TWICE) {
    return_twice(probe_new(NULL), false);
}
TEST_ABORTS(a_copy_of_a_reference_borrow_returned_too_is_named, "type 'probe" TWICE) {
    return_twice(probe_new(NULL), true);
}
TEST_ABORTS(a_borrow_from_a_cell_returned_twice_is_named, "type 'shy" TWICE) {
    wr_cell cell = {0};
    wr_borrowed b = {{0}};
    probe *p = shy_new(NULL);
    wr_cell_store(&cell, p);
    CHECK(can_borrow(wr_weak_of(p)));
    (void)wr_cell_borrow(&cell, &b);
    wr_return(&b);
    wr_return(&b);
}
TEST_ABORTS(a_borrow_of_many_returned_twice_is_named, "type 'shy" TWICE) {
    probe *p = shy_new(NULL);
    wr_borrowed b[MANY];
    for (unsigned i = 0; i < MANY; i++)
        (void)wr_borrow(wr_weak_of(p), &b[i]);
    wr_return(&b[MANY - 1]);
    wr_return(&b[MANY - 1]);
}
TEST_ABORTS(a_borrow_returned_twice_whose_object_died_is_named, "type 'shy" TWICE) {
    probe *p = shy_new(NULL);
    wr_borrowed b;
    (void)wr_borrow(wr_weak_of(p), &b);
    wr_release(p);
    wr_return(&b);
    wr_return(&b);
}
TEST_ABORTS(a_borrow_returned_twice_whose_slot_has_another_object_names_no_type,
            "): of an object that is gone: the borrow was returned already") {
    probe *p = shy_new(NULL);
    wr_borrowed b;
    (void)wr_borrow(wr_weak_of(p), &b);
    wr_kill(p); /* as good as another one */
    wr_return(&b);
    wr_return(&b);
}
TEST_ABORTS(a_borrow_returned_twice_names_who_holds, "a copy of it; held at hold.c:2 (1)") {
    CHECK_EQ(wr_debug("holders"), 0);
    probe *p = shy_new(NULL);
    wr_holder held;
    wr_track_at(p, &held, "hold.c:2");
    return_twice(p, false);
}
TEST_ABORTS(what_is_no_borrow_is_named, "weakrt: wr_return: this is no borrow") {
    wr_release(shy_new(NULL));
    wr_borrowed b;
    memset(&b, 0x5a, sizeof b);
    wr_return(&b);
}

static wr_borrowed passed_on;
static void return_passed_on(unsigned index, void *arg) {
    (void)index, (void)arg;
    wr_return(&passed_on);
}

TEST_ABORTS(a_borrow_returned_on_another_thread_is_named, "type 'shy" ELSEWHERE) {
    probe *p = shy_new(NULL);
    (void)wr_borrow(wr_weak_of(p), &passed_on);
    run_threads(1, return_passed_on, NULL);
}

TEST_ABORTS(a_reference_borrow_returned_on_another_thread_is_named, "type 'probe" ELSEWHERE) {
    probe *p = probe_new(NULL);
    (void)wr_borrow(wr_weak_of(p), &passed_on);
    run_threads(1, return_passed_on, NULL);
}

static void borrow_and_end(unsigned index, void *arg) {
    static wr_borrowed b;
    (void)index;
    (void)wr_borrow(wr_weak_of(arg), &b);
}

TEST_ABORTS(a_borrow_held_at_the_end_of_its_thread_is_named, "type 'shy': borrowed by a thread that ends") {
    run_threads(1, borrow_and_end, shy_new(NULL));
}

TEST_ABORTS(a_reference_borrow_held_at_the_end_of_its_thread_is_named,
            "type 'probe': borrowed by a thread that ends") {
    run_threads(1, borrow_and_end, probe_new(NULL));
}
