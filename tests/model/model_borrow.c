/* SPDX-License-Identifier: MIT */
/* Borrow and hand-over, with membarrier and without: against one death and two, with one borrower and two. */
#include "things.h"

static struct thing *a, *b;
static wr_weak weak_a, weak_b;
static bool got[MODEL_THREADS];

static void make(void) {
    a = thing_new_borrowable(1);
    weak_a = wr_weak_of(a);
}

static void make_without(void) {
    model_no_membarrier();
    make();
}

static void make_two(void) {
    make();
    b = thing_new_borrowable(2);
    weak_b = wr_weak_of(b);
}

static void make_two_without(void) {
    model_no_membarrier();
    make_two();
}

static void dropper(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void dropper_of_b(void) {
    thing_use(b, 2);
    wr_release(b);
}

static void borrower(void) {
    got[model_thread()] = thing_borrow(weak_a, 1);
}

/* The first borrow finds the hazard, without being looked at: fewer steps are left for what matters. */
static void borrower_again(void) {
    (void)thing_borrow(weak_b, 2);
    got[model_thread()] = thing_borrow(weak_a, 1);
}

static void borrower_of_both(void) {
    got[0] = thing_borrow(weak_a, 1);
    got[1] = thing_borrow(weak_b, 2);
}

static void nested(void) {
    wr_borrowed outer, inner;
    struct thing *first = wr_borrow(weak_a, &outer);
    struct thing *second = wr_borrow(weak_a, &inner);
    model_check(first != NULL || second == NULL);
    if (second != NULL)
        thing_use(second, 1);
    wr_return(&inner);
    if (first != NULL)
        thing_use(first, 1);
    wr_return(&outer);
    got[model_thread()] = first != NULL;
}

/* By a hazard that was not in use before. */
static void nested_in_other(void) {
    wr_borrowed outer;
    (void)wr_borrow(weak_b, &outer);
    got[model_thread()] = thing_borrow(weak_a, 1);
    wr_return(&outer);
}

/* The slot is used again after the death: a late borrower must not have it. */
static void dropper_maker(void) {
    dropper();
    struct thing *next = thing_new_borrowable(3);
    weak_b = wr_weak_of(next);
    wr_release(next);
}

/* The second is in vain, by the hazard of the first: of a value that the slot may have yet. */
static void borrower_then_in_vain(void) {
    got[model_thread()] = thing_borrow(weak_a, 1);
    model_check(!thing_borrow(wr_weak_from_u64(weak_b.bits + 2), 2));
}

/* The weak value travels without an order of its own, as in model_get.c. */
static uint64_t shown;

static void make_room(void) {
    b = thing_new_borrowable(2);
    weak_b = wr_weak_of(b);
    struct thing *before = thing_new_borrowable(0);
    (void)wr_weak_of(before);
    wr_release(before);
    things_flush();
}

static void owner_shows_relaxed(void) {
    a = thing_new_borrowable(1);
    wr_store_relaxed(&shown, wr_weak_of(a).bits);
    wr_release(a);
}

static void borrower_relaxed(void) {
    wr_borrowed borrowed;
    void *thing = wr_borrow(wr_weak_from_u64(wr_load_relaxed(&shown)), &borrowed);
    got[model_thread()] = thing != NULL;
    if (thing != NULL)
        model_check(wr_type_of(thing) == wr_type_of(b));
    wr_return(&borrowed);
}

static void borrower_relaxed_again(void) {
    (void)thing_borrow(weak_b, 2);
    borrower_relaxed();
}

static void say_without_b(void) {
    wr_release(b);
    things_all_dead();
    model_outcome("%d%d", got[0], got[1]);
}

static void say(void) {
    things_all_dead();
    model_outcome("%d%d", got[0], got[1]);
}

MODEL(borrow_death, .what = "a borrow against the death", .setup = make, .threads = {borrower, dropper},
      .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(borrow_death_without, .what = "the same without membarrier", .setup = make_without,
      .threads = {borrower, dropper}, .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(borrow_reuse, .what = "and the slot used again", .setup = make, .threads = {borrower, dropper_maker},
      .check = say, .outcomes = "00 10", .quick = {4, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(borrow_nested, .what = "two borrows of one thread against the death", .setup = make,
      .threads = {nested, dropper}, .check = say, .outcomes = "00 10", .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_again, .what = "a borrow that is not the first of its thread", .setup = make_two,
      .threads = {borrower_again, dropper}, .check = say_without_b, .outcomes = "00 10", .quick = {4, 3},
      .deep = {8, 4});
MODEL(borrow_two, .what = "two borrowers against the death", .setup = make,
      .threads = {borrower, borrower, dropper}, .check = say, .outcomes = "00 10 01 11", .quick = {3, 1},
      .deep = {4, 2});
MODEL(borrow_two_without, .what = "the same without membarrier", .setup = make_without,
      .threads = {borrower, borrower, dropper}, .check = say, .outcomes = "00 10 01 11", .quick = {3, 1},
      .deep = {4, 2});
MODEL(borrow_occupied, .what = "the next borrow of the hazard while a hand-over is under way",
      .setup = make_two, .threads = {borrower_of_both, dropper, dropper_of_b}, .check = say,
      .outcomes = "00 10 01 11", .quick = {3, 0}, .deep = {4, 1});
MODEL(borrow_occupied_without, .what = "the same without membarrier", .setup = make_two_without,
      .threads = {borrower_of_both, dropper, dropper_of_b}, .check = say, .outcomes = "00 10 01 11",
      .quick = {3, 0}, .deep = {4, 1});
MODEL(borrow_far, .what = "a borrow by a hazard that is used for the first time", .setup = make_two,
      .threads = {nested_in_other, dropper}, .check = say_without_b, .outcomes = "00 10", .quick = {4, 3},
      .deep = {8, 4});
MODEL(borrow_far_without, .what = "the same without membarrier", .setup = make_two_without,
      .threads = {nested_in_other, dropper}, .check = say_without_b, .outcomes = "00 10", .quick = {4, 3},
      .deep = {8, 4});
MODEL(borrow_exit, .what = "a borrow and the end of its thread against the death", .setup = make,
      .threads = {borrower, dropper}, .check = say, .outcomes = "00 10", .quick = {4, 3}, .deep = {8, 4},
      .exits = true);
MODEL(borrow_exit_without, .what = "the same without membarrier", .setup = make_without,
      .threads = {borrower, dropper}, .check = say, .outcomes = "00 10", .quick = {4, 3}, .deep = {8, 4},
      .exits = true);
MODEL(borrow_sees_birth, .what = "a borrow sees what wr_new wrote, however the weak value came",
      .setup = make_room, .threads = {owner_shows_relaxed, borrower_relaxed}, .check = say_without_b,
      .outcomes = "00 01", .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_again_sees_birth, .what = "also one that is not the first of its thread", .setup = make_room,
      .threads = {owner_shows_relaxed, borrower_relaxed_again}, .check = say_without_b, .outcomes = "00 01",
      .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_then_in_vain, .what = "a borrow and one in vain after it against the death", .setup = make_two,
      .threads = {borrower_then_in_vain, dropper}, .check = say_without_b, .outcomes = "00 10",
      .quick = {4, 3}, .deep = {8, 4});
