/* SPDX-License-Identifier: MIT */
/* finalize: once, before anything weak dies, and what it may do to the object. */
#include "common.h"

struct subject {
    void *keep_in;              /* where finalize is to keep a reference, or NULL */
    void (*action)(void *self); /* what else it is to do */
    wr_weak self;
    uint64_t value;
};

static unsigned finalized, destroyed;
static void *kept;

static void finalize(void *self) {
    struct subject *s = self;
    finalized++;
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(s->value, 42);
    if (s->keep_in)
        *(void **)s->keep_in = wr_retain(s);
    if (s->action)
        s->action(s);
}

static void destroy(void *self) {
    struct subject *s = self;
    destroyed++;
    CHECK_EQ(s->value, 42);
    if (!wr_weak_is_null(s->self))
        CHECK(wr_weak_is_dead(s->self) && wr_weak_get(s->self) == NULL);
}

static const wr_type subject_type = {.abi = WR_TYPE_ABI,
                                     .name = "subject",
                                     .size = sizeof(struct subject),
                                     .finalize = finalize,
                                     .destroy = destroy};

static struct subject *subject_new(void) {
    struct subject *s = wr_new(&subject_type);
    REQUIRE(s != NULL);
    s->value = 42;
    return s;
}

TEST(S24_finalize_runs_once_before_destroy) {
    struct subject *s = subject_new();
    wr_release(wr_retain(s));
    CHECK_EQ(finalized, 0);
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
}

TEST(S24_the_same_for_an_object_without_in_a_slot_that_had_weak_values) {
    struct subject *s = subject_new();
    s->self = wr_weak_of(s);
    wr_release(s);
    finalized = destroyed = 0;
    s = subject_new();
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
}

