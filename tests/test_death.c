/* SPDX-License-Identifier: MIT */
/* Death: order, deaths inside deaths, long chains. */
#include "common.h"

#include <limits.h>

/* An object that writes its name into a log when destroyed, before and after it releases what it owns. */
struct noted {
    char name;
    wr_weak watch[2]; /* looked at in destroy */
    struct noted *owns[2];
};

static char log_text[200];

static void note(char c) {
    size_t length = strlen(log_text);
    if (length < sizeof log_text - 1)
        log_text[length] = c;
}

static void noted_destroy(void *self) {
    struct noted *n = self;
    note(n->name);
    for (int i = 0; i < 2; i++) {
        wr_release(n->owns[i]);
        if (!wr_weak_is_null(n->watch[i]))
            note(wr_weak_is_dead(n->watch[i]) && wr_weak_get(n->watch[i]) == NULL ? '-' : '+');
    }
    note('.');
}

static const wr_type noted_type = {
    .abi = WR_TYPE_ABI, .name = "noted", .size = sizeof(struct noted), .destroy = noted_destroy};

static struct noted *noted_new(char name) {
    struct noted *n = wr_new(&noted_type);
    REQUIRE(n != NULL);
    n->name = name;
    return n;
}

TEST(S9_a_death_in_a_destroy_waits_for_its_end_but_reads_dead_at_once) {
    struct noted *a = noted_new('a'), *b = noted_new('b');
    a->watch[0] = wr_weak_of(b);
    a->owns[0] = b;
    wr_release(a);
    CHECK_STR_EQ(log_text, "a-.b.");
}

TEST(S20_waiting_deaths_read_dead_and_run_in_their_order) {
    struct noted *a = noted_new('a'), *b = noted_new('b'), *c = noted_new('c'), *d = noted_new('d'),
                 *e = noted_new('e');
    a->owns[0] = b;
    a->owns[1] = c;
    b->owns[0] = d;
    b->watch[0] = wr_weak_of(d);
    b->watch[1] = wr_weak_of(c); /* closed in a's destroy, waiting behind b */
    c->owns[0] = e;
    c->watch[0] = wr_weak_of(e);
    c->watch[1] = wr_weak_of(d);
    wr_release(a);
    CHECK_STR_EQ(log_text, "a.b--.c--.d.e.");
}

TEST(S20_never_weak_objects_keep_the_same_order) {
    struct noted *a = noted_new('a'), *b = noted_new('b'), *c = noted_new('c'), *d = noted_new('d');
    a->owns[0] = b;
    a->owns[1] = c;
    b->owns[0] = d;
    wr_release(a);
    CHECK_STR_EQ(log_text, "a.b.c.d.");
}

static void retain_in_destroy(void *self) {
    (void)self;
    note('(');
    struct noted *inner = noted_new('i'), *other = noted_new('o');
    wr_weak w = wr_weak_of(inner);
    wr_release(wr_weak_get(w));
    wr_release(inner);
    note(wr_weak_is_dead(w) ? '-' : '+');
    wr_retain(other);
    wr_release(other);
    wr_release(other);
    note(')');
}

TEST(S15_a_destroy_may_make_get_and_release_objects) {
    static const wr_type busy = {.abi = WR_TYPE_ABI, .size = 8, .destroy = retain_in_destroy};
    wr_release(wr_new(&busy));
    CHECK_STR_EQ(log_text, "(-)i.o.");
}

static void make_in_destroy(void *self) {
    void *made[300];
    static const wr_type same = {.abi = WR_TYPE_ABI, .size = 100};
    memset(self, 0x5a, 100);
    for (int i = 0; i < 300; i++) {
        made[i] = wr_new(&same);
        CHECK_PTR_NE(made[i], self);
        memset(made[i], 0, 100);
    }
    for (int i = 0; i < 100; i++)
        CHECK_EQ(((char *)self)[i], 0x5a);
    for (int i = 0; i < 300; i++)
        wr_release(made[i]);
}

TEST(S9_objects_made_in_a_destroy_do_not_get_its_memory) {
    static const wr_type greedy = {.abi = WR_TYPE_ABI, .size = 100, .destroy = make_in_destroy};
    for (int i = 0; i < 3; i++)
        wr_release(wr_new(&greedy));
}

TEST(S14_errno_is_kept_over_nested_deaths) {
    struct noted *a = noted_new('a');
    a->owns[0] = noted_new('b');
    errno = EXDEV;
    wr_release(a);
    CHECK_EQ(errno, EXDEV);
}

