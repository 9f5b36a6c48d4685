/* SPDX-License-Identifier: MIT */
/* Slots that are worn out, pages that are given back, slots that go from thread to thread. */
#include "things.h"

static struct thing *a;
static wr_weak weak_a;
static bool alive;
static unsigned given;

static void make(void) {
    a = thing_new(1);
    weak_a = wr_weak_of(a);
}

/* A slot with one birth left. */
static void make_worn(void) {
    make();
    struct wr_slot *slot = wr_slot_of(a);
    wr_release(a);
    wr_store_relaxed(&slot->word, (uint64_t)TAG_LAST_BIRTH - 1);
    wr_store_relaxed(&slot->below, TAG_LAST_BIRTH - 1);
    a = thing_new(2);
    model_check(wr_slot_of(a) == slot);
    weak_a = wr_weak_of(a);
    things_flush();
}

static void getter(void) {
    alive = thing_look(weak_a, 1);
}

static void getter_of_worn(void) {
    alive = thing_look(weak_a, 2);
}

static void say(void) {
    things_all_dead();
    model_outcome("%s%s", alive ? "alive" : "dead", given ? "-trimmed" : "");
}

static void owner_of_worn(void) {
    struct wr_slot *slot = wr_slot_of(a);
    wr_release(a);
    struct thing *next = thing_new(3);
    model_check(wr_slot_of(next) != slot);
    wr_release(next);
}

static void killer_of_worn(void) {
    struct wr_slot *slot = wr_slot_of(a);
    model_check(wr_weakref_clear(a) == -EOVERFLOW);
    model_check(wr_kill(a) == 1);
    wr_release(a);
    struct thing *next = thing_new(3);
    model_check(wr_slot_of(next) != slot);
    wr_release(next);
}

MODEL(retire, .what = "a worn-out slot is never used again", .setup = make_worn,
      .threads = {owner_of_worn, getter_of_worn}, .check = say, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(retire_killed, .what = "nor one that was killed at the end of its tags", .setup = make_worn,
      .threads = {killer_of_worn, getter_of_worn}, .check = say, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- trim: pages read as zero, their slots start again at the floor, minted ---- */

static void trim(void) {
    given = (unsigned)(wr_trim() / WR_CHUNK_BYTES);
}

static void trimmer(void) {
    wr_release(a);
    trim();
    struct thing *next = thing_new(2);
    thing_use(next, 2);
    wr_release(next);
}

static void trimmer_weak(void) {
    wr_release(a);
    trim();
    struct thing *next = thing_new(2);
    wr_weak weak = wr_weak_of(next);
    model_check(!wr_weak_equal(weak, weak_a));
    model_check(thing_look(weak, 2));
    wr_release(next);
}

static void trimmer_refused(void) {
    model_refuse_discard();
    trimmer();
}

/* The whole chunk is in the hands of the thread that trims. */
static void make_flushed(void) {
    make();
    things_flush();
}

MODEL(trim_get, .what = "a get against a death, a trim and the slot's next object", .setup = make_flushed,
      .threads = {trimmer, getter}, .check = say, .outcomes = "dead-trimmed alive alive-trimmed",
      .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(trim_get_weak, .what = "the same, and the next object has a weak value", .setup = make_flushed,
      .threads = {trimmer_weak, getter}, .check = say, .outcomes = "dead-trimmed alive alive-trimmed",
      .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(trim_get_2, .what = "two gets", .setup = make_flushed, .threads = {trimmer, getter, getter},
      .check = say, .outcomes = "dead-trimmed dead alive alive-trimmed", .quick = {2, 1}, .deep = {4, 2});
MODEL(trim_refused, .what = "a trim that the system refuses", .setup = make_flushed,
      .threads = {trimmer_refused, getter}, .check = say, .outcomes = "dead alive",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- growth ---- */

static void grow(uint32_t first_number) {
    /* Three slots are in the first chunk. */
    struct thing *things[4];
    for (uint32_t i = 0; i < 4; i++)
        things[i] = thing_new(first_number + i);
    for (uint32_t i = 0; i < 4; i++)
        wr_release(things[i]);
}

static void grower(void) {
    grow(0);
}

static void grower_too(void) {
    grow(4);
}

static void grower_of_another_class(void) {
    void *box = wr_new_flex(&thing_type, 64);
    model_write(&((struct thing *)box)->number, 9);
    (void)box;
}

static void trim_only(void) {
    (void)wr_trim();
}

static void say_slots(void) {
    things_all_dead();
    model_outcome("%u", things_all_slots_back());
}

MODEL(trim_grow, .what = "a trim while another class grows", .threads = {grower_of_another_class, trim_only},
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(grow_twice, .what = "two threads grow the range, and return their slots",
      .threads = {grower, grower_too}, .check = say_slots, .outcomes = "2 3", .quick = {3, 1}, .deep = {5, 2},
      .exits = true);

/* ---- slots that go by the depot ---- */

static struct thing *b;
static uint64_t passed;

static void maker(void) {
    struct thing *thing = thing_new(1);
    wr_store_release(&passed, (uint64_t)(uintptr_t)thing);
}

static void taker(void) {
    b = (struct thing *)(uintptr_t)wr_load_acquire(&passed);
    if (b != NULL) {
        thing_use(b, 1);
        wr_release(b);
    }
    b = thing_new(2);
    thing_use(b, 2);
    wr_release(b);
}

static void taker_too(void) {
    struct thing *thing = thing_new(3);
    thing_use(thing, 3);
    wr_release(thing);
}

static void say_depot(void) {
    if (thing_deaths(1) == 0)
        wr_release((void *)(uintptr_t)wr_load_acquire(&passed));
    things_all_dead();
    model_outcome("%u", things_all_slots_back());
}

MODEL(depot, .what = "slots go by the depot from threads that end to others",
      .threads = {maker, taker, taker_too}, .check = say_depot, .outcomes = "1 2 3", .quick = {2, 1},
      .deep = {4, 2}, .exits = true);
