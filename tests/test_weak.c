/* SPDX-License-Identifier: MIT */
/* Weak values: making them, getting through them, and their death. */
#include "common.h"

TEST(get_gives_the_object_and_one_reference) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    CHECK(!wr_weak_is_dead(w));
    void *got = wr_weak_get(w);
    CHECK_PTR_EQ(got, p);
    CHECK_EQ(wr_refcount(p), 2);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    CHECK(!wr_weak_is_dead(w));
    wr_release(got);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
}

TEST(S7_weak_values_neither_count_nor_keep_alive) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak values[100];
    for (int i = 0; i < 100; i++) {
        values[i] = wr_weak_of(p);
        CHECK_EQ(wr_refcount(p), 1);
    }
    CHECK(!wr_weak_is_dead(values[0]));
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    for (int i = 0; i < 100; i++)
        CHECK(wr_weak_is_dead(values[i]) && wr_weak_get(values[i]) == NULL);
}

TEST(S6_a_type_may_forbid_weak_references) {
    static const wr_type strict = {.abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .size = 8};
    void *p = wr_new(&strict);
    CHECK(wr_weak_is_null(wr_weak_of(p)));
    CHECK_EQ(wr_kill(p), -ENOTSUP);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
}

TEST(S22_dead_stays_dead_while_the_slot_is_reused) {
    enum { COUNT = 300 };
    wr_weak old[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        probe *p = probe_new(NULL);
        old[i] = wr_weak_of(p);
        CHECK(can_get(old[i]));
        for (unsigned j = 0; j < i; j++)
            CHECK(wr_weak_is_dead(old[j]) && wr_weak_get(old[j]) == NULL && !wr_weak_equal(old[j], old[i]));
        CHECK_EQ(wr_refcount(p), 1);
        wr_release(p);
    }
}

TEST(failed_gets_leave_no_count_on_the_next_object) {
    unsigned destroyed = 0;
    for (unsigned round = 1; round <= 600; round++) { /* more than the slots a debug build holds back */
        probe *p = probe_new(&destroyed);
        wr_weak w = wr_weak_of(p);
        CHECK_EQ(wr_refcount(p), 1);
        wr_release(p);
        for (int i = 0; i < 5; i++)
            CHECK_NULL(wr_weak_get(w));
        CHECK_EQ(destroyed, round);
    }
}

static struct {
    wr_weak self;
    bool alive;
} seen_in_destroy;

static void look_at_self(void *self) {
    seen_in_destroy.alive =
        !wr_weak_is_dead(seen_in_destroy.self) || wr_weak_get(seen_in_destroy.self) != NULL;
    CHECK(wr_weak_is_null(wr_weak_of(self)));
    CHECK_EQ(wr_kill(self), 0);
    CHECK_EQ(wr_refcount(self), 0);
}

TEST(S10_in_destroy_everything_weak_is_dead_already) {
    static const wr_type looking = {.abi = WR_TYPE_ABI, .size = 8, .destroy = look_at_self};
    void *p = wr_new(&looking);
    seen_in_destroy.self = wr_weak_of(p);
    seen_in_destroy.alive = true;
    wr_release(p);
    CHECK(!seen_in_destroy.alive);
    p = wr_new(&looking); /* never weak: the other way to die */
    wr_release(p);
}

TEST(objects_die_one_by_one) {
    enum { COUNT = 1000 };
    static probe *objects[COUNT];
    static wr_weak values[COUNT];
    unsigned destroyed = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        objects[i] = probe_new(&destroyed);
        values[i] = wr_weak_of(objects[i]);
    }
    for (unsigned i = 0; i < COUNT; i += 2)
        wr_release(objects[i]);
    CHECK_EQ(destroyed, COUNT / 2);
    for (unsigned i = 0; i < COUNT; i++) {
        void *got = wr_weak_get(values[i]);
        CHECK_PTR_EQ(got, i % 2 ? objects[i] : NULL);
        CHECK_EQ(wr_weak_is_dead(values[i]), i % 2 == 0);
        wr_release(got);
    }
    for (unsigned i = 1; i < COUNT; i += 2)
        wr_release(objects[i]);
    CHECK_EQ(destroyed, COUNT);
}

TEST(a_value_may_be_made_at_any_time_of_a_life) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_retain(p);
    wr_retain(p);
    wr_release(p);
    wr_weak w = wr_weak_of(p); /* the first of this slot, with two references about */
    wr_release(p);
    CHECK(can_get(w));
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(a_slot_once_weak_is_reused_by_objects_that_are_not) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak old = wr_weak_of(p);
    wr_release(p);
    for (unsigned i = 0; i < 1000; i++) {
        p = probe_new(&destroyed);
        CHECK_NULL(wr_weak_get(old));
        wr_release(p);
    }
    CHECK_EQ(destroyed, 1001);
    CHECK(wr_weak_is_dead(old));
}
