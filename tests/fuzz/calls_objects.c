/* SPDX-License-Identifier: MIT */
/* Calls on objects and weak values. */
#include <errno.h>

#include "fuzz.h"

/* ---- types: the traits are what the model knows of them ---- */

struct body {
    struct thing *thing;
};

static void body_destroy(void *self) {
    struct thing *thing = ((struct body *)self)->thing;
    begin_event(DESTROY, thing);
    EXPECT(wr_refcount(self), 0);
    EXPECT(wr_weak_is_null(wr_weak_of(self)), true);
    if (thing->child != NULL)
        release_owned(thing->child);
    end_event();
}

static void body_finalize(void *self) {
    struct thing *thing = ((struct body *)self)->thing;
    begin_event(FINALIZE, thing);
    EXPECT(wr_refcount(self), thing->count);
    end_event();
}

static int body_hash(const void *self, uint64_t *out) {
    *out = equality_class(((const struct body *)self)->thing);
    return 0;
}

static bool body_equal(const void *a, const void *b) {
    return equality_class(((const struct body *)a)->thing) == equality_class(((const struct body *)b)->thing);
}

static void box_destroy(void *ptr) {
    begin_event(DESTROY, ptr);
    end_event();
}

static wr_queue *queue_of_type; /* what objects of one of the types are bound to at birth */

#define BODY .abi = WR_TYPE_ABI, .size = sizeof(struct body)
static const struct kind_of_object {
    struct traits traits;
    wr_type type;
} kinds[] = {
    {{"probe", .destroy = true}, {BODY, .name = "probe", .destroy = body_destroy}},
    {{"plain", .by_value = true}, {BODY, .name = "plain", .hash = body_hash, .equal = body_equal}},
    {{"final", .finalize = true, .destroy = true},
     {BODY, .name = "final", .finalize = body_finalize, .destroy = body_destroy}},
    {{"borrowable", .borrowable = true, .destroy = true},
     {BODY, .flags = WR_BORROWABLE, .name = "borrowable", .destroy = body_destroy}},
    {{"unreferable", .no_weakref = true, .destroy = true},
     {BODY, .flags = WR_NO_WEAKREF, .name = "unreferable", .destroy = body_destroy}},
    {{"borrowable_final", .borrowable = true, .finalize = true, .destroy = true},
     {BODY, .flags = WR_BORROWABLE, .name = "borrowable_final", .finalize = body_finalize,
      .destroy = body_destroy}},
};
static const struct kind_of_object more_kinds[] = {
    {{"listed", .destroy = true}, {BODY, .flags = WR_LISTED, .name = "listed", .destroy = body_destroy}},
    {{"queued", .destroy = true, .by_value = true},
     {BODY, .name = "queued", .queue = &queue_of_type, .hash = body_hash, .equal = body_equal,
      .destroy = body_destroy}},
};
enum { KINDS = sizeof kinds / sizeof *kinds, MORE_KINDS = sizeof more_kinds / sizeof *more_kinds };
static const struct traits box_traits = {"box", .destroy = true};
const struct traits *const listed = &more_kinds[0].traits;
const wr_type *const listed_type = &more_kinds[0].type;

/* Make an object of a kind (NULL: a box), with `extra` bytes behind its own, bound to a queue if not NULL. */
static void make(const struct kind_of_object *kind, unsigned extra, struct thing *queue) {
    const struct traits *traits = kind == NULL ? &box_traits : &kind->traits;
    struct thing *child =
        kind != NULL && traits->destroy && take_below(2) ? pick_held(ANY_OF(OBJECT) | ANY_OF(REF)) : NULL;
    struct thing *thing = thing_new(OBJECT, traits);
    if (thing == NULL)
        return;
    if (child != NULL) {
        child->held--;
        thing->child = child;
        begin_call(false, "#%u = new(%s), owns #%u", thing->number, traits->name, child->number);
    } else {
        begin_call(false, "#%u = new(%s)", thing->number, traits->name);
    }
    hide(thing);
    queue_of_type = NULL;
    if (queue != NULL) {
        thing->bound = queue;
        thing->annexed = thing->registered = true;
        queue_of_type = queue->real;
    }
    thing->real = kind == NULL ? wr_box_new(thing, box_destroy) : wr_new_flex(&kind->type, extra);
    if (thing->real == NULL)
        fail("no memory");
    if (kind == NULL)
        EXPECT(wr_box_get(thing->real), thing);
    else
        ((struct body *)thing->real)->thing = thing;
    for (unsigned i = 0; i < extra; i++) {
        EXPECT(((unsigned char *)thing->real)[sizeof(struct body) + i], 0);
        ((unsigned char *)thing->real)[sizeof(struct body) + i] = 1;
    }
    if (traits->borrowable) /* borrowers are looked for where there was a weak value: have it so for all */
        (void)wr_weak_of(thing->real);
    show(thing);
    end_call();
}

void call_object_new(void) {
    settle();
    unsigned kind = take_below(KINDS + 1);
    make(kind == KINDS ? NULL : &kinds[kind], 0, NULL);
}

