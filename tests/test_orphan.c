/* SPDX-License-Identifier: MIT */
/* A failed get that finds itself with the last reference closes the object, but runs no user code: the object is an
 * orphan, and the next death, refill or trim on any thread destroys it. */
#include "puppet.h"

#ifndef WR_HOOK
TEST(S25_orphans) {
    SKIP("needs VARIANT=hook");
}
#else

/* Looked at while puppets stand: the atomics order nothing. */
static struct orphan_log {
    atomic_uint finalized, destroyed;
    char order[8];
    pthread_t by;
    void *kept;
    bool keep;
} seen;

static unsigned destroyed(void) {
    return atomic_load_explicit(&seen.destroyed, memory_order_relaxed);
}
static unsigned finalized(void) {
    return atomic_load_explicit(&seen.finalized, memory_order_relaxed);
}

struct orphan {
    char name;
    void *child;
};

static void orphan_destroy(void *self) {
    struct orphan *o = self;
    seen.order[destroyed() % (sizeof seen.order - 1)] = o->name;
    seen.by = pthread_self();
    atomic_fetch_add_explicit(&seen.destroyed, 1, memory_order_relaxed);
    wr_release(o->child);
}

static void orphan_finalize(void *self) {
    atomic_fetch_add_explicit(&seen.finalized, 1, memory_order_relaxed);
    if (seen.keep)
        seen.kept = wr_retain(self);
}

static const wr_type orphan_type = {
    .abi = WR_TYPE_ABI, .name = "orphan", .size = sizeof(struct orphan), .destroy = orphan_destroy};
static const wr_type finalized_type = {.abi = WR_TYPE_ABI,
                                       .name = "finalized",
                                       .size = sizeof(struct orphan),
                                       .destroy = orphan_destroy,
                                       .finalize = orphan_finalize};

struct stray {
    puppet puppet;
    look_up look;
    struct wr_slot *slot;
};

/* Make an object that only a failing get still holds: it found an older tag, and is about to give back. */
static wr_weak hold_by_stray(struct stray *s, const wr_type *type, char name) {
    struct orphan *o = wr_new(type);
    REQUIRE(o != NULL);
    o->name = name;
    s->slot = wr_slot_of(o);
    s->look = (look_up){wr_weak_of(o), o};
    puppet_start(&s->puppet, puppet_get, &s->look);
    CHECK(puppet_run_to(&s->puppet, "add_acquire", &s->slot->word));
    CHECK_EQ(wr_kill(o), 1);
    CHECK(puppet_run_to(&s->puppet, "sub_release", &s->slot->word));
    CHECK_EQ(wr_refcount(o), 2);
    wr_weak w = s->look.w;
    wr_release(o);
    CHECK_EQ(destroyed() + finalized(), 0);
    return w;
}

/* Let the failed get end: on its thread nothing of the user's runs. */
static void abandon(struct stray *s) {
    unsigned before = destroyed() + finalized();
    puppet_run_out(&s->puppet);
    CHECK_NULL(s->look.got);
    CHECK_EQ(destroyed() + finalized(), before);
}

static void make_orphan(const wr_type *type, char name) {
    struct stray s;
    (void)hold_by_stray(&s, type, name);
    abandon(&s);
}

static void is_destroyed_here(unsigned count) {
    CHECK_EQ(destroyed(), count);
    CHECK(pthread_equal(seen.by, pthread_self()));
}

TEST(an_orphan_is_destroyed_by_the_next_death) {
    probe *other = probe_new(NULL);
    (void)wr_weak_of(other);
    make_orphan(&orphan_type, 'a');
    wr_release(other);
    is_destroyed_here(1);
}

TEST(an_orphan_is_destroyed_by_the_death_of_an_object_without_destroy) {
    static const wr_type plain = {.abi = WR_TYPE_ABI, .size = 8};
    void *other = wr_new(&plain);
    make_orphan(&orphan_type, 'a');
    wr_release(other);
    is_destroyed_here(1);
}

