/* SPDX-License-Identifier: MIT */
/* The death without an atomic read-modify-write, of objects that never had a weak value. */
#include "things.h"
#include "weakref.h"

static struct thing *a;
static uint64_t shown;
static wr_weak forged;
static bool alive;

static void make_two_holders(void) {
    a = thing_new(1);
    (void)wr_retain(a);
}

static void say_alive(void) {
    things_all_dead();
    model_outcome("%s", alive ? "alive" : "dead");
}

static void holder(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void holder_mints(void) {
    weak_show(&shown, wr_weak_of(a));
    holder();
}

static void getter(void) {
    alive = thing_look(weak_see(&shown), 1);
}

static void holder_then_new(void) {
    holder();
    struct thing *next = thing_new(2);
    thing_use(next, 2);
    wr_release(next);
}

MODEL(sole_two_holders, .what = "two holders of a never weak object; destroy sees both",
      .setup = make_two_holders, .threads = {holder, holder}, .check = say_alive, .outcomes = "dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(sole_mint, .what = "one holder makes a weak value, the other may be about to die alone",
      .setup = make_two_holders, .threads = {holder_mints, holder, getter}, .check = say_alive,
      .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(sole_mint_reuse, .what = "the same, and the slot is used again", .setup = make_two_holders,
      .threads = {holder_mints, holder_then_new, getter}, .check = say_alive, .outcomes = "alive dead",
      .quick = {4, 2}, .deep = {UNBOUNDED, UNBOUNDED});

/* ---- the same in a slot that had weak values: closed by one compare-and-exchange ---- */

static uint32_t written;

static void make_minted_slot(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
}

static void make_two_holders_minted(void) {
    make_minted_slot();
    make_two_holders();
    model_check(wr_load_relaxed(&wr_slot_of(a)->below) == 2);
}

static void holder_writes(void) {
    model_write(&written, 1);
    holder();
}

static void watcher(void) {
    wr_weak weak = weak_see(&shown);
    if (!wr_weak_is_null(weak) && wr_weak_is_dead(weak)) {
        alive = model_read(&written) == 1;
        model_check(wr_weak_get(weak) == NULL);
    }
}

MODEL(lone_two_holders, .what = "two holders in a minted slot; destroy sees both",
      .setup = make_two_holders_minted, .threads = {holder, holder}, .check = say_alive, .outcomes = "dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(lone_mint, .what = "one makes a weak value, the other may be about to close a lone holder's object",
      .setup = make_two_holders_minted, .threads = {holder_mints, holder, getter}, .check = say_alive,
      .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(lone_mint_reuse, .what = "the same, and the slot is used again", .setup = make_two_holders_minted,
      .threads = {holder_mints, holder_then_new, getter}, .check = say_alive, .outcomes = "alive dead",
      .quick = {4, 2}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(lone_dead_is_seen, .what = "who sees it dead sees what was written before the last release",
      .setup = make_two_holders_minted, .threads = {holder_mints, holder_writes, watcher}, .check = say_alive,
      .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- weak values that nobody made, or that come from nowhere ---- */

static void make_room(void) {
    /* The range has grown, and the next slot to be used had an object that never was weak. */
    struct thing *first = thing_new(0);
    wr_release(first);
    things_flush();
    forged = thing_forge(first, 1);
}

static void owner_never_weak(void) {
    struct thing *x = thing_new(1);
    wr_release(x);
    x = thing_new(1);
    wr_release(x);
}

static void owner_weak_at_last(void) {
    struct thing *x = thing_new(1);
    wr_release(x);
    x = thing_new(2);
    (void)wr_weak_of(x);
    wr_release(x);
}

static void forger(void) {
    struct thing *thing = wr_weak_get(forged);
    if (thing != NULL) {
        alive = true;
        thing_use(thing, 2);
        wr_release(thing);
    }
}

static void forger_of_nothing(void) {
    model_check(wr_weak_get(forged) == NULL);
    model_check(wr_weak_is_dead(forged));
}

MODEL(forged_never_weak, .what = "a made-up value never touches objects that have no weak value",
      .setup = make_room, .threads = {owner_never_weak, forger_of_nothing}, .check = say_alive,
      .outcomes = "dead", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(forged_against_sole_death, .what = "a made-up value does not meet a store-only death",
      .setup = make_room, .threads = {owner_weak_at_last, forger}, .check = say_alive,
      .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});

/* The same for a weakref, whose word is open to others without a weak value of it. */
static const wr_type plain_type = {.abi = WR_TYPE_ABI, .name = "plain", .size = sizeof(struct wr_weakref)};

static void make_room_for_a_weakref(void) {
    a = thing_new(1);
    (void)wr_weak_of(a);
    void *first = wr_new(&plain_type);
    forged = thing_forge(first, 1);
    wr_release(first);
    things_flush();
}

static void owner_weakref_at_last(void) {
    wr_release(wr_new(&plain_type));
    wr_release(wr_weakref_new(a, NULL, NULL));
    wr_release(a);
}

static void forger_of_weakref(void) {
    void *obj = wr_weak_get(forged);
    if (obj != NULL) {
        alive = true;
        wr_release(obj);
    }
}

MODEL(forged_against_weakref, .what = "a made-up value against an object never weak, and then a weakref",
      .setup = make_room_for_a_weakref, .threads = {owner_weakref_at_last, forger_of_weakref},
      .check = say_alive, .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});

static void forge_next(void) {
    make_minted_slot();
    struct thing *next = thing_new(0);
    forged = thing_forge(next, 5); /* after this one's tag of 3 */
    wr_release(next);
    things_flush();
}

/* What was made up came by no order: only what wr_new wrote is seen. */
static void forger_of_next(void) {
    void *thing = wr_weak_get(forged);
    if (thing != NULL) {
        alive = true;
        model_check(wr_type_of(thing) == &thing_type);
        wr_release(thing);
    }
}

static void owner_of_next(void) {
    struct thing *x = thing_new(2);
    thing_use(x, 2);
    wr_release(x);
    x = thing_new(3);
    wr_release(x);
}

MODEL(forged_against_lone_death, .what = "a made-up value of a tag to come against lone holders",
      .setup = forge_next, .threads = {owner_of_next, forger_of_next}, .check = say_alive,
      .outcomes = "alive dead", .quick = {UNBOUNDED, UNBOUNDED});

/* The range itself is not there yet when the value is looked up. */
static void forge_first(void) {
    forged = wr_weak_from_u64(UINT64_C(2) << 32 | 1);
}

static void first_user(void) {
    struct thing *x = thing_new(2);
    (void)wr_weak_of(x);
    wr_release(x);
}

static void checker_of_bits(void) {
    wr_weak out;
    alive = wr_weak_check(forged.bits, &out) == 0;
    model_check(alive == !wr_weak_is_null(out));
}

MODEL(forged_before_growth, .what = "a made-up value against the first growth of the range",
      .setup = forge_first, .threads = {first_user, forger}, .check = say_alive, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(checked_before_growth, .what = "wr_weak_check against the first growth", .setup = forge_first,
      .threads = {first_user, checker_of_bits}, .check = say_alive, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});
