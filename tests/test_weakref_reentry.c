/* SPDX-License-Identifier: MIT */
/* S15: a callback may do anything. Everything here happens from inside one; the whole file runs in the
 *      one-stripe build
 * too, where every object shares the lock of every other. */
#include "weakrefs.h"

enum { MANY = 60 };

/* ---- drops its siblings, and itself ---- */

struct drops {
    wr_weakref *refs[MANY];
    unsigned calls;
};
static void drops_siblings(wr_weakref *ref, void *arg) {
    struct drops *d = arg;
    d->calls++;
    for (unsigned i = 0; i < MANY; i++)
        if (d->refs[i] && (d->refs[i] == ref || i % 2 == 0)) {
            wr_release(d->refs[i]);
            d->refs[i] = NULL;
        }
}

TEST(S15_a_callback_drops_itself_and_its_siblings) {
    for (int way = 0; way < 3; way++) {
        struct drops d = {.calls = 0};
        probe *p = probe_new(NULL);
        for (unsigned i = 0; i < MANY; i++)
            d.refs[i] = new_ref(p, drops_siblings, &d);
        if (way == 1)
            CHECK_EQ(wr_kill(p), 1);
        if (way == 2)
            CHECK_EQ(wr_weakref_clear(p), 0);
        wr_release(p);
        CHECK_EQ(d.calls, MANY / 2); /* the newest, of odd index, cancelled all even ones */
        for (unsigned i = 0; i < MANY; i++)
            CHECK_NULL(d.refs[i]);
    }
}

/* ---- kills, clears and releases other objects ---- */

struct others {
    probe *objs[MANY];
    unsigned next, depth, deepest;
    int way;
};
static void ends_the_next(wr_weakref *ref, void *arg) {
    struct others *o = arg;
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    if (o->next >= MANY)
        return;
    probe *p = o->objs[o->next++];
    o->deepest = ++o->depth > o->deepest ? o->depth : o->deepest;
    if (o->way == 0)
        CHECK_EQ(wr_kill(p), 1);
    else if (o->way == 1)
        CHECK_EQ(wr_weakref_clear(p), 0);
    else if (o->way == 2)
        CHECK_EQ(wr_weakref_clear_no_callbacks(p), 0);
    wr_release(p);
    o->depth--;
}

TEST(S15_a_callback_ends_other_objects) {
    for (int way = 0; way < 4; way++) {
        struct others o = {.way = way};
        wr_weakref *refs[MANY];
        for (unsigned i = 0; i < MANY; i++) {
            o.objs[i] = probe_new(NULL);
            refs[i] = new_ref(o.objs[i], ends_the_next, &o);
        }
        o.next = 1;
        wr_release(o.objs[0]);
        CHECK_EQ(o.next, way == 2 ? 2 : MANY); /* without callbacks the row ends */
        CHECK_EQ(o.deepest,
                 way < 2 ? MANY - 1 : 1); /* kill and clear fire at once, a release waits its turn */
        unsigned left = o.next;
        o.next = MANY; /* what is left ends nothing */
        for (unsigned i = left; i < MANY; i++)
            wr_release(o.objs[i]);
        for (unsigned i = 0; i < MANY; i++)
            wr_release(refs[i]);
    }
}

/* ---- makes things ---- */

struct maker {
    probe *other;
    struct log log;
    wr_weakref *made[4];
    unsigned calls;
};
static void makes_refs(wr_weakref *ref, void *arg) {
    struct maker *m = arg;
    (void)ref;
    m->calls++;
    m->made[0] = new_ref(m->other, logs, &m->log);
    m->made[1] = new_ref(m->other, NULL, NULL);
    m->made[2] = new_proxy(m->other, NULL, NULL);
    probe *fresh = probe_new(NULL);
    wr_weakref *on_fresh = new_ref(fresh, logs, &m->log);
    CHECK_PTR_EQ(referent(on_fresh), fresh);
    CHECK_EQ(wr_kill(fresh), 1);
    CHECK_EQ(m->log.calls, 1);
    wr_release(on_fresh);
    wr_release(fresh);
    CHECK_EQ(wr_weakref_count(m->other), 3);
    m->made[3] = wr_retain(ref);
}

TEST(S15_a_callback_makes_weakrefs_to_other_objects) {
    struct maker m = {.other = probe_new(NULL)};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, makes_refs, &m);
    wr_release(p);
    CHECK_EQ(m.calls, 1);
    CHECK_EQ(wr_weakref_count(m.other), 3);
    wr_release(ref);
    CHECK_EQ(wr_weakref_is_dead(m.made[3]), 1); /* retained by its own callback, it outlives its owner */
    wr_release(m.other);
    CHECK_EQ(m.log.calls, 2);
    for (int i = 0; i < 4; i++)
        wr_release(m.made[i]);
}

