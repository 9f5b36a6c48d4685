/* SPDX-License-Identifier: MIT */
/* Borrow and hand-over, with membarrier and without: against one death and two, with one borrower and two. */
#include "os.h"
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
        model_check(wr_type_of(thing) == &borrowable_thing_type);
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

/* By the first of its class, for which the range grows. */
static void make_other_class(void) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .flags = WR_BORROWABLE, .size = 2 * WR_GRANULE};
    b = wr_new(&type);
}

/* S57: dead is seen after all that was before the death. */
static uint32_t written;

static void dropper_who_writes(void) {
    model_write(&written, 1);
    wr_release(a);
}

static void borrower_of_the_dead(void) {
    got[0] = thing_borrow(weak_a, 1);
    model_check(got[0] || model_read(&written) == 1);
}

/* Who finds the object in its finalize, and later alive, sees what finalize wrote. */
static struct thing *kept;

static void write_and_keep(struct thing *thing) {
    model_write(&written, 1);
    kept = wr_retain(thing);
}

static void make_finalized(void) {
    thing_finalize = write_and_keep;
    a = thing_new_finalized_borrowable(1);
    weak_a = wr_weak_of(a);
    b = thing_new_borrowable(2);
    weak_b = wr_weak_of(b);
}

static void borrower_of_the_kept(void) {
    (void)thing_borrow(weak_b, 2);
    if (thing_borrow(weak_a, 1))
        return;
    got[0] = thing_borrow(weak_a, 1);
    model_check(!got[0] || model_read(&written) == 1);
}

static void say_and_drop_kept(void) {
    wr_release(kept);
    say_without_b();
}

/* Two have the object when it dies: its end is left to the one, goes to the other, comes back to the hazard of the one,
 * who borrows in vain, and is taken back from there. The turns order nothing; they spare the search pre-emptions. */
static uint32_t turn;

static void wait_for_turn(uint32_t number) {
    for (uint32_t now; (now = wr_load_relaxed(&turn)) < number;)
        os_wait(&turn, now, -1);
}

static void pass_turn(uint32_t number) {
    wr_store_relaxed(&turn, number);
    os_wake_all(&turn);
}

static void borrow_until_turn(uint32_t passed, uint32_t awaited) {
    wr_borrowed borrowed;
    thing_use(wr_borrow(weak_a, &borrowed), 1);
    pass_turn(passed);
    wait_for_turn(awaited);
    wr_return(&borrowed);
}

static void first_borrower(void) {
    borrow_until_turn(1, 4);
}

/* The end is left to this one first: its hazards are newer, and looked at before. */
static void second_borrower(void) {
    wait_for_turn(1);
    borrow_until_turn(2, 3);
    pass_turn(4);
    (void)thing_borrow(wr_weak_from_u64(weak_a.bits + 2), 1); /* which the slot may have yet */
}

static void dropper_between(void) {
    wait_for_turn(2);
    pass_turn(3);
    wr_release(a);
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
MODEL(borrow_grown, .what = "a borrow of what the range grew for, however the weak value came",
      .setup = make_other_class, .threads = {owner_shows_relaxed, borrower_relaxed}, .check = say_without_b,
      .outcomes = "00 01", .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_sees_death, .what = "who borrows in vain sees what was written before the last release",
      .setup = make, .threads = {borrower_of_the_dead, dropper_who_writes}, .check = say, .outcomes = "00 10",
      .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_resurrected, .what = "a borrow sees what a finalize wrote that kept the object",
      .setup = make_finalized, .threads = {borrower_of_the_kept, dropper}, .check = say_and_drop_kept,
      .outcomes = "00 10", .quick = {4, 3}, .deep = {8, 4});
MODEL(borrow_back, .what = "an end that is taken back after others had it", .setup = make,
      .threads = {first_borrower, second_borrower, dropper_between}, .check = things_all_dead,
      .quick = {1, 1}, .deep = {3, 1});
