/* SPDX-License-Identifier: MIT */
/* Weakref objects and their callbacks: registration, death, kill and clear, cancel. */
#include "things.h"

#include <errno.h>

#include "weakref.h"

static struct thing *a;
static wr_weakref *ref, *other;
static unsigned calls[2], arg_deaths;
static uint32_t in_callback;
static int result;
static uint64_t shown;
static bool alive;

static void callback(wr_weakref *called, void *arg) {
    model_check(wr_weakref_is_dead(called) == 1); /* S10 */
    void *obj;
    model_check(wr_weakref_get(called, &obj) == 0);
    model_write(&in_callback, 1);
    calls[arg != NULL]++;
}

static void arg_destroyed(void *arg) {
    (void)arg;
    arg_deaths++;
}

static wr_weakref *make_ref(void *obj) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg_destroy = arg_destroyed;
    return wr_weakref_new_ex(obj, &o);
}

static void make_object(void) {
    a = thing_new(1);
    (void)wr_retain(a);
}

static void make_with_ref(void) {
    a = thing_new(1);
    ref = make_ref(a);
    model_check(ref != NULL);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

/* ---- against death ---- */

static void dropper(void) {
    wr_release(ref);
}

static void canceller(void) {
    result = wr_weakref_cancel(ref);
    if (result == 1)
        model_check(calls[0] == 0);
    else if (calls[0] != 0) /* it is over, and what it did is seen */
        model_check(model_read(&in_callback) == 1);
    unsigned before = calls[0];
    wr_release(ref);
    result += before != calls[0] ? 100 : 0;
}

static void say_calls(void) {
    things_all_dead();
    model_check(calls[0] <= 1 && arg_deaths == 1);
    model_outcome("%s%d", calls[0] ? "called" : "not", result);
}

MODEL(reg_death_drop,
      .what = "a death against the drop of the weakref: called or cancelled, and its argument ends once",
      .setup = make_with_ref, .threads = {owner, dropper}, .check = say_calls, .outcomes = "called0 not0",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_death_cancel, .what = "a death against a cancel: 1 and never called, or 0 and over",
      .setup = make_with_ref, .threads = {owner, canceller}, .check = say_calls, .outcomes = "called0 not1",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- making one against kill and clear ---- */

/* With WR_REG in the word already. */
static void make_cleared(void) {
    make_object();
    wr_release(wr_weakref_new(a, NULL, NULL));
}

static void maker(void) {
    ref = make_ref(a);
    if (ref == NULL)
        model_check(errno == ESTALE);
    owner();
}

static void killer(void) {
    result = wr_kill(a);
    owner();
}

static void clearer(void) {
    model_check(wr_weakref_clear(a) == 0);
    owner();
}

static void say_made(void) {
    bool made = ref != NULL;
    things_all_dead();
    model_check(calls[0] == made && arg_deaths == made);
    if (made)
        model_check(wr_weakref_is_dead(ref) == 1 && wr_weakref_callback(ref) == NULL);
    wr_release(ref);
    model_outcome("%s", made ? "called" : "stale");
}

static void killer_of_ref(void) {
    int won = wr_kill(a);
    model_check(won == 0 || calls[0] == 1);             /* it fired before it returned */
    __atomic_fetch_add(&result, won, __ATOMIC_RELAXED); /* the checker runs one thread at a time */
    owner();
}

static void make_two_killers(void) {
    make_with_ref();
    (void)wr_retain(a);
}

static void say_killed(void) {
    model_check(result == 1);
    say_made();
}

static void maker_after_clear(void) {
    model_check(wr_weakref_clear(a) == 0);
    maker();
}

MODEL(reg_clear_new_clear, .what = "a weakref made after a clear of its own thread, against another clear",
      .setup = make_cleared, .threads = {maker_after_clear, clearer}, .check = say_made, .outcomes = "called",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_new_kill, .what = "making a weakref against a kill: called once, or ESTALE", .setup = make_object,
      .threads = {maker, killer}, .check = say_made, .outcomes = "called stale",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_new_clear, .what = "making one against a clear: called once, by the clear or the death",
      .setup = make_object, .threads = {maker, clearer}, .check = say_made, .outcomes = "called",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_new_death, .what = "making one against the drop of the other holder: called once, by who is last",
      .setup = make_object, .threads = {maker, owner}, .check = say_made, .outcomes = "called",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_kill_kill, .what = "two kills of an object with a callback: one fires", .setup = make_two_killers,
      .threads = {killer_of_ref, killer_of_ref}, .check = say_killed, .outcomes = "called",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- shared ones ---- */

static void sharer(void) {
    wr_weakref *mine = wr_weakref_new(a, NULL, NULL);
    model_check(mine != NULL);
    *(model_thread() == 0 ? &ref : &other) = mine;
}

static void sharer_drops(void) {
    sharer();
    wr_release(model_thread() == 0 ? ref : other);
}

static void say_shared(void) {
    model_check(ref == other && wr_weakref_count(a) == 1);
    wr_release(ref);
    wr_release(other);
    model_check(wr_weakref_count(a) == 0);
    wr_release(a);
    wr_release(a);
    things_all_dead();
    model_outcome("%s", "one");
}

static void say_dropped(void) {
    model_check(wr_weakref_count(a) == 0);
    wr_release(a);
    wr_release(a);
    things_all_dead();
    model_outcome("%s", "none");
}

MODEL(reg_share, .what = "two make the shared weakref: it is one", .setup = make_object,
      .threads = {sharer, sharer}, .check = say_shared, .outcomes = "one", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(reg_share_drop, .what = "and drop it: none is left, none is used after its death", .setup = make_object,
      .threads = {sharer_drops, sharer_drops}, .check = say_dropped, .outcomes = "none",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- a weakref is the object's first weak value (rule 9) ---- */

static void maker_shows(void) {
    ref = wr_weakref_new(a, NULL, NULL);
    weak_show(&shown, wr_weakref_value(ref));
    owner();
}

static void getter(void) {
    alive = thing_look(weak_see(&shown), 1);
}

static void say_alive(void) {
    things_all_dead();
    wr_release(ref);
    model_outcome("%s", alive ? "alive" : "dead");
}

MODEL(reg_mint, .what = "the first weakref of an object, the other holder's death alone, a get",
      .setup = make_object, .threads = {maker_shows, owner, getter}, .check = say_alive,
      .outcomes = "alive dead", .quick = {3, 2}, .deep = {5, 3});

/* ---- kill and wait ---- */

static void waiter(void) {
    result = wr_kill_wait(a, -1);
    model_check(result == 0 && thing_deaths(1) == 1);
    (void)model_read(&in_callback);
    (void)model_read(thing_1_destroyed());
}

static void owner_writes(void) {
    model_write(&in_callback, 1);
    owner();
}

static void waiter_timed(void) {
    result = wr_kill_wait(a, 1);
    model_check(result == -ETIMEDOUT || thing_deaths(1) == 1);
}

static void say_waited(void) {
    things_all_dead();
    model_outcome("%s", result == 0 ? "died" : "timeout");
}

MODEL(wait_death, .what = "kill_wait returns after destroy, and sees what was before", .setup = make_object,
      .threads = {waiter, owner_writes}, .check = say_waited, .outcomes = "died",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(wait_timeout, .what = "kill_wait with a timeout leaves no trace", .setup = make_object,
      .threads = {waiter_timed, owner}, .check = say_waited, .outcomes = "died timeout",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- the memory of a weakref that was popped while it died is used again ---- */

static const wr_type blob_type = {.abi = WR_TYPE_ABI, .name = "blob"};

static void dropper_reuses(void) {
    wr_release(ref);
    struct wr_weakref *blob = wr_new_flex(&blob_type, sizeof(struct wr_weakref));
    model_check(blob != NULL);
    model_write(&blob->entry.at, NULL);
}

MODEL(reg_drop_reuse, .what = "a death against the drop of the weakref, whose memory is used again at once",
      .setup = make_with_ref, .threads = {owner, dropper_reuses}, .check = say_calls,
      .outcomes = "called0 not0", .quick = {UNBOUNDED, UNBOUNDED});