TEST(S24_the_same_for_an_object_with_weak_values) {
    struct subject *s = subject_new();
    s->self = wr_weak_of(s);
    wr_weak w = s->self;
    wr_release(wr_weak_get(w));
    CHECK_EQ(finalized, 0);
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

static void get_nothing(void *self) {
    struct subject *s = self;
    CHECK(!wr_weak_is_dead(s->self));
    CHECK_NULL(wr_weak_get(s->self));
    CHECK(!wr_weak_is_dead(s->self));
    CHECK_NULL(wr_weak_get(s->self));
}

TEST(S25_while_finalize_runs_gets_fail_and_is_dead_is_false) {
    struct subject *s = subject_new();
    wr_weak w = s->self = wr_weak_of(s);
    s->action = get_nothing;
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(S25_a_resurrected_object_has_its_weak_values_back) {
    struct subject *s = subject_new();
    wr_weak w = s->self = wr_weak_of(s);
    s->keep_in = &kept;
    s->action = get_nothing;
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 0);
    CHECK_PTR_EQ(kept, s);
    CHECK_EQ(wr_refcount(s), 1);
    CHECK(!wr_weak_is_dead(w));
    void *got = wr_weak_get(w);
    CHECK_PTR_EQ(got, s);
    CHECK(wr_weak_equal(wr_weak_of(s), w));
    wr_release(got);
    CHECK_EQ(destroyed, 0);
    wr_release(kept);
    CHECK_EQ(finalized, 1); /* not again */
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(S25_resurrection_without_weak_values) {
    struct subject *s = subject_new();
    s->keep_in = &kept;
    wr_release(s);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_refcount(s), 1);
    wr_weak w = wr_weak_of(kept); /* first weak value after the resurrection */
    CHECK(can_get(w));
    wr_release(kept);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

static void retain_three(void *self) {
    for (int i = 0; i < 3; i++)
        wr_retain(self);
}

TEST(a_finalize_may_keep_several_references) {
    struct subject *s = subject_new();
    s->action = retain_three;
    wr_release(s);
    CHECK_EQ(wr_refcount(s), 3);
    wr_release(s);
    wr_release(s);
    CHECK_EQ(destroyed, 0);
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
}

static void retain_and_release(void *self) {
    for (int i = 0; i < 10; i++)
        wr_release(wr_retain(self));
    CHECK_EQ(destroyed, 0);
}

TEST(S24_self_is_fully_usable_in_finalize) {
    struct subject *s = subject_new();
    s->action = retain_and_release;
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    s = subject_new();
    destroyed = finalized = 0;
    s->self = wr_weak_of(s);
    s->action = retain_and_release;
    wr_release(s);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
}

static wr_weak made_in_finalize;
static void make_weak(void *self) {
    made_in_finalize = wr_weak_of(self);
    CHECK(!wr_weak_is_null(made_in_finalize));
    CHECK(!wr_weak_is_dead(made_in_finalize));
    CHECK_NULL(wr_weak_get(made_in_finalize));
}

TEST(S26_a_weak_value_made_in_finalize_dies_with_the_object) {
    struct subject *s = subject_new();
    s->action = make_weak;
    wr_release(s);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(made_in_finalize));
    CHECK_NULL(wr_weak_get(made_in_finalize));
    s = subject_new(); /* in the same slot, maybe */
    CHECK_NULL(wr_weak_get(made_in_finalize));
    CHECK_EQ(wr_refcount(s), 1);
    destroyed = 0;
    wr_release(s);
}

TEST(a_weak_value_made_in_finalize_survives_resurrection) {
    struct subject *s = subject_new();
    s->action = make_weak;
    s->keep_in = &kept;
    wr_release(s);
    CHECK(can_get(made_in_finalize));
    wr_release(kept);
    CHECK(wr_weak_is_dead(made_in_finalize));
    CHECK_EQ(destroyed, 1);
}

static void kill_self(void *self) {
    CHECK_EQ(wr_kill(self), 1);
    CHECK_EQ(wr_kill(self), 0);
}

TEST(S41_resurrection_does_not_revive_the_weak_values_of_a_killed_object) {
    for (int in_finalize = 0; in_finalize < 2; in_finalize++) {
        struct subject *s = subject_new();
        wr_weak w = s->self = wr_weak_of(s);
        s->keep_in = &kept;
        if (in_finalize)
            s->action = kill_self;
        else
            CHECK_EQ(wr_kill(s), 1);
        wr_release(s);
        CHECK_EQ(finalized, 1);
        CHECK_EQ(destroyed, 0);
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        CHECK(wr_weak_is_null(wr_weak_of(kept)));
        CHECK_EQ(wr_refcount(kept), 1);
        wr_release(kept);
        CHECK_EQ(finalized, 1);
        CHECK_EQ(destroyed, 1);
        finalized = destroyed = 0;
    }
}

TEST(each_object_in_a_slot_is_finalized) {
    for (unsigned i = 1; i <= 600; i++) {
        struct subject *s = subject_new();
        if (i % 2)
            s->self = wr_weak_of(s);
        if (i % 3 == 0)
            s->keep_in = &kept;
        wr_release(s);
        CHECK_EQ(finalized, 1);
        if (i % 3 == 0) {
            CHECK_EQ(destroyed, 0);
            wr_release(kept);
        }
        CHECK_EQ(finalized, 1);
        CHECK_EQ(destroyed, 1);
        finalized = destroyed = 0;
    }
}

static void release_kept(void *self) {
    (void)self;
    void *other = kept;
    kept = NULL;
    wr_release(other);
    CHECK_EQ(destroyed, 0); /* the other's death waits for the end of this finalize */
}

TEST(a_death_in_a_finalize_waits_for_its_end) {
    struct subject *a = subject_new();
    unsigned others = 0;
    kept = probe_new(&others);
    a->action = release_kept;
    wr_release(a);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(others, 1);
}

static void finalize_only(void *self) {
    finalized++;
    kept = wr_retain(self);
}

TEST(a_type_may_have_finalize_and_no_destroy) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = finalize_only};
    void *p = wr_new(&type);
    wr_weak w = wr_weak_of(p);
    wr_release(p);
    CHECK_EQ(finalized, 1);
    CHECK(can_get(w));
    wr_release(kept);
    CHECK_EQ(finalized, 1);
    CHECK(wr_weak_is_dead(w));
}
