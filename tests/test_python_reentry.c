/* SPDX-License-Identifier: MIT */
/* Python's own tests of weakrefs at awkward moments (test_weakref.py, ReferencesTestCase and
 * SubclassableWeakrefTestCase), translated; those about its collector as far as they mean something without one.
 * docs/python.md has the whole table. */
#include "weakrefs.h"

/* What stands for gc.collect(): everything that can make the library run deaths that wait. */
static void collect(void) {
    for (int i = 0; i < 100; i++)
        wr_release(probe_new(NULL));
    (void)wr_trim();
}
static void collects(wr_weakref *ref, void *arg) {
    (void)ref;
    collect();
    ++*(unsigned *)arg;
}

TEST(test_sf_bug_840829) {
    unsigned calls = 0, destroyed = 0;
    probe *o = probe_new(&destroyed);
    wr_weakref *ref = new_ref(o, collects, &calls);
    wr_release(o);
    CHECK_EQ(calls, 1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
}

/* The collector runs while a ref is made: deaths that wait are run by the making of objects. */
static void check_collected_during_creation(wr_weakref *(*make)(void *, wr_callback, void *)) {
    struct log log = {0};
    probe *o = probe_new(NULL);
    wr_weakref *refs[LOG_SIZE];
    for (int i = 0; i < LOG_SIZE; i++) {
        wr_weakref *dropped = make(o, logs, &log);
        collect();
        refs[i] = make(o, i % 2 ? logs : NULL, &log);
        wr_release(dropped);
        CHECK_PTR_EQ(referent(refs[i]), o);
    }
    wr_release(o);
    CHECK_EQ(log.calls, LOG_SIZE / 2);
    for (int i = 0; i < LOG_SIZE; i++)
        wr_release(refs[i]);
}
TEST(test_gc_during_ref_creation) {
    check_collected_during_creation(wr_weakref_new);
}
TEST(test_gc_during_proxy_creation) {
    check_collected_during_creation(wr_proxy_new);
}

/* gh-60806: in the callbacks of a long row of deaths, what has count 0 reads dead. */
enum { CHAIN = 100 };
static struct {
    wr_weakref *refs[CHAIN];
    unsigned calls;
} chain;
static void looks_at_all(wr_weakref *ref, void *arg) {
    (void)arg;
    CHECK_NULL(referent(ref));
    chain.calls++;
    for (unsigned i = 0; i < CHAIN; i++) {
        void *obj;
        if (wr_weakref_get(chain.refs[i], &obj) == 1)
            CHECK_GT(wr_refcount(obj), 1);
        wr_release(obj);
    }
}
TEST(test_trashcan_16602) {
    probe *last = NULL;
    for (unsigned i = 0; i < CHAIN; i++) {
        probe *p = probe_new(NULL);
        p->child = last;
        chain.refs[i] = new_ref(p, looks_at_all, NULL);
        last = p;
    }
    wr_release(last);
    CHECK_EQ(chain.calls, CHAIN);
    for (unsigned i = 0; i < CHAIN; i++)
        wr_release(chain.refs[i]);
}

static void finalize_collects(void *self) {
    (void)self;
    collect();
}
TEST(test_callback_gcs) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = finalize_collects};
    unsigned calls = 0;
    void *o = wr_new(&type);
    wr_weakref *ref = new_ref(o, collects, &calls);
    wr_release(o);
    CHECK_EQ(calls, 1);
    wr_release(ref);
}

static wr_weakref *from_finalize[2];
static void refers_to_itself(void *self) {
    from_finalize[0] = new_ref(self, NULL, NULL);
    from_finalize[1] = new_proxy(self, NULL, NULL);
}

TEST(test_ref_created_during_del) {
    static const wr_type target = {.abi = WR_TYPE_ABI, .size = 8, .finalize = refers_to_itself};
    void *o = wr_new(&target);
    wr_release(o);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(wr_weakref_is_dead(from_finalize[i]), 1);
        CHECK_NULL(referent(from_finalize[i]));
        wr_release(from_finalize[i]);
    }
}