TEST(an_orphan_is_destroyed_by_a_refill_in_wr_new) {
    static const wr_type plain = {.abi = WR_TYPE_ABI, .size = 8};
    void *made[400];
    unsigned count = 0;
    make_orphan(&orphan_type, 'a');
    while (count < 400 && destroyed() == 0)
        REQUIRE((made[count++] = wr_new(&plain)) != NULL);
    is_destroyed_here(1);
    while (count > 0)
        wr_release(made[--count]);
}

TEST(an_orphan_is_destroyed_by_wr_trim) {
    make_orphan(&orphan_type, 'a');
    (void)wr_trim();
    is_destroyed_here(1);
}

static void die_elsewhere(void *arg) {
    (void)arg;
    wr_release(probe_new(NULL));
}

TEST(an_orphan_is_destroyed_on_any_thread) {
    make_orphan(&orphan_type, 'a');
    puppet p;
    puppet_start(&p, die_elsewhere, NULL);
    puppet_run_out(&p); /* its first steps, unwatched, are a death too */
    CHECK_EQ(destroyed(), 1);
    CHECK(!pthread_equal(seen.by, pthread_self()));
}

TEST(an_orphan_reads_dead_at_once) {
    struct stray s;
    wr_weak w = hold_by_stray(&s, &orphan_type, 'a');
    CHECK(wr_weak_is_dead(w));
    abandon(&s);
    CHECK_EQ(word_tag(wr_load_relaxed(&s.slot->word)) & 1, 0);
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
    wr_release(probe_new(NULL));
    CHECK_EQ(destroyed(), 1);
}

TEST(orphans_are_destroyed_in_the_order_they_were_left) {
    struct stray a, b, c;
    (void)hold_by_stray(&a, &orphan_type, 'a');
    (void)hold_by_stray(&b, &orphan_type, 'b');
    (void)hold_by_stray(&c, &orphan_type, 'c');
    abandon(&b);
    abandon(&a);
    abandon(&c);
    wr_release(probe_new(NULL));
    is_destroyed_here(3);
    CHECK_STR_EQ(seen.order, "bac");
}

TEST(two_threads_leave_orphans_at_once) {
    struct stray a, b;
    (void)hold_by_stray(&a, &orphan_type, 'a');
    (void)hold_by_stray(&b, &orphan_type, 'b');
    CHECK(puppet_run_to(&a.puppet, "cas_release", NULL)); /* has linked itself to the list as it was */
    abandon(&b);
    abandon(&a);
    (void)wr_trim();
    is_destroyed_here(2);
    CHECK_STR_EQ(seen.order, "ba");
}

TEST(the_list_is_taken_while_an_orphan_is_being_left) {
    struct stray a, b;
    (void)hold_by_stray(&a, &orphan_type, 'a');
    (void)hold_by_stray(&b, &orphan_type, 'b');
    abandon(&b);
    CHECK(puppet_run_to(&a.puppet, "cas_release", NULL)); /* linked to b, which goes away */
    (void)wr_trim();
    is_destroyed_here(1);
    abandon(&a);
    (void)wr_trim();
    is_destroyed_here(2);
    (void)wr_trim();
    CHECK_EQ(destroyed(), 2);
}

TEST(what_an_orphan_owns_dies_with_it) {
    unsigned child_died = 0;
    struct stray s;
    (void)hold_by_stray(&s, &orphan_type, 'a');
    ((struct orphan *)wr_payload_of(s.slot))->child = probe_new(&child_died);
    abandon(&s);
    CHECK_EQ(child_died, 0);
    wr_release(probe_new(NULL));
    CHECK_EQ(child_died, 1);
}

TEST(an_orphan_is_finalized_where_it_is_destroyed) {
    make_orphan(&finalized_type, 'a');
    CHECK_EQ(finalized(), 0);
    (void)wr_trim();
    CHECK_EQ(finalized(), 1);
    is_destroyed_here(1);
}

