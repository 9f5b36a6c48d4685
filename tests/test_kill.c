/* SPDX-License-Identifier: MIT */
/* wr_kill: weak values die, strong references stay. */
#include "common.h"

TEST(S41_kill_ends_weak_values_and_leaves_strong_references) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    p->value = 7;
    wr_weak w = wr_weak_of(p);
    wr_retain(p);
    CHECK_EQ(wr_kill(p), 1);
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
    CHECK(wr_weak_is_null(wr_weak_of(p)));
    CHECK_EQ(wr_refcount(p), 2);
    CHECK_EQ(p->value, 7);
    CHECK_EQ(wr_kill(p), 0);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    wr_release(wr_retain(p));
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(S41_a_killed_object_has_null_weak_values_even_if_it_never_had_one) {
    unsigned destroyed = 0;
    for (unsigned i = 1; i <= 300; i++) {
        probe *p = probe_new(&destroyed);
        CHECK_EQ(wr_kill(p), 1);
        CHECK_EQ(wr_kill(p), 0);
        CHECK(wr_weak_is_null(wr_weak_of(p)));
        wr_release(p);
        CHECK_EQ(destroyed, i);
    }
}

TEST(kill_refuses_null) {
    CHECK_EQ(wr_kill(NULL), -EINVAL);
}

TEST(S22_killed_stays_dead_while_the_slot_is_reused) {
    enum { COUNT = 400 };
    wr_weak old[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        probe *p = probe_new(NULL);
        old[i] = wr_weak_of(p);
        CHECK(can_get(old[i]));
        if (i % 3 != 0)
            CHECK_EQ(wr_kill(p), 1);
        for (unsigned j = 0; j < i; j++)
            CHECK(wr_weak_is_dead(old[j]) && wr_weak_get(old[j]) == NULL);
        CHECK_EQ(wr_refcount(p), 1);
        wr_release(p);
    }
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(wr_weak_is_dead(old[i]));
}

TEST(kill_counts_for_one_life_only) {
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_kill(p), 1);
    wr_release(p);
    for (int i = 0; i < 300; i++) {
        p = probe_new(NULL);
        wr_weak w = wr_weak_of(p);
        CHECK(!wr_weak_is_null(w));
        CHECK(can_get(w));
        CHECK_EQ(wr_kill(p), 1);
        wr_release(p);
    }
}

TEST(the_inside_of_a_killed_object_may_still_own_others) {
    unsigned destroyed = 0;
    probe *parent = probe_new(&destroyed), *child = probe_new(&destroyed);
    wr_weak weak_child = wr_weak_of(child);
    parent->child = child;
    CHECK_EQ(wr_kill(parent), 1);
    CHECK(can_get(weak_child));
    CHECK_EQ(wr_kill(child), 1);
    CHECK_EQ(destroyed, 0);
    wr_release(parent);
    CHECK_EQ(destroyed, 2);
}
