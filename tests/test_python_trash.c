/* SPDX-License-Identifier: MIT */
/* Python's own tests of weakrefs in what its collector frees (test_weakref.py, ReferencesTestCase), translated as far
 * as they mean something without one: objects own each other, and go in every order. docs/python.md has the whole
 * table. */
#include "weakrefs.h"

/* Trash whose refs have callbacks: the callbacks of the owner's own refs are not called, for they die first. */
static void drops_callback_ref(void *self) {
    probe *p = self;
    wr_release(p->child); /* a weakref to another object of the same trash */
    ++*p->destroyed;
}
static const wr_type cyclic_type = {
    .abi = WR_TYPE_ABI, .name = "cyclic", .size = sizeof(probe), .destroy = drops_callback_ref};

/* c2 refers weakly to c1, which goes first or last. */
static void check_owner_of_ref(bool referent_first, unsigned expected) {
    struct log log = {0};
    unsigned destroyed = 0;
    probe *c1 = wr_new(&cyclic_type), *c2 = wr_new(&cyclic_type);
    c1->destroyed = c2->destroyed = &destroyed;
    c2->child = new_ref(c1, logs, &log);
    probe *first = referent_first ? c1 : c2, *last = referent_first ? c2 : c1;
    wr_release(first);
    wr_release(last);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(log.calls, expected);
}

TEST(test_callback_reachable_one_way) {
    check_owner_of_ref(true, 1);
    check_owner_of_ref(false, 0);
}

/* A ref in the trash is not called; one outside is. */
TEST(test_callback_in_cycle_resurrection) {
    struct log inside = {0}, outside = {0};
    unsigned destroyed = 0;
    probe *c = wr_new(&cyclic_type);
    c->destroyed = &destroyed;
    c->child = new_ref(c, logs, &inside); /* to itself: dropped by its own destroy */
    wr_weakref *external = new_ref(c, logs, &outside);
    wr_release(c->child);
    c->child = NULL;
    wr_release(c);
    CHECK_EQ(inside.calls, 0);
    CHECK_EQ(outside.calls, 1);
    CHECK_EQ(destroyed, 1);
    wr_release(external);
}

/* Python's callbacks are objects that can be referred to; here their argument is. */
static void releases_argument(void *arg) {
    wr_release(arg);
}
TEST(test_callbacks_on_callback) {
    struct log log = {0};
    probe *callback = probe_new(NULL), *o = probe_new(NULL);
    wr_weakref *on_callback = new_ref(callback, logs, &log);
    wr_weakref_options options = WR_WEAKREF_OPTIONS_INIT;
    options.arg = callback;
    options.arg_destroy = releases_argument;
    wr_weakref *ref = wr_weakref_new_ex(o, &options);
    wr_release(ref);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(wr_weakref_is_dead(on_callback), 1);
    wr_release(on_callback);
    wr_release(o);
}

/* ---- a callback never meets what is half destroyed ---- */

/* What owns a ref with a callback that looks at the owner, the ref's referent, and what stands for its class. */
enum { CLASS, REFERENT, REF, PARTS };
struct owner {
    void *parts[PARTS];
    const int *order; /* in which they are released */
    bool whole;
    unsigned *calls;
};
static void looks_at_owner(wr_weakref *ref, void *arg) {
    struct owner *owner = arg;
    CHECK(owner->whole);
    CHECK_PTR_EQ(owner->parts[REF], ref);
    CHECK_EQ(wr_refcount(owner->parts[CLASS]), 1);
    ++*owner->calls;
}
static void release_parts(void *self) {
    struct owner *owner = self;
    owner->whole = false;
    for (int i = 0; i < PARTS; i++) {
        void *part = owner->parts[owner->order[i]];
        owner->parts[owner->order[i]] = NULL;
        wr_release(part);
    }
}
static const wr_type owner_type = {
    .abi = WR_TYPE_ABI, .name = "owner", .size = sizeof(struct owner), .destroy = release_parts};

/* Returns how often the callback ran, when the owner goes, or its referent before it. */
static unsigned run_owner(const int *order, bool referent_first) {
    unsigned calls = 0, destroyed = 0;
    struct owner *owner = wr_new(&owner_type);
    owner->order = order;
    owner->whole = true;
    owner->calls = &calls;
    owner->parts[CLASS] = probe_new(&destroyed);
    owner->parts[REFERENT] = probe_new(&destroyed);
    owner->parts[REF] = new_ref(owner->parts[REFERENT], looks_at_owner, owner);
    if (referent_first) {
        wr_release(owner->parts[REFERENT]);
        owner->parts[REFERENT] = NULL;
    }
    wr_release(owner);
    CHECK_EQ(destroyed, 2);
    return calls;
}

TEST(test_callback_in_cycle) {
    static const int referent_then_ref[] = {REFERENT, REF, CLASS},
                     ref_then_referent[] = {REF, REFERENT, CLASS};
    CHECK_EQ(run_owner(referent_then_ref, false), 0);
    CHECK_EQ(run_owner(ref_then_referent, false), 0);
    CHECK_EQ(run_owner(ref_then_referent, true), 1);
}

TEST(test_callback_different_classes) {
    static const int class_first[] = {CLASS, REFERENT, REF}, class_between[] = {REFERENT, CLASS, REF},
                     class_before_referent[] = {REF, CLASS, REFERENT};
    CHECK_EQ(run_owner(class_first, false), 0);
    CHECK_EQ(run_owner(class_between, false), 0);
    CHECK_EQ(run_owner(class_before_referent, false), 0);
    CHECK_EQ(run_owner(class_first, true), 1);
}