TEST(an_orphan_may_be_resurrected_by_its_finalize) {
    seen.keep = true;
    make_orphan(&finalized_type, 'a');
    (void)wr_trim();
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(destroyed(), 0);
    CHECK_EQ(wr_refcount(seen.kept), 1);
    wr_release(seen.kept);
    CHECK_EQ(finalized(), 1);
    is_destroyed_here(1);
}

/* ---- a look-up while finalize runs ---- */

/* Let a puppet release an object with finalize, and stop it when finalize is over, but not its time. */
static struct orphan *in_finalize(puppet *p) {
    struct orphan *o = wr_new(&finalized_type);
    REQUIRE(o != NULL);
    o->name = 'f';
    struct wr_slot *slot = wr_slot_of(o);
    (void)wr_weak_of(o);
    puppet_start(p, puppet_release, o);
    CHECK(puppet_run_to(p, "cas_acq_rel", &slot->word)); /* -> FIN */
    CHECK(puppet_run_to(p, "cas_acq_rel", &slot->word)); /* -> dead or resurrected */
    CHECK_EQ(finalized(), 1);
    return o;
}

TEST(S25_a_look_up_while_finalize_runs_is_refused) {
    puppet p;
    struct orphan *o = in_finalize(&p);
    wr_weak w = wr_weak_of(o);
    CHECK(!wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
    CHECK_EQ(wr_refcount(o), 1);
    CHECK_EQ(destroyed(), 0);
    puppet_run_out(&p);
    CHECK_EQ(destroyed(), 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(S25_a_look_up_in_flight_counts_as_a_resurrection_until_it_is_over) {
    puppet releasing, looking;
    struct orphan *o = in_finalize(&releasing);
    look_up look = {wr_weak_of(o), o};
    struct wr_slot *slot = wr_slot_of(o);
    puppet_start(&looking, puppet_get, &look);
    CHECK(puppet_run_to(&looking, "sub_release", &slot->word));
    puppet_run_out(&releasing); /* finds a second reference */
    CHECK_EQ(destroyed(), 0);
    CHECK(!wr_weak_is_dead(look.w));
    CHECK(can_get(look.w)); /* alive again, for anybody */
    puppet_run_out(&looking);
    CHECK_NULL(look.got);
    CHECK(wr_weak_is_dead(look.w));
    CHECK_EQ(destroyed(), 0); /* nobody's code ran in the get */
    wr_release(probe_new(NULL));
    CHECK_EQ(finalized(), 1);
    is_destroyed_here(1);
}

TEST(S25_who_got_the_resurrected_object_keeps_it) {
    puppet releasing, looking;
    struct orphan *o = in_finalize(&releasing);
    look_up look = {wr_weak_of(o), o};
    puppet_start(&looking, puppet_get, &look);
    CHECK(puppet_run_to(&looking, "sub_release", &wr_slot_of(o)->word));
    puppet_run_out(&releasing);
    struct orphan *got = wr_weak_get(look.w);
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&looking);
    CHECK_EQ(destroyed(), 0);
    CHECK_EQ(wr_refcount(got), 1);
    wr_release(got);
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(destroyed(), 1);
}

TEST(a_look_up_that_added_before_finalize_keeps_the_object_alive) {
    struct orphan *o = wr_new(&finalized_type);
    struct wr_slot *slot = wr_slot_of(o);
    wr_weak w = wr_weak_of(o);
    puppet p;
    puppet_start(&p, puppet_release, o);
    CHECK(puppet_run_to(&p, "cas_acq_rel", &slot->word));
    void *got = wr_weak_get(w);
    CHECK_PTR_EQ(got, o);
    puppet_run_out(&p);
    CHECK_EQ(finalized(), 0);
    wr_release(got);
    CHECK_EQ(finalized(), 1);
    CHECK_EQ(destroyed(), 1);
}

#endif
