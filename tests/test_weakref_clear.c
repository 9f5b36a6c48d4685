/* SPDX-License-Identifier: MIT */
/* Counting, listing, clear, clear without callbacks, kill: S26, S37 to S41. */
#include "weakrefs.h"

TEST(S37_count_is_refs_and_proxies_alive) {
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_weak w = wr_weak_of(p); /* plain values are not counted */
    wr_weakref *a = new_ref(p, NULL, NULL), *b = new_ref(p, logs, NULL);
    CHECK_EQ(wr_weakref_count(p), 2);
    wr_weakref *c = new_proxy(p, NULL, NULL), *d = new_proxy(p, logs, NULL);
    CHECK_EQ(wr_weakref_count(p), 4);
    CHECK_PTR_EQ(new_ref(p, NULL, NULL), a);
    wr_release(a);
    CHECK_EQ(wr_weakref_count(p), 4);
    CHECK_EQ(wr_weakref_cancel(b), 1); /* still a weakref */
    CHECK_EQ(wr_weakref_count(p), 4);
    wr_release(c);
    wr_release(d);
    CHECK_EQ(wr_weakref_count(p), 2);
    wr_release(a);
    wr_release(b);
    CHECK_EQ(wr_weakref_count(p), 0);
    CHECK(can_get(w));
    wr_release(p);
}

TEST(S38_list_writes_at_most_cap_and_returns_the_total) {
    probe *p = probe_new(NULL);
    wr_weakref *refs[5], *out[6];
    for (int i = 0; i < 5; i++)
        refs[i] = new_ref(p, logs, NULL);
    for (size_t cap = 0; cap <= 6; cap++) {
        memset(out, 0, sizeof out);
        CHECK_EQ(wr_weakref_list(p, out, cap), 5);
        for (size_t i = 0; i < 6; i++) {
            CHECK_PTR_EQ(out[i], i < cap && i < 5 ? refs[4 - i] : NULL);
            if (out[i])
                CHECK_EQ(wr_refcount(out[i]), 2);
            wr_release(out[i]);
        }
    }
    CHECK_EQ(wr_weakref_list(p, NULL, 100), 5);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(wr_refcount(refs[i]), 1);
        wr_release(refs[i]);
    }
    CHECK_EQ(wr_weakref_list(p, out, 6), 0);
    wr_release(p);
}

struct half_dead {
    probe *other;
    wr_weakref *refs[3];
};
static void drops_one_and_lists(wr_weakref *ref, void *arg) {
    (void)ref;
    struct half_dead *h = arg;
    wr_weakref *out[4] = {NULL};
    wr_release(h->refs[1]); /* its death waits for the end of this callback */
    CHECK_EQ(wr_weakref_count(h->other), 2);
    CHECK_EQ(wr_weakref_list(h->other, out, 4), 2);
    CHECK_PTR_EQ(out[0], h->refs[2]);
    CHECK_PTR_EQ(out[1], h->refs[0]);
    wr_release(out[0]);
    wr_release(out[1]);
    CHECK_EQ(wr_weakref_list(h->other, out, 1), 2);
    wr_release(out[0]);
}

TEST(S38_list_and_count_skip_refs_that_are_being_freed) {
    struct half_dead h = {.other = probe_new(NULL)};
    for (int i = 0; i < 3; i++)
        h.refs[i] = new_ref(h.other, logs, NULL);
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, drops_one_and_lists, &h);
    wr_release(p);
    wr_release(ref);
    wr_release(h.refs[0]);
    wr_release(h.refs[2]);
    wr_release(h.other);
}

