/* SPDX-License-Identifier: MIT */
/* What the scenarios of weakref objects share: callbacks that say when they ran. */
#ifndef STRESS_WEAKREFS_H
#define STRESS_WEAKREFS_H

#include "item.h"

/* What became of one callback. Plain, so that a missing order is a race: read after a cancel, or after the round. */
struct note {
    unsigned ran, freed;
    wr_weak weak; /* of its item */
};

/* What a weakref of a type of its own has. */
struct note_state {
    struct note *note;
};
static const wr_type note_ref_type = {
    .abi = WR_TYPE_ABI, .name = "noted ref", .size = sizeof(struct note_state), .base = &wr_weakref_type};

static inline void note_ran(wr_weakref *ref, void *arg) {
    struct note *note = arg;
    if (wr_weakref_is_dead(ref) != 1 || wr_weakref_callback(ref) != NULL)
        violation("a callback was called before its weakref was dead");
    const struct note_state *state = wr_weakref_extra(ref);
    if (wr_weakref_check_proxy(ref) != (state == NULL) || (state != NULL && state->note != note))
        violation("a weakref has not the state it was given");
    item_check_dead(note->weak);
    perturb_holding(); /* who cancels waits */
    if (note->ran++ != 0 || note->freed != 0)
        violation("a callback ran twice, or after its argument was destroyed");
}

static inline void note_freed(void *arg) {
    struct note *note = arg;
    if (note->freed++ != 0)
        violation("the argument of a callback was destroyed twice");
}

/* Make a weakref whose callback and argument destructor write to `note`. */
static inline wr_weakref *note_ref(struct item *item, struct note *note, unsigned flags) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    *note = (struct note){.weak = wr_weak_from_u64(item->self)};
    o.callback = note_ran;
    o.arg = note;
    o.arg_destroy = note_freed;
    o.flags = flags;
    o.type = flags == 0 ? &note_ref_type : NULL;
    wr_weakref *ref = wr_weakref_new_ex(item, &o);
    if (ref == NULL)
        violation("no weakref to a live object");
    struct note_state *state = wr_weakref_extra(ref);
    if (state != NULL)
        state->note = note;
    return ref;
}

/* Check, when all is over, that the callback ran or was cancelled, and never both. `dropped`: nobody cancelled it. */
static inline void note_check(const struct note *note, unsigned cancelled, bool dropped) {
    if (note->freed != 1)
        violation("the argument of a callback was destroyed %u times", note->freed);
    if (note->ran + cancelled != 1 && !(dropped && note->ran == 0))
        violation("a callback ran %u times, and was cancelled %u times", note->ran, cancelled);
}

#endif /* STRESS_WEAKREFS_H */