static void *release_there(void *head) {
    wr_release(head);
    return NULL;
}

/* Drop `head` on a thread whose stack holds a few thousand frames at the most. */
static void release_on_small_stack(void *head) {
    size_t size = watched() ? 1 << 18 : 1 << 15;
    pthread_attr_t attributes;
    pthread_t thread;
    if (size < (size_t)PTHREAD_STACK_MIN)
        size = (size_t)PTHREAD_STACK_MIN;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, size) == 0);
    REQUIRE(pthread_create(&thread, &attributes, release_there, head) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

TEST(S21_a_chain_of_a_million_dies_on_a_small_stack) {
    const unsigned length = scaled(1000000);
    unsigned destroyed = 0;
    probe *head = NULL;
    for (unsigned i = 0; i < length; i++) {
        probe *p = probe_new(&destroyed);
        p->child = head;
        head = p;
    }
    release_on_small_stack(head);
    CHECK_EQ(destroyed, length);
}

TEST(S21_a_chain_of_weakly_referenced_objects_too) {
    const unsigned length = scaled(1000000);
    wr_weak *values = calloc(length, sizeof *values);
    unsigned destroyed = 0, alive = 0;
    probe *head = NULL;
    REQUIRE(values != NULL);
    for (unsigned i = 0; i < length; i++) {
        probe *p = probe_new(&destroyed);
        p->child = head;
        values[i] = wr_weak_of(p);
        head = p;
    }
    release_on_small_stack(head);
    CHECK_EQ(destroyed, length);
    for (unsigned i = 0; i < length; i++)
        alive += !wr_weak_is_dead(values[i]) || wr_weak_get(values[i]) != NULL;
    CHECK_EQ(alive, 0);
    free(values);
}

static void *chain_finalized(unsigned length, unsigned *destroyed, void (*finalize)(void *)) {
    static wr_type type;
    type = probe_type;
    type.finalize = finalize;
    void *head = NULL;
    for (unsigned i = 0; i < length; i++) {
        probe *p = wr_new(&type);
        REQUIRE(p != NULL);
        p->destroyed = destroyed;
        p->child = head;
        head = p;
    }
    return head;
}

static unsigned finalized;
static void drop_child_early(void *self) {
    probe *p = self;
    finalized++;
    wr_release(p->child);
    p->child = NULL;
}

TEST(S21_a_chain_of_finalizers_too) {
    const unsigned length = scaled(200000);
    unsigned destroyed = 0;
    release_on_small_stack(chain_finalized(length, &destroyed, drop_child_early));
    CHECK_EQ(destroyed, length);
    CHECK_EQ(finalized, length);
}

struct wide {
    unsigned *destroyed;
    unsigned count;
    void *children[];
};

static void wide_destroy(void *self) {
    struct wide *w = self;
    ++*w->destroyed;
    for (unsigned i = 0; i < w->count; i++)
        wr_release(w->children[i]);
}

static const wr_type wide_type = {
    .abi = WR_TYPE_ABI, .name = "wide", .size = sizeof(struct wide), .destroy = wide_destroy};

static struct wide *tree(unsigned depth, unsigned fan, unsigned *destroyed, unsigned *made) {
    unsigned count = depth ? fan : 0;
    struct wide *w = wr_new_flex(&wide_type, count * sizeof(void *));
    REQUIRE(w != NULL);
    ++*made;
    w->destroyed = destroyed;
    w->count = count;
    for (unsigned i = 0; i < count; i++)
        w->children[i] = tree(depth - 1, fan, destroyed, made);
    return w;
}

TEST(a_wide_tree_dies_whole) {
    unsigned destroyed = 0, made = 0;
    struct wide *root = tree(4, 9, &destroyed, &made);
    wr_release(root);
    CHECK_EQ(made, 1 + 9 + 81 + 729 + 6561);
    CHECK_EQ(destroyed, made);
}

TEST(shared_children_die_with_the_last_parent) {
    unsigned destroyed = 0;
    probe *a = probe_new(&destroyed), *b = probe_new(&destroyed), *shared = probe_new(&destroyed);
    a->child = shared;
    b->child = wr_retain(shared);
    wr_release(a);
    CHECK_EQ(destroyed, 1);
    wr_release(b);
    CHECK_EQ(destroyed, 3);
}