/* ---- subclasses: derived types ---- */

struct extra {
    int value;
    bool called;
};
static const wr_type my_ref = {
    .abi = WR_TYPE_ABI, .name = "MyRef", .size = sizeof(struct extra), .base = &wr_weakref_type};

static struct extra *extra(wr_weakref *ref) {
    return wr_weakref_extra(ref);
}
static void *call_my_ref(wr_weakref *ref) {
    extra(ref)->called = true;
    return referent(ref);
}

TEST(test_subclass_refs) {
    probe *o = probe_new(NULL);
    wr_weakref *mr = new_derived(o, &my_ref, NULL, NULL);
    CHECK_EQ(extra(mr)->value, 0);
    CHECK_EQ((uintptr_t)extra(mr) % 32, 0);
    extra(mr)->value = 24;
    CHECK_PTR_EQ(call_my_ref(mr), o);
    CHECK(extra(mr)->called);
    CHECK_EQ(extra(mr)->value, 24);
    wr_release(o);
    CHECK_NULL(call_my_ref(mr));
    CHECK_EQ(extra(mr)->value, 24);
    wr_release(mr);
}

TEST(test_subclass_refs_dont_replace_standard_refs) {
    probe *o = probe_new(NULL);
    wr_weakref *r1 = new_derived(o, &my_ref, NULL, NULL), *r2 = new_ref(o, NULL, NULL), *out[4];
    CHECK_PTR_NE(r1, r2);
    CHECK_EQ(wr_weakref_list(o, out, 4), 2);
    CHECK_PTR_EQ(out[0], r2);
    CHECK_PTR_EQ(out[1], r1);
    CHECK_EQ(wr_weakref_count(o), 2);
    wr_weakref *r3 = new_derived(o, &my_ref, NULL, NULL);
    CHECK_EQ(wr_weakref_count(o), 3);
    CHECK_PTR_NE(r3, r1);
    wr_weakref *all[] = {r1, r2, r3, out[0], out[1]};
    for (int i = 0; i < 5; i++)
        wr_release(all[i]);
    wr_release(o);
}

TEST(test_subclass_refs_dont_conflate_callbacks) {
    probe *o = probe_new(NULL);
    unsigned unused = 0;
    wr_weakref *r1 = new_derived(o, &my_ref, logs, NULL), *r2 = new_derived(o, &my_ref, collects, &unused);
    wr_weakref *out[3];
    CHECK_PTR_NE(r1, r2);
    CHECK_EQ(wr_weakref_list(o, out, 3), 2);
    CHECK_PTR_EQ(out[0], r2);
    CHECK_PTR_EQ(out[1], r1);
    CHECK(wr_weakref_callback(r1) == logs);
    CHECK(wr_weakref_callback(r2) == collects);
    wr_weakref *all[] = {r1, r2, out[0], out[1]};
    for (int i = 0; i < 4; i++)
        wr_release(all[i]);
    wr_release(o);
}

/* The ref owns the last reference to its own referent. */
TEST(test_subclass_refs_with_cycle) {
    struct log log = {0};
    unsigned destroyed = 0;
    probe *o = probe_new(&destroyed);
    wr_weakref *ref1 = new_derived(o, &owner_ref_type, logs, &log);
    *(void **)wr_weakref_extra(ref1) = o;
    wr_release(ref1);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(log.calls, 0);
    o = probe_new(&destroyed);
    ref1 = new_derived(o, &owner_ref_type, logs, &log);
    wr_weakref *ref2 = new_derived(o, &owner_ref_type, logs, &log);
    *(void **)wr_weakref_extra(ref1) = o;
    *(void **)wr_weakref_extra(ref2) = wr_retain(o);
    wr_release(ref1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref2);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(log.calls, 0);
}