/* ---- acts on the object that is being cleared, which lives ---- */

struct again {
    probe *obj;
    unsigned calls, rounds;
    wr_weakref *made[MANY];
    int (*end)(void *obj);
};
static void registers_again(wr_weakref *ref, void *arg) {
    struct again *a = arg;
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    a->calls++;
    if (a->rounds == 0)
        return;
    a->rounds--;
    a->made[a->rounds] = new_ref(a->obj, registers_again, a);
    CHECK_EQ(wr_weakref_is_dead(a->made[a->rounds]), 0);
    CHECK_EQ(wr_weakref_count(a->obj), 1);
    (void)a->end(a->obj);
    CHECK_EQ(wr_weakref_is_dead(a->made[a->rounds]), 1);
}

TEST(S15_a_callback_of_clear_registers_and_clears_again) {
    struct again a = {.obj = probe_new(NULL), .rounds = 20, .end = wr_weakref_clear};
    wr_weakref *first = new_ref(a.obj, registers_again, &a), *second = new_ref(a.obj, registers_again, &a);
    CHECK_EQ(wr_weakref_clear(a.obj), 0);
    CHECK_EQ(a.calls, 22);
    CHECK_EQ(a.rounds, 0);
    for (int i = 0; i < 20; i++)
        wr_release(a.made[i]);
    wr_release(first);
    wr_release(second);
    wr_release(a.obj);
}

TEST(S15_a_callback_of_clear_kills_the_object) {
    struct again a = {.obj = probe_new(NULL), .rounds = 1, .end = wr_kill};
    wr_weakref *older = new_ref(a.obj, registers_again, &a), *newer = new_ref(a.obj, registers_again, &a);
    CHECK_EQ(wr_weakref_clear(a.obj), 0);
    CHECK_EQ(a.calls, 3); /* newer, the one it made, older */
    CHECK_EQ(wr_kill(a.obj), 0);
    wr_release(a.made[0]);
    wr_release(older);
    wr_release(newer);
    wr_release(a.obj);
}

/* ---- uses the whole interface ---- */

static int returns_one(void *self, void *arg) {
    (void)self, (void)arg;
    return 1;
}
static void uses_everything(wr_weakref *ref, void *arg) {
    wr_weakref **refs = arg, *out[8];
    char text[64];
    uint64_t hash;
    void *obj;
    CHECK_EQ(wr_weakref_get(ref, &obj), 0);
    CHECK(wr_weakref_callback(ref) == NULL);
    CHECK_EQ(wr_hash(ref, &hash), -ESTALE);
    CHECK_EQ(wr_equal(ref, refs[0]), 0);
    CHECK_GT(wr_describe(ref, text, sizeof text), 0);
    CHECK_EQ(wr_weakref_get(refs[0], &obj), 1);
    size_t count = wr_weakref_list(obj, out, 8);
    CHECK_EQ(count, 2);
    for (size_t i = 0; i < count; i++)
        wr_release(out[i]);
    CHECK_EQ(wr_call(refs[1], returns_one, NULL, NULL), 0);
    CHECK_EQ(wr_equal(refs[1], obj), 1);
    CHECK_EQ(wr_hash(refs[0], &hash), 0);
    CHECK_EQ(wr_weakref_clear_no_callbacks(obj), 0);
    CHECK_EQ(wr_trim() % 4096, 0);
    wr_release(obj);
}

TEST(S15_a_callback_uses_everything) {
    probe *p = probe_new(NULL), *other = probe_new(NULL);
    wr_weakref *refs[] = {new_ref(other, NULL, NULL), new_proxy(other, NULL, NULL)};
    wr_weakref *ref = new_ref(p, uses_everything, refs);
    wr_release(p);
    wr_release(ref);
    CHECK_EQ(wr_weakref_is_dead(refs[0]), 1);
    wr_release(refs[0]);
    wr_release(refs[1]);
    wr_release(other);
}

/* ---- a long row of deaths, each in the callback of the one before: bounded stack ---- */

static void releases_next(wr_weakref *ref, void *arg) {
    (void)ref;
    wr_release(arg);
}
static void drops_ref(void *self) {
    wr_release(((probe *)self)->child);
}
static const wr_type owns_ref_type = {
    .abi = WR_TYPE_ABI, .name = "owns_ref", .size = sizeof(probe), .destroy = drops_ref};

TEST(S21_a_chain_through_callbacks_dies_without_recursion) {
    probe *next = NULL, *p = NULL;
    for (unsigned i = scaled(200000); i > 0; i--) {
        p = wr_new(&owns_ref_type);
        REQUIRE(p != NULL);
        p->child = new_ref(p, releases_next, next);
        next = p;
    }
    wr_release(p);
}
