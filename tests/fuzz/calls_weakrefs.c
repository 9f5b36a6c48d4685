/* SPDX-License-Identifier: MIT */
/* Calls on weakref objects and proxies. The argument of each callback is its thing. */
#include <errno.h>

#include "fuzz.h"

static const struct traits ref_traits = {"weakref", .no_weakref = true};
static const struct traits derived_traits = {"derived", .no_weakref = true, .destroy = true};

static void runs(wr_weakref *ref, void *arg) {
    struct thing *thing = arg;
    begin_event(CALLBACK, thing);
    EXPECT(ref, thing->real);
    EXPECT(wr_weakref_is_dead(ref), 1);
    EXPECT(wr_weakref_callback(ref) == NULL, true);
    end_event();
}

static void arg_destroyed(void *arg) {
    begin_event(ARG_DESTROY, arg);
    end_event();
}

static void derived_destroy(void *self) {
    struct thing *thing = *(struct thing **)wr_weakref_extra(self);
    begin_event(DESTROY, thing);
    if (thing->child != NULL)
        release_owned(thing->child);
    end_event();
}

static const wr_type derived_type = {.abi = WR_TYPE_ABI,
                                     .name = "derived",
                                     .size = sizeof(struct thing *),
                                     .base = &wr_weakref_type,
                                     .destroy = derived_destroy};

/* ---- made ---- */

enum { WITH_CALLBACK = 1, WITH_ARG = 2, WITH_QUEUE = 4, WITH_TYPE = 8, WITH_PROXY = 16, WITH_OWNED = 32 };

/* Make one that is not shared, with what the model was told. */
static void make(struct thing *thing, struct thing *referent, int refused) {
    wr_weakref_options options = WR_WEAKREF_OPTIONS_INIT;
    options.callback = thing->state == ARMED ? runs : NULL;
    options.arg = thing;
    options.arg_destroy = thing->arg ? arg_destroyed : NULL;
    options.queue = thing->delivery ? thing->delivery->real : NULL;
    options.type = thing->derived ? &derived_type : NULL;
    options.flags = thing->proxy ? WR_PROXY : 0;
    hide(thing);
    hide(referent);
    if (thing->delivery != NULL)
        pin(thing->delivery);
    thing->real = wr_weakref_new_ex(referent->real, &options);
    EXPECT(thing->real == NULL ? errno : 0, refused);
    if (thing->delivery != NULL)
        unpin(thing->delivery);
    show(referent);
    show(thing);
    if (refused == 0 && thing->derived)
        *(struct thing **)wr_weakref_extra(thing->real) = thing;
}

static void share(struct thing *thing, struct thing *referent, bool proxy, int refused) {
    hide(referent);
    hide(thing);
    void *real = (proxy ? wr_proxy_new : wr_weakref_new)(referent->real, NULL, NULL);
    EXPECT(real == NULL ? errno : 0, refused);
    if (thing->real == NULL)
        thing->real = real;
    EXPECT(real, thing->real);
    show(thing);
    show(referent);
}

void call_weakref_new(void) {
    settle();
    struct thing *referent = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    unsigned with = take();
    struct thing *queue = with & WITH_QUEUE ? pick_queue() : NULL;
    if (referent == NULL)
        return;
    bool proxy = with & WITH_PROXY, derived = (with & WITH_TYPE) && !proxy;
    bool shared = !(with & (WITH_CALLBACK | WITH_ARG)) && queue == NULL && !derived;
    int refused = thing_refusal(referent);
    struct thing *thing = refused == 0 && shared ? referent->shared[proxy] : NULL;
    if (thing != NULL && thing->alive) { /* S1, S2 */
        thing->held++;
        thing->count++;
        begin_call(false, "wr_%s_new(#%u): #%u again", proxy ? "proxy" : "weakref", referent->number,
                   thing->number);
        share(thing, referent, proxy, 0);
        end_call();
        return;
    }
    struct thing *owned = derived && (with & WITH_OWNED) ? pick_held(ANY_OF(OBJECT) | ANY_OF(REF)) : NULL;
    if (owned != NULL && refused == 0)
        owned->held--;
    thing = thing_new(REF, derived ? &derived_traits : &ref_traits);
    if (thing == NULL) {
        if (owned != NULL && refused == 0)
            owned->held++;
        return;
    }
    thing->proxy = proxy;
    thing->derived = derived;
    thing->is_shared = shared;
    thing->state = with & WITH_CALLBACK ? ARMED : IDLE;
    thing->arg = with & WITH_ARG;
    thing->delivery = queue;
    begin_call(false, "#%u = wr_%s_new(#%u%s%s%s%s)%s", thing->number, proxy ? "proxy" : "weakref",
               referent->number, with & WITH_CALLBACK ? ", callback" : "",
               with & WITH_ARG ? ", arg_destroy" : "", queue ? ", queue" : "",
               derived ? owned ? ", derived, owning" : ", derived" : "", refused ? ": refused" : "");
    if (refused != 0) {
        thing->held = thing->count = 0;
        thing->alive = false;
        thing->ended = true;
    } else {
        entry_add(thing, referent);
        thing->child = owned;
    }
    if (shared)
        share(thing, referent, proxy, refused);
    else
        make(thing, referent, refused);
    thing->arg = thing->arg && refused == 0;
    thing->state = refused == 0 ? thing->state : IDLE;
    end_call();
}

