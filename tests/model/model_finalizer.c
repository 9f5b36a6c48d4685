/* SPDX-License-Identifier: MIT */
/* Finalizer objects: a death, a call, a detach, an exit: one of them has it, and it runs once or never (S46). */
#include "things.h"

#include <errno.h>

static struct thing *a;
static wr_finalizer *f;
static unsigned runs;
static uint32_t ran_here, seen;
static int called = -1, detached = -1;
static bool resurrects;
static struct thing *kept;

static void function(void *arg) {
    model_check(arg == &ran_here);
    model_check(++runs == 1);
    model_write(&ran_here, 1);
    if (model_thread() == 0) /* the owner's: its death comes after this */
        model_check(thing_deaths(1) == 0);
}

static wr_finalizer *new_finalizer(unsigned flags) {
    return wr_finalizer_new(a, function, &ran_here, flags);
}

static void make_bare(void) {
    a = thing_new(1);
}

static void make_flagged(unsigned flags) {
    make_bare();
    f = new_finalizer(flags);
    model_check(f != NULL);
}

static void make(void) {
    make_flagged(0);
}

static void make_for_exit(void) {
    make_flagged(WR_AT_EXIT);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

static void caller(void) {
    called = wr_finalizer_call(f);
    model_check(called == 0 || (called == 1 && model_read(&ran_here) == 1));
    model_check(!wr_finalizer_alive(f));
}

static void detacher(void) {
    detached = wr_finalizer_detach(f);
    model_check(detached == 0 || (detached == 1 && runs == 0));
    model_check(!wr_finalizer_alive(f));
}

/* All is dead; the finalizer's memory goes with its last reference. */
static void end(void) {
    things_all_dead();
    wr_release(f);
    model_check(model_objects_alive() == 0);
}

static void say_called(void) {
    end();
    model_check(runs == 1);
    model_outcome("%s", called == 1 ? "call" : "death");
}

static void say_detached(void) {
    end();
    model_check(runs == (detached == 1 ? 0 : 1));
    model_outcome("%s", detached == 1 ? "never" : "ran");
}

static void say_both(void) {
    end();
    model_check(runs == (detached == 1 ? 0 : 1) && !(detached == 1 && called == 1));
    model_outcome("%s", detached == 1 ? "never" : called == 1 ? "call" : "death");
}

static void say_both_alive(void) {
    model_check(called + detached == 1);
    wr_release(a);
    say_both();
}

MODEL(finalizer_death_call, .what = "a death against a call: it runs once", .setup = make,
      .threads = {owner, caller}, .check = say_called, .outcomes = "call death",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_death_detach, .what = "a death against a detach: it ran, or never runs", .setup = make,
      .threads = {owner, detacher}, .check = say_detached, .outcomes = "ran never",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_call_detach, .what = "a call against a detach: one of them has it", .setup = make,
      .threads = {caller, detacher}, .check = say_both_alive, .outcomes = "call never",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_all_three, .what = "a death, a call and a detach: one of them has it", .setup = make,
      .threads = {owner, caller, detacher}, .check = say_both, .outcomes = "call never death",
      .quick = {3, 2}, .deep = {5, 3});

/* ---- the handle ---- */

static void dropper(void) {
    wr_finalizer *mine = f;
    f = NULL;
    wr_release(mine);
}

static void say_ran(void) {
    end();
    model_check(runs == 1);
    model_outcome("%s", "ran");
}

static void caller_drops(void) {
    caller();
    dropper();
}

MODEL(finalizer_death_drop, .what = "a death against the drop of the handle: it runs, and its memory goes",
      .setup = make, .threads = {owner, dropper}, .check = say_ran, .outcomes = "ran",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_death_call_drop, .what = "the same after a call", .setup = make,
      .threads = {owner, caller_drops}, .check = say_called, .outcomes = "call death",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- kill and clear, which take the list off and put the finalizers back ---- */

static void killer(void) {
    model_check(wr_kill(a) == 1);
    model_check(thing_deaths(1) == 0);
    owner();
}

static void clearer(void) {
    model_check(wr_weakref_clear(a) == 0);
    owner();
}

static void killer_of_new(void) {
    model_check(wr_kill(a) == 1);
    model_check(runs == 0);
    owner();
}

static void clearer_of_new(void) {
    model_check(wr_weakref_clear(a) == 0);
    model_check(runs == 0);
    owner();
}

static void maker(void) {
    f = new_finalizer(0);
    if (f == NULL)
        model_check(errno == ESTALE);
    model_check(runs == 0); /* the maker holds the object */
    owner();
}

static void make_bare_two_holders(void) {
    make_bare();
    (void)wr_retain(a);
}

static void say_made(void) {
    bool made = f != NULL;
    end();
    model_check(runs == made);
    model_outcome("%s", made ? "ran" : "stale");
}

MODEL(finalizer_new_kill, .what = "making one against a kill: it runs at the death, or ESTALE",
      .setup = make_bare_two_holders, .threads = {maker, killer_of_new}, .check = say_made,
      .outcomes = "ran stale", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_new_clear, .what = "making one against a clear: it runs at the death",
      .setup = make_bare_two_holders, .threads = {maker, clearer_of_new}, .check = say_made,
      .outcomes = "ran", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_kill_call, .what = "a kill, and the death after it, against a call", .setup = make,
      .threads = {killer, caller}, .check = say_called, .outcomes = "call death",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_clear_detach, .what = "a clear, and the death after it, against a detach", .setup = make,
      .threads = {clearer, detacher}, .check = say_detached, .outcomes = "ran never",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- peek ---- */

static void peeker(void) {
    void *arg = NULL;
    struct thing *thing = wr_finalizer_peek(f, NULL, &arg);
    if (thing == NULL)
        return;
    model_check(thing == a && arg == &ran_here && runs == 0);
    seen = 1;
    thing_use(thing, 1);
    wr_release(thing);
}

static void say_peeked(void) {
    end();
    model_check(runs == 1);
    model_outcome("%s", seen ? "alive" : "dead");
}

/* A finalize that keeps its object until the end of the run. */
static void finalize(struct thing *thing) {
    model_check(runs == 0);
    model_write(&thing->number, 1);
    if (resurrects)
        kept = wr_retain(thing);
}

static void make_finalized(void) {
    thing_finalize = finalize;
    a = thing_new_finalized(1);
    f = new_finalizer(0);
    model_check(f != NULL);
}

static void make_resurrected(void) {
    resurrects = true;
    make_finalized();
}

static void say_kept(void) {
    death_of_orphans(); /* who let go last may have been the peeker */
    model_check(kept != NULL && runs == 0 && wr_finalizer_alive(f));
    wr_release(kept);
    say_peeked();
}

MODEL(finalizer_peek, .what = "a peek against a death: the object, held, or nothing", .setup = make,
      .threads = {owner, peeker}, .check = say_peeked, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_peek_finalize, .what = "a peek against a finalize, which nobody may see",
      .setup = make_finalized, .threads = {owner, peeker}, .check = say_peeked, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_peek_kept,
      .what = "the same, and finalize keeps the object: no finalizer runs before its death",
      .setup = make_resurrected, .threads = {owner, peeker}, .check = say_kept, .outcomes = "alive dead",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- exit ---- */

static void exiter(void) {
    wr_run_exit_finalizers();
}

static void exiter_sees(void) {
    exiter();
    detacher(); /* what the exit did not run, the death has */
    model_check(detached == 0);
}

static void say_exit_call(void) {
    wr_release(a);
    say_called();
}

static void say_exit_detach(void) {
    wr_release(a);
    say_detached();
}

MODEL(finalizer_exit_death, .what = "the exit against a death: it runs once", .setup = make_for_exit,
      .threads = {owner, exiter_sees}, .check = say_ran, .outcomes = "ran", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_exit_drop, .what = "the exit against a call and the drop of the handle: it runs once",
      .setup = make_for_exit, .threads = {exiter, caller_drops}, .check = say_exit_call,
      .outcomes = "call death", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_exit_detach, .what = "the exit against a detach: it ran, or never runs",
      .setup = make_for_exit, .threads = {exiter, detacher}, .check = say_exit_detach,
      .outcomes = "ran never", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(finalizer_two_exits, .what = "two exits and a death: it runs once", .setup = make_for_exit,
      .threads = {owner, exiter, exiter}, .check = say_ran, .outcomes = "ran", .quick = {3, 2},
      .deep = {5, 3});