void call_object_new_more(void) {
    settle();
    unsigned kind = take_below(MORE_KINDS);
    if (killing_all && &more_kinds[kind].traits == listed)
        return; /* none may be made meanwhile */
    unsigned extra = 40 * take_below(8);
    struct thing *queue = more_kinds[kind].type.queue != NULL ? pick_queue() : NULL;
    make(&more_kinds[kind], extra, queue);
}

/* ---- counts ---- */

void call_retain(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF) | ANY_OF(FINALIZER));
    if (thing == NULL || !thing->alive)
        return;
    thing->held++;
    thing->count++;
    begin_call(false, "wr_retain(#%u)", thing->number);
    EXPECT(wr_retain(thing->real), thing->real);
    end_call();
}

void release_thing(struct thing *thing) {
    thing->held--;
    release_owned(thing);
}

void release_owned(struct thing *thing) {
    begin_call(false, "wr_release(#%u), %u held", thing->number, thing->count);
    thing_release(thing);
    wr_release(thing->real);
    end_call();
}

void call_release(void) {
    struct thing *thing = pick_held(ANY_OF(OBJECT) | ANY_OF(REF) | ANY_OF(FINALIZER));
    if (thing != NULL)
        release_thing(thing);
}

/* ---- weak values ---- */

struct value values[VALUES];

void value_keep(wr_weak weak, struct thing *thing) {
    static unsigned next;
    values[next++ % VALUES] = (struct value){weak, thing, thing->epoch};
}

void call_weak_of(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (thing == NULL)
        return;
    bool none = thing->kind == REF || thing->traits->no_weakref || !thing->alive || thing->killed;
    begin_call(false, "wr_weak_of(#%u)%s", thing->number, none ? ": null" : "");
    wr_weak weak = wr_weak_of(thing->real);
    EXPECT(wr_weak_is_null(weak), none);
    if (!none) {
        if (thing->bits != 0 && thing->bits_epoch == thing->epoch)
            EXPECT(weak.bits, thing->bits);
        thing->bits = weak.bits;
        thing->bits_epoch = thing->epoch;
        value_keep(weak, thing);
    }
    end_call();
}

void call_weak_get(void) {
    struct value value = values[take_below(VALUES)];
    if (value.thing == NULL)
        return;
    bool gets = value_gets(value.thing, value.epoch);
    begin_call(false, "wr_weak_get(of #%u): %s", value.thing->number, gets ? "alive" : "NULL");
    EXPECT(wr_weak_get(value.weak), gets ? value.thing->real : NULL);
    if (gets) {
        value.thing->held++;
        value.thing->count++;
    }
    end_call();
}

void call_weak_is_dead(void) {
    struct value value = values[take_below(VALUES)];
    if (value.thing == NULL)
        return;
    bool dead = value_dead(value.thing, value.epoch);
    begin_call(false, "wr_weak_is_dead(of #%u): %d", value.thing->number, dead);
    EXPECT(wr_weak_is_dead(value.weak), dead);
    end_call();
}

/* ---- kill and clear ---- */

void call_kill(void) {
    settle();
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (thing == NULL)
        return;
    begin_call(true, "wr_kill(#%u)", thing->number);
    pin(thing);
    int expected = thing_cut(thing, true, false);
    EXPECT(wr_kill(thing->real), expected);
    unpin(thing);
    end_call();
}

void call_clear(void) {
    settle();
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    bool silent = take_below(3) == 0;
    if (thing == NULL)
        return;
    begin_call(true, "wr_weakref_clear%s(#%u)", silent ? "_no_callbacks" : "", thing->number);
    pin(thing);
    int expected = thing_cut(thing, false, silent);
    EXPECT((silent ? wr_weakref_clear_no_callbacks : wr_weakref_clear)(thing->real),
           expected < 0 ? expected : 0);
    unpin(thing);
    end_call();
}

/* ---- looks ---- */

void call_look(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF) | ANY_OF(FINALIZER));
    if (thing == NULL)
        return;
    begin_call(false, "wr_refcount(#%u): %u", thing->number, thing->alive ? thing->count : 0);
    EXPECT(wr_refcount(thing->real), thing->alive ? thing->count : 0);
    EXPECT(wr_weakref_check(thing->real), thing->kind == REF);
    EXPECT(wr_weakref_check_proxy(thing->real), thing->kind == REF && thing->proxy);
    EXPECT(wr_weakref_check_ref(thing->real), thing->kind == REF && !thing->proxy);
    EXPECT(wr_weakref_check_ref_exact(thing->real), thing->kind == REF && !thing->proxy && !thing->derived);
    if (thing->kind != REF) {
        void *obj = thing;
        EXPECT(wr_weakref_get(thing->real, &obj), -EINVAL);
        EXPECT(obj, NULL);
    }
    end_call();
}

void call_trim(void) {
    begin_call(true, "wr_trim()");
    (void)wr_trim();
    end_call();
}
