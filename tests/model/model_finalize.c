/* SPDX-License-Identifier: MIT */
/* Finalize and resurrection against look-ups. Whoever releases the last reference runs finalize. */
#include "things.h"

static struct thing *a;
static struct thing *kept[MODEL_THREADS + 1]; /* by a finalize that ran on this thread */
static wr_weak weak_a;
static unsigned begun, ended;
static bool alive[MODEL_THREADS];

static void make(void) {
    struct thing *before = thing_new(0);
    (void)wr_weak_of(before);
    wr_release(before);
    a = thing_new_finalized(1);
    weak_a = wr_weak_of(a);
}

/* It writes what those who have a reference read. */
static void finalize(struct thing *thing) {
    model_check(++begun == 1);
    thing_use(thing, 1);
    model_write(&thing->number, 1);
    model_check(wr_weak_get(weak_a) == NULL); /* S25 */
    model_check(!wr_weak_is_dead(weak_a));
    ended++;
}

static void finalize_and_keep(struct thing *thing) {
    finalize(thing);
    kept[model_thread() + 1] = wr_retain(thing);
}

static void give_up_kept(void) {
    struct thing *thing = kept[model_thread() + 1];
    kept[model_thread() + 1] = NULL;
    if (thing != NULL) {
        thing_use(thing, 1);
        wr_release(thing);
    }
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
    give_up_kept();
}

static void getter(void) {
    struct thing *thing = wr_weak_get(weak_a);
    if (thing != NULL) {
        model_check(begun == ended);
        alive[model_thread()] = true;
        thing_use(thing, 1);
        wr_release(thing);
        give_up_kept();
    }
}

static void getter_twice(void) {
    getter();
    getter();
}

static void say(void) {
    death_of_orphans();
    give_up_kept();
    things_all_dead();
    model_check(begun == 1 && ended == 1);
    model_outcome("%d%d", alive[1], alive[2]);
}

static void make_plain(void) {
    thing_finalize = finalize;
    make();
}

static void make_kept(void) {
    thing_finalize = finalize_and_keep;
    make();
}

MODEL(finalize_get, .what = "finalize against a get", .setup = make_plain, .threads = {owner, getter},
      .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalize_get_2, .what = "against two gets", .setup = make_plain, .threads = {owner, getter, getter},
      .check = say, .outcomes = "00 10 01 11", .quick = {3, 1}, .deep = {5, 2});
MODEL(resurrect_get, .what = "a finalize that keeps a reference, against a get", .setup = make_kept,
      .threads = {owner, getter}, .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(resurrect_get_again, .what = "against gets before and after", .setup = make_kept,
      .threads = {owner, getter_twice}, .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(resurrect_get_2, .what = "against two gets", .setup = make_kept, .threads = {owner, getter, getter},
      .check = say, .outcomes = "00 10 01 11", .quick = {3, 1}, .deep = {5, 2});

/* ---- an object that gets its first weak value inside finalize ---- */

static uint64_t shown;

static void finalize_and_show(struct thing *thing) {
    begun++;
    weak_show(&shown, wr_weak_of(thing));
    thing_use(thing, 1);
    ended++;
}

static void make_never_weak(void) {
    thing_finalize = finalize_and_show;
    a = thing_new_finalized(1);
    (void)wr_retain(a);
}

static void holder(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void holder_of_both(void) {
    wr_release(a);
    holder();
}

static void getter_of_shown(void) {
    struct thing *thing = wr_weak_get(weak_see(&shown));
    if (thing != NULL) { /* a look-up in flight counted as a resurrection */
        alive[2] = true;
        thing_use(thing, 1);
        wr_release(thing);
    }
}

MODEL(finalize_mints, .what = "two holders; finalize makes the first weak value; a get",
      .setup = make_never_weak, .threads = {holder, holder, getter_of_shown}, .check = say, .outcomes = "00",
      .quick = {4, 2}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(finalize_mints_get_2, .what = "the same with two gets", .setup = make_never_weak,
      .threads = {holder_of_both, getter_of_shown, getter_of_shown}, .check = say, .outcomes = "00 01",
      .quick = {3, 1}, .deep = {5, 2});

/* ---- a reference that finalize gives to another thread, and that is given up while finalize runs ---- */

static uint64_t handed;

static void finalize_and_hand(struct thing *thing) {
    begun++;
    wr_store_release(&handed, (uint64_t)(uintptr_t)wr_retain(thing));
    ended++;
}

static void make_handed(void) {
    thing_finalize = finalize_and_hand;
    a = thing_new_finalized(1);
}

static void taker(void) {
    struct thing *thing = (struct thing *)(uintptr_t)wr_exchange_acq_rel(&handed, 0);
    if (thing != NULL) {
        alive[1] = true;
        thing_use(thing, 1);
        wr_release(thing);
    }
}

static void say_handed(void) {
    taker();
    say();
}

MODEL(finalize_hands_over, .what = "finalize hands a reference over; destroy sees what its taker wrote",
      .setup = make_handed, .threads = {holder, taker}, .check = say_handed, .outcomes = "10",
      .quick = {UNBOUNDED, UNBOUNDED});
