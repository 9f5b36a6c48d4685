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
    wr_weak w;
    struct wr_slot *slot;
};

static void get_in_vain(void *arg) {
    const struct stray *s = arg;
    CHECK_NULL(wr_weak_get(s->w));
}

/* Make an object that only a failing get still holds: it found an older tag, and is about to give back. */
static struct stray *hold_by_stray(const wr_type *type, char name) {
    static struct stray strays[8];
    static unsigned used;
    struct stray *s = &strays[used++];
    struct orphan *o = wr_new(type);
    REQUIRE(o != NULL);
    o->name = name;
    s->slot = wr_slot_of(o);
    s->w = wr_weak_of(o);
    puppet_start(&s->puppet, get_in_vain, s);
    CHECK(puppet_run_to(&s->puppet, "add_acquire", &s->slot->word));
    CHECK_EQ(wr_kill(o), 1);
    CHECK(puppet_run_to(&s->puppet, "sub", &s->slot->word));
    CHECK_EQ(wr_refcount(o), 2);
    wr_release(o);
    CHECK_EQ(destroyed() + finalized(), 0);
    return s;
}

/* Let the failed get end: on its thread nothing of the user's runs. Nothing but the list of orphans orders it before
 * what its object's destroy will read. */
static void abandon(struct stray *s) {
    unsigned before = destroyed() + finalized();
    puppet_let_go(&s->puppet);
    CHECK_EQ(destroyed() + finalized(), before);
    REQUIRE(pthread_detach(s->puppet.thread) == 0);
}

static void make_orphan(const wr_type *type, char name) {
    abandon(hold_by_stray(type, name));
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
    struct stray *s = hold_by_stray(&orphan_type, 'a');
    CHECK(wr_weak_is_dead(s->w));
    abandon(s);
    CHECK_EQ(word_tag(wr_load_relaxed(&s->slot->word)) & 1, 0);
    CHECK(wr_weak_is_dead(s->w));
    CHECK_NULL(wr_weak_get(s->w));
    wr_release(probe_new(NULL));
    CHECK_EQ(destroyed(), 1);
}

TEST(orphans_are_destroyed_in_the_order_they_were_left) {
    struct stray *a = hold_by_stray(&orphan_type, 'a'), *b = hold_by_stray(&orphan_type, 'b'),
                 *c = hold_by_stray(&orphan_type, 'c');
    abandon(b);
    abandon(a);
    abandon(c);
    wr_release(probe_new(NULL));
    is_destroyed_here(3);
    CHECK_STR_EQ(seen.order, "bac");
}

TEST(two_threads_leave_orphans_at_once) {
    struct stray *a = hold_by_stray(&orphan_type, 'a'), *b = hold_by_stray(&orphan_type, 'b');
    CHECK(puppet_run_to(&a->puppet, "cas_release", NULL)); /* has linked itself to the list as it was */
    abandon(b);
    abandon(a);
    (void)wr_trim();
    is_destroyed_here(2);
    CHECK_STR_EQ(seen.order, "ba");
}

TEST(the_list_is_taken_while_an_orphan_is_being_left) {
    struct stray *a = hold_by_stray(&orphan_type, 'a'), *b = hold_by_stray(&orphan_type, 'b');
    abandon(b);
    CHECK(puppet_run_to(&a->puppet, "cas_release", NULL)); /* linked to b, which goes away */
    (void)wr_trim();
    is_destroyed_here(1);
    abandon(a);
    (void)wr_trim();
    is_destroyed_here(2);
    (void)wr_trim();
    CHECK_EQ(destroyed(), 2);
}

TEST(what_an_orphan_owns_dies_with_it) {
    unsigned child_died = 0;
    struct stray *s = hold_by_stray(&orphan_type, 'a');
    ((struct orphan *)wr_payload_of(s->slot))->child = probe_new(&child_died);
    abandon(s);
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

#endif
