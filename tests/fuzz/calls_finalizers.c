/* SPDX-License-Identifier: MIT */
/* Calls on finalizers. */
#include <errno.h>

#include "fuzz.h"

static const struct traits finalizer_traits = {"finalizer", .no_weakref = true};

static void finalizes(void *arg) {
    begin_event(FINALIZER_RUN, arg);
    EXPECT(wr_finalizer_alive(((struct thing *)arg)->real), false);
    end_event();
}

void call_finalizer_new(void) {
    settle();
    struct thing *referent = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    struct thing *thing = referent != NULL ? thing_new(FINALIZER, &finalizer_traits) : NULL;
    if (thing == NULL)
        return;
    int refused = thing_refusal(referent);
    begin_call(false, "#%u = wr_finalizer_new(#%u)%s", thing->number, referent->number,
               refused ? ": refused" : "");
    if (refused == ESTALE || (refused == 0 && referent->annexed))
        oracle_wait_annex(); /* made in vain */
    if (refused != 0) {
        thing->held = thing->count = 0;
        thing->alive = false;
        thing->ended = true;
    } else {
        thing->count = 2; /* one is the object's */
        thing->state = ARMED;
        entry_add(thing, referent);
        referent->annexed = true;
    }
    hide(referent);
    hide(thing);
    thing->real = wr_finalizer_new(referent->real, finalizes, thing, 0);
    EXPECT(thing->real == NULL ? errno : 0, refused);
    show(thing);
    show(referent);
    end_call();
}

void call_finalizer_take(void) {
    settle();
    struct thing *thing = pick(ANY_OF(FINALIZER));
    bool run = take_below(2);
    if (thing == NULL)
        return;
    bool ours = thing->state == ARMED;
    begin_call(true, "wr_finalizer_%s(#%u): %d", run ? "call" : "detach", thing->number, ours);
    pin(thing);
    if (ours) {
        entry_remove(thing);
        if (run) {
            oracle_push_calling(thing, false);
        } else {
            thing->state = IDLE;
            thing_release(thing);
        }
    }
    EXPECT((run ? wr_finalizer_call : wr_finalizer_detach)(thing->real), ours);
    unpin(thing);
    end_call();
}

void call_finalizer_peek(void) {
    struct thing *thing = pick(ANY_OF(FINALIZER));
    if (thing == NULL)
        return;
    struct thing *referent = thing->referent;
    bool alive = thing->state == ARMED, gives = alive && referent->alive && !referent->finalizing;
    begin_call(false, "wr_finalizer_peek(#%u): %s", thing->number, gives ? "alive" : "NULL");
    void *arg = NULL;
    EXPECT(wr_finalizer_alive(thing->real), alive);
    EXPECT(wr_finalizer_peek(thing->real, NULL, &arg), gives ? referent->real : NULL);
    EXPECT(arg, gives ? thing : NULL);
    if (gives) {
        referent->held++;
        referent->count++;
    }
    end_call();
}