TEST(S39_clear_ends_weakrefs_calls_back_and_the_object_lives) {
    unsigned destroyed = 0;
    struct log log = {0};
    probe *p = probe_new(&destroyed);
    for (unsigned round = 1; round <= (ON_WEAR ? 50 : 200); round++) { /* worn tags allow few clears */
        wr_weak w = wr_weak_of(p);
        wr_weakref *a = new_ref(p, NULL, NULL), *b = new_owning_ref(p, &log), *c = new_proxy(p, NULL, NULL);
        CHECK_PTR_EQ(referent(a), p);
        CHECK_EQ(wr_weakref_clear(p), 0);
        CHECK_EQ(log.calls, round);
        CHECK_EQ(log.dead, round);
        CHECK_EQ(log.freed, round);
        CHECK(wr_weak_is_dead(w));
        CHECK(!can_get(w));
        CHECK_EQ(wr_weakref_is_dead(a) + wr_weakref_is_dead(b) + wr_weakref_is_dead(c), 3);
        CHECK_EQ(wr_weakref_count(p), 0);
        CHECK(!wr_weak_equal(wr_weak_of(p), w));
        CHECK(can_get(wr_weak_of(p)));
        wr_weakref *fresh = new_ref(p, NULL, NULL);
        CHECK_PTR_NE(fresh, a);
        CHECK_PTR_EQ(referent(fresh), p);
        wr_release(fresh);
        wr_release(a);
        wr_release(b);
        wr_release(c);
    }
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

TEST(S39_clear_works_for_plain_values_alone) {
    probe *p = probe_new(NULL);
    wr_weak w = wr_weak_of(p);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK(wr_weak_is_dead(w));
    CHECK(can_get(wr_weak_of(p)));
    wr_release(p);
}

TEST(S40_clear_no_callbacks_calls_nothing_and_keeps_args) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *refs[100];
    for (int i = 0; i < 100; i++)
        refs[i] = i % 2 ? new_owning_ref(p, &log) : new_ref(p, logs, &log);
    wr_weak w = wr_weak_of(p);
    CHECK_EQ(wr_weakref_clear_no_callbacks(p), 0);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(wr_weakref_count(p), 0);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(wr_weakref_is_dead(refs[i]), 1);
        CHECK(wr_weakref_callback(refs[i]) == NULL);
        CHECK_EQ(wr_weakref_cancel(refs[i]), 0);
    }
    CHECK_EQ(log.freed, 0);
    wr_weakref *fresh = new_ref(p, logs, &log); /* new ones may be made */
    CHECK_EQ(wr_weakref_is_dead(fresh), 0);
    CHECK_EQ(log.calls, 0);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    CHECK_PTR_EQ(log.refs[0], fresh);
    wr_release(fresh);
    for (int i = 0; i < 100; i++)
        wr_release(refs[i]);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 50);
}

TEST(S41_kill_calls_back_and_refuses_new_weakrefs) {
    unsigned destroyed = 0;
    struct log log = {0};
    probe *p = probe_new(&destroyed);
    wr_weakref *a = new_ref(p, logs, &log), *b = new_ref(p, NULL, NULL);
    CHECK_EQ(wr_kill(p), 1);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(wr_weakref_is_dead(a) + wr_weakref_is_dead(b), 2);
    errno = 0;
    CHECK_NULL(wr_weakref_new(p, NULL, NULL));
    CHECK_EQ(errno, ESTALE);
    errno = 0;
    CHECK_NULL(wr_proxy_new(p, logs, &log));
    CHECK_EQ(errno, ESTALE);
    CHECK_EQ(wr_weakref_count(p), 0);
    CHECK_EQ(wr_kill(p), 0);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK_EQ(log.calls, 1);
    wr_release(wr_retain(p));
    CHECK_EQ(destroyed, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(log.calls, 1);
    wr_release(a);
    wr_release(b);
}

static wr_weakref *made_by_finalize;
static struct log finalize_log;
static void makes_ref(void *self) {
    made_by_finalize = new_ref(self, logs, &finalize_log);
    CHECK_EQ(wr_weakref_is_dead(made_by_finalize), 0);
}
static const wr_type makes_ref_type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = makes_ref};

TEST(S26_a_weakref_made_in_finalize_is_cleared_and_called) {
    void *obj = wr_new(&makes_ref_type);
    wr_release(obj);
    CHECK_EQ(finalize_log.calls, 1);
    CHECK_EQ(finalize_log.dead, 1);
    CHECK_EQ(wr_weakref_is_dead(made_by_finalize), 1);
    wr_release(made_by_finalize);
}

static void *kept;
static void resurrects(void *self) {
    kept = wr_retain(self);
}
static const wr_type resurrects_type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = resurrects};

TEST(S25_a_resurrected_object_has_its_weakrefs_and_no_callback_ran) {
    struct log log = {0};
    void *obj = wr_new(&resurrects_type);
    wr_weakref *a = new_ref(obj, logs, &log), *b = new_ref(obj, NULL, NULL);
    wr_release(obj);
    CHECK_PTR_EQ(kept, obj);
    CHECK_EQ(log.calls, 0);
    CHECK_PTR_EQ(referent(a), obj);
    CHECK_EQ(wr_weakref_count(obj), 2);
    CHECK_PTR_EQ(new_ref(obj, NULL, NULL), b);
    wr_release(b);
    wr_release(kept);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(wr_weakref_is_dead(b), 1);
    wr_release(a);
    wr_release(b);
}