/* ---- looked at ---- */

void call_weakref_get(void) {
    struct thing *ref = pick(ANY_OF(REF));
    if (ref == NULL)
        return;
    bool gets = value_gets(ref->referent, ref->referent_epoch);
    begin_call(false, "wr_weakref_get(#%u): %d", ref->number, gets);
    void *obj = NULL;
    EXPECT(wr_weakref_get(ref->real, &obj), gets);
    EXPECT(obj, gets ? ref->referent->real : NULL);
    if (gets) {
        ref->referent->held++;
        ref->referent->count++;
    }
    end_call();
}

void call_weakref_look(void) {
    struct thing *ref = pick(ANY_OF(REF));
    if (ref == NULL)
        return;
    bool dead = value_dead(ref->referent, ref->referent_epoch);
    begin_call(false, "wr_weakref_is_dead(#%u): %d", ref->number, dead);
    EXPECT(wr_weakref_is_dead(ref->real), dead);
    EXPECT(wr_weakref_callback(ref->real) == (!dead && ref->state == ARMED ? runs : NULL), true);
    EXPECT(wr_weakref_extra(ref->real) != NULL, ref->derived);
    struct thing *referent = ref->referent;
    wr_weak weak = wr_weakref_value(ref->real);
    EXPECT(wr_weak_is_dead(weak), dead);
    if (!dead && referent->bits != 0 && referent->bits_epoch == referent->epoch)
        EXPECT(weak.bits, referent->bits);
    end_call();
}

void call_weakref_list(void) {
    struct thing *obj = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    unsigned cap = take_below(6);
    if (obj == NULL)
        return;
    const struct thing *expected[MAX_THINGS + 2];
    unsigned count = 0;
    for (int i = 0; i < 2; i++)
        if (obj->shared[i] != NULL && obj->shared[i]->alive)
            expected[count++] = obj->shared[i];
    for (unsigned i = obj->entry_count; i-- > 0;)
        if (obj->entries[i]->kind == REF && obj->entries[i]->alive)
            expected[count++] = obj->entries[i];
    begin_call(false, "wr_weakref_list(#%u, %u): %u", obj->number, cap, count);
    wr_weakref *list[6] = {NULL};
    EXPECT(wr_weakref_count(obj->real), count);
    EXPECT(wr_weakref_list(obj->real, list, cap), count);
    for (unsigned i = 0; i < cap && i < count; i++) {
        EXPECT(list[i], expected[i]->real);
        EXPECT(wr_refcount(list[i]), expected[i]->count + 1);
        wr_release(list[i]);
    }
    end_call();
}

/* ---- cancelled ---- */

void call_cancel(void) {
    struct thing *ref = pick(ANY_OF(REF));
    if (ref == NULL)
        return;
    bool waits = ref->state == ARMED || ref->state == QUEUED;
    begin_call(true, "wr_weakref_cancel(#%u): %d", ref->number, waits);
    if (waits)
        oracle_push_cancelled(ref);
    pin(ref);
    EXPECT(wr_weakref_cancel(ref->real), waits);
    unpin(ref);
    end_call();
}
