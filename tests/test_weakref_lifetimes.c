/* SPDX-License-Identifier: MIT */
/* Weakrefs that die before or with their referent: S16 to S18, S20. */
#include "weakrefs.h"

static void drops_another(wr_weakref *ref, void *arg) {
    (void)ref;
    wr_weakref **other = arg;
    wr_release(*other);
    *other = NULL;
}

TEST(S16_a_ref_dropped_by_an_earlier_callback_is_cancelled) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *victim = new_owning_ref(p, &log);
    wr_weakref *first = new_ref(p, drops_another, &victim);
    wr_release(p);
    CHECK_NULL(victim);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
    wr_release(first);
}

TEST(S17_a_ref_that_dies_first_is_never_called) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *middle = NULL;
    for (int i = 0; i < 3; i++) {
        wr_weakref *ref = new_ref(p, logs, &log);
        if (i == 1)
            middle = wr_retain(ref);
        wr_release(ref);
    }
    CHECK_EQ(wr_weakref_count(p), 1);
    wr_release(middle);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_release(p);
    CHECK_EQ(log.calls, 0);
}

TEST(S18_a_ref_that_owns_its_own_referent_is_not_called) {
    for (int pair = 0; pair < 2; pair++) {
        unsigned destroyed = 0;
        struct log log = {0};
        probe *p = probe_new(&destroyed);
        wr_weakref *other = pair ? new_derived(p, &owner_ref_type, logs, &log) : NULL;
        wr_weakref *ref = new_derived(p, &owner_ref_type, logs, &log);
        *(void **)wr_weakref_extra(ref) = p; /* the last reference moves into the ref */
        wr_release(ref);
        CHECK_EQ(destroyed, 1);
        CHECK_EQ(log.calls, pair ? 1 : 0); /* the other one is told */
        CHECK_PTR_EQ(log.refs[0], other);
        wr_release(other);
    }
}

/* ---- S20: dead, but its callbacks wait ---- */

struct waiting {
    probe *other;
    wr_weakref *ref;
    unsigned *calls;
};
static void releases_other(wr_weakref *ref, void *arg) {
    (void)ref;
    struct waiting *w = arg;
    unsigned before = *w->calls;
    wr_release(w->other);
    CHECK_EQ(*w->calls, before); /* not yet */
    CHECK_EQ(wr_weakref_is_dead(w->ref), 1);
    CHECK_NULL(referent(w->ref));
    CHECK(wr_weakref_callback(w->ref) == NULL);
}

TEST(S20_an_object_whose_callbacks_wait_reads_dead) {
    struct log log = {0};
    probe *p = probe_new(NULL), *other = probe_new(NULL);
    wr_weakref *later = new_ref(other, logs, &log);
    struct waiting w = {other, later, &log.calls};
    wr_weakref *ref = new_ref(p, releases_other, &w);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
    wr_release(later);
}
