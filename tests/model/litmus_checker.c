/* SPDX-License-Identifier: MIT */
/* What the checker must notice: programs with one bug each, and their right versions. */
#include "model.h"

#include "lock.h"
#include "os.h"

static uint32_t x, y;
static int data;
static struct lock first, second;

/* ---- data races ---- */

static void write_data(void) {
    model_write(&data, 1);
}

static void write_under_lock(void) {
    lock_take(&first);
    model_write(&data, model_read(&data) + 1);
    lock_give(&first);
}

static void write_under_other_lock(void) {
    lock_take(&second);
    model_write(&data, model_read(&data) + 1);
    lock_give(&second);
}

static void both_counted(void) {
    model_outcome("%d", model_read(&data));
}

MODEL(checker_race, .what = "two plain writes", .threads = {write_data, write_data},
      .fails = "data race: write of data");
MODEL(checker_no_race, .what = "the same under a lock",
      .threads = {write_under_lock, write_under_lock, write_under_lock}, .check = both_counted,
      .outcomes = "3");
MODEL(checker_wrong_lock, .what = "under two different locks",
      .threads = {write_under_lock, write_under_other_lock}, .fails = "data race");

static void store_x(void) {
    wr_store_relaxed(&x, 1);
}

static void read_x(void) {
    (void)model_read(&x);
}

MODEL(checker_mixed_race, .what = "an atomic store and a plain read", .threads = {store_x, read_x},
      .fails = "data race");

/* ---- the library's own lock ---- */

static void write_under_real_lock(void) {
    real_lock_take(&first);
    model_write(&data, model_read(&data) + 1);
    real_lock_give(&first);
}

static void write_if_real_lock_is_free(void) {
    if (!real_lock_try(&first))
        return;
    model_write(&data, model_read(&data) + 1);
    real_lock_give(&first);
}

MODEL(lock_try, .what = "lock.c: who gets in by a try sees what was written inside",
      .threads = {write_under_real_lock, write_if_real_lock_is_free}, .check = both_counted,
      .outcomes = "1 2", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(lock_two_takers, .what = "lock.c: no two are inside, nobody sleeps for ever",
      .threads = {write_under_real_lock, write_under_real_lock}, .check = both_counted, .outcomes = "2",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(lock_three_takers, .what = "the same with three",
      .threads = {write_under_real_lock, write_under_real_lock, write_under_real_lock}, .check = both_counted,
      .outcomes = "3", .quick = {3, 1}, .deep = {4, 2});

static void take_two(void) {
    real_lock_take(&first);
    real_lock_take(&second);
}

static void give_two(void) {
    real_lock_give(&second);
    real_lock_give(&first);
}

static void pass_first(void) {
    real_lock_take(&first);
    real_lock_give(&first);
}

static void pass_second(void) {
    real_lock_take(&second);
    real_lock_give(&second);
}

MODEL(lock_two_locks, .what = "the same with two locks whose sleepers have one count", .setup = take_two,
      .threads = {give_two, pass_first, pass_second}, .quick = {3, 1}, .deep = {4, 2});

/* ---- threads that stop ---- */

static void take_both(void) {
    lock_take(&first);
    lock_take(&second);
    lock_give(&second);
    lock_give(&first);
}

static void take_both_the_other_way(void) {
    lock_take(&second);
    lock_take(&first);
    lock_give(&first);
    lock_give(&second);
}

static void take_twice(void) {
    lock_take(&first);
    lock_take(&first);
}

static void give_untaken(void) {
    lock_give(&first);
}

static void sleep_for_ever(void) {
    os_wait(&x, 0, -1);
}

static void sleep_until_1(void) {
    while (wr_load_acquire(&x) == 0)
        os_wait(&x, 0, -1);
}

static void wake_after_1(void) {
    wr_store_release(&x, 1);
    os_wake_one(&x);
}

static void wake_before_1(void) {
    os_wake_one(&x);
    wr_store_release(&x, 1);
}

MODEL(checker_deadlock, .what = "two locks in two orders", .threads = {take_both, take_both_the_other_way},
      .fails = "deadlock");
MODEL(checker_no_deadlock, .what = "in one order", .threads = {take_both, take_both});
MODEL(checker_self_deadlock, .what = "one lock twice", .threads = {take_twice}, .fails = "deadlock");
MODEL(checker_give_untaken, .what = "a lock that is not held", .threads = {give_untaken},
      .fails = "does not hold it");
MODEL(checker_sleep, .what = "a sleep that nobody ends", .threads = {sleep_for_ever}, .fails = "deadlock");
MODEL(checker_lost_wake, .what = "a wake that comes too early", .threads = {sleep_until_1, wake_before_1},
      .fails = "deadlock");
MODEL(checker_wake, .what = "one in time", .threads = {sleep_until_1, wake_after_1});

/* ---- loops ---- */

static void spin_on_own(void) {
    while (wr_load_relaxed(&y) == 0)
        ;
}

static void add_by_cas(void) {
    uint32_t old = wr_load_relaxed(&x);
    while (!wr_cas_relaxed(&x, &old, old + 1))
        ;
}

static void all_added(void) {
    model_outcome("%u", wr_load_relaxed(&x));
}

MODEL(checker_no_progress, .what = "a loop without an end", .threads = {spin_on_own}, .fails = "no progress");
MODEL(checker_progress, .what = "a lock-free loop", .threads = {add_by_cas, add_by_cas, add_by_cas},
      .check = all_added, .outcomes = "3");

/* ---- claims ---- */

static void claim(void) {
    model_check(wr_load_relaxed(&x) != 1 || wr_load_relaxed(&y) == 1);
}

static void y_then_x(void) {
    wr_store_relaxed(&y, 1);
    wr_store_relaxed(&x, 1);
}

MODEL(checker_claim, .what = "a claim that needs an order nobody gave", .threads = {claim, y_then_x},
      .fails = "does not hold");
