/* SPDX-License-Identifier: MIT */
/* Calls that kill, and learn of the end. */
#include <errno.h>

#include "fuzz.h"

static const struct traits notice_traits = {"notice", .no_weakref = true};

static void told(void *arg) {
    begin_event(TOLD, arg);
    end_event();
}

void call_kill_notify(void) {
    settle();
    struct thing *thing = pick_held(ANY_OF(OBJECT) | ANY_OF(REF));
    struct thing *queue = take_below(3) == 0 ? pick_queue() : NULL;
    if (thing == NULL || thing->notice_count == sizeof thing->notices / sizeof *thing->notices)
        return;
    struct thing *notice = thing_new(NOTICE, &notice_traits);
    if (notice == NULL)
        return;
    int refused = thing_refusal(thing) == ENOTSUP ? -ENOTSUP : 0;
    begin_call(false, "wr_kill_notify(#%u, %s): #%u, %d", thing->number, queue ? "queue" : "NULL",
               notice->number, refused);
    notice->held = 0;
    notice->ended = refused != 0;
    if (refused == 0) {
        notice->delivery = queue;
        thing->notices[thing->notice_count++] = notice;
        thing->registered = true;
        thing->held--;
        oracle_push_releases(&thing, 1);
        (void)thing_cut(thing, true, false);
    }
    EXPECT(wr_kill_notify(thing->real, told, notice, queue ? queue->real : NULL), refused);
    end_call();
}

/* Wait for an end, with no time to do so: what waits on this thread runs, whoever else holds it is not waited for. */
static void wait_for(struct thing *thing, int *expected) {
    *expected = 0;
    if (thing_refusal(thing) == ENOTSUP)
        *expected = -ENOTSUP;
    else if (!thing->alive || borrowed_here(thing) || oracle_inside(thing) ||
             (thing->bound != NULL && runs_here(thing->bound)))
        *expected = -EDEADLK;
    if (*expected != 0)
        return;
    thing->registered = true;
    oracle_push_wait(thing, expected);
    (void)thing_cut(thing, true, false);
}

void call_kill_wait(void) {
    settle();
    struct thing *thing = pick_held(ANY_OF(OBJECT) | ANY_OF(REF));
    if (thing == NULL)
        return;
    begin_call(false, "wr_kill_wait(#%u, 0)", thing->number);
    int expected;
    wait_for(thing, &expected);
    thing->held -= expected == 0;
    int result = wr_kill_wait(thing->real, 0);
    end_call();
    EXPECT(result, expected);
}

bool killing_all;

static bool is_left(const struct thing *thing) {
    return thing->kind == OBJECT && thing->traits == listed && !thing->ended;
}

/* Several, of which all stay: others hold them, or wait for queues with their ends. */
static void kill_several(unsigned left) {
    bool borrowed = false, others = false;
    begin_call(false, "wr_kill_all(listed, 0), %u left", left);
    for (unsigned i = 0; i < thing_count; i++)
        if (is_left(&things[i])) {
            *(things[i].alive && borrowed_here(&things[i]) ? &borrowed : &others) = true;
            things[i].registered |= things[i].alive;
            (void)thing_cut(&things[i], true, false);
        }
    int result = wr_kill_all(listed_type, 0);
    end_call();
    EXPECT((result == -EDEADLK && borrowed) || (result == -ETIMEDOUT && others), true);
}

/* Of several the order is not said; and user code that the kill runs might change what is waited for. */
void call_kill_all(void) {
    settle();
    struct thing *only = NULL;
    unsigned left = 0;
    bool quiet = true;
    for (unsigned i = 0; i < thing_count; i++)
        if (is_left(&things[i])) {
            only = &things[i];
            left++;
            quiet &= things[i].entry_count == 0;
        }
    if (left > 1 && quiet && !oracle_busy())
        kill_several(left);
    if (killing_all || left > 1 || (left == 1 && (!only->alive || only->entry_count > 0)))
        return;
    begin_call(false, "wr_kill_all(listed, 0), %u left", left);
    killing_all = true;
    int expected = 0;
    if (left == 1) {
        only->count++;
        wait_for(only, &expected);
        if (expected == -EDEADLK) {
            only->count--;
            (void)thing_cut(only, true, false);
        }
    }
    int result = wr_kill_all(listed_type, 0);
    end_call();
    killing_all = false;
    EXPECT(result, expected);
}
