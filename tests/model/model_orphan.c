/* SPDX-License-Identifier: MIT */
/* A failed look-up that turns out to hold the last reference: it runs no user code, the object waits as an orphan. */
#include "things.h"

static struct thing *a, *b;
static wr_weak weak_a, weak_b;
static bool orphaned;

static void make_minted(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
    a = thing_new(1);
    weak_a = wr_weak_of(a);
}

/* A look-up of a dead value takes no part in a death itself: what it leaves shows in the number of deaths. */
static void getter(void) {
    struct thing *thing = wr_weak_get(weak_a);
    if (thing != NULL) {
        thing_use(thing, 1);
        wr_release(thing);
    }
}

static void owner(void) {
    wr_release(a);
    b = thing_new(2);
    thing_use(b, 2);
    wr_release(b);
    orphaned = thing_deaths(2) == 0;
}

static void owner_then_more(void) {
    owner();
    b = thing_new(3);
    thing_use(b, 3);
    wr_release(b);
}

static void killer(void) {
    model_check(wr_kill(a) == 1);
    thing_use(a, 1);
    wr_release(a);
    orphaned = thing_deaths(1) == 0;
}

static void say_orphaned(void) {
    unsigned before = thing_deaths(1) + thing_deaths(2) + thing_deaths(3);
    things_all_dead();
    unsigned after = thing_deaths(1) + thing_deaths(2) + thing_deaths(3);
    model_outcome("%s%s", orphaned ? "orphaned" : "not", before != after ? "-at-the-end" : "");
}

MODEL(orphan_of_next_object, .what = "a late get holds the last reference to the slot's next object",
      .setup = make_minted, .threads = {owner, getter}, .check = say_orphaned,
      .outcomes = "not orphaned-at-the-end", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(orphan_of_killed, .what = "a late get holds the last reference to a killed object",
      .setup = make_minted, .threads = {killer, getter}, .check = say_orphaned,
      .outcomes = "not orphaned orphaned-at-the-end", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(orphan_adopted, .what = "an orphan is destroyed by the next death", .setup = make_minted,
      .threads = {owner_then_more, getter}, .check = say_orphaned,
      .outcomes = "not not-at-the-end orphaned orphaned-at-the-end", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- the list: two push while a third takes ---- */

static void make_two(void) {
    make_minted();
    b = thing_new(2);
    weak_b = wr_weak_of(b);
}

static void kill_both(void) {
    model_check(wr_kill(a) == 1 && wr_kill(b) == 1);
    wr_release(a);
    wr_release(b);
}

static void kill_a(void) {
    model_check(wr_kill(a) == 1);
    wr_release(a);
    orphaned = thing_deaths(1) == 0;
}

static void kill_b(void) {
    model_check(wr_kill(b) == 1);
    wr_release(b);
}

static void getter_b(void) {
    struct thing *thing = wr_weak_get(weak_b);
    if (thing != NULL) {
        thing_use(thing, 2);
        wr_release(thing);
    }
}

static void say_dead(void) {
    things_all_dead();
    model_outcome("%s", "dead");
}

MODEL(orphans_two_at_once, .what = "two orphans pushed at once, taken by a death", .setup = make_two,
      .threads = {kill_both, getter, getter_b}, .check = say_dead, .outcomes = "dead", .quick = {3, 1},
      .deep = {5, 2});
MODEL(orphans_taken_by_two, .what = "and by two deaths", .setup = make_two,
      .threads = {kill_a, kill_b, getter, getter_b}, .check = say_dead, .outcomes = "dead", .quick = {3, 1},
      .deep = {4, 2});

/* The same from the middle: each thread holds the last reference from a look-up that failed. */
static void give_back_a(void) {
    wr_give_back(wr_slot_of(a));
}

static void give_back_b(void) {
    wr_give_back(wr_slot_of(b));
}

static void adopt(void) {
    struct thing *thing = thing_new(3);
    wr_release(thing);
}

MODEL(orphans_pushed, .what = "two pushes and a death", .setup = make_two,
      .threads = {give_back_a, give_back_b, adopt}, .check = say_dead, .outcomes = "dead",
      .quick = {UNBOUNDED, UNBOUNDED});
