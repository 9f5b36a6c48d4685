/* SPDX-License-Identifier: MIT */
/* Weak sets: Python's TestWeakSet by its meaning; each test is named after the one it ports. By identity, and the same
 * by value. */
#include "containers.h"

enum { N = 12 };

struct world {
    unsigned flags;
    struct number *n[N];
};

static void make_world(struct world *w, unsigned flags) {
    w->flags = flags;
    for (unsigned i = 0; i < N; i++)
        w->n[i] = number_new(i, NULL);
}

static void end_world(struct world *w) {
    for (unsigned i = 0; i < N; i++)
        wr_release(w->n[i]);
}

/* The set of those whose bits are in `members`. */
static wr_weakset *set_of(struct world *w, unsigned members) {
    wr_weakset *s = set_new(w->flags);
    for (unsigned i = 0; i < N; i++)
        if (members >> i & 1)
            CHECK_EQ(wr_weakset_add(s, w->n[i]), 1);
    return s;
}

static int collect(void *obj, void *arg) {
    unsigned bit = 1u << ((struct number *)obj)->value;
    CHECK(!(*(unsigned *)arg & bit)); /* each once */
    *(unsigned *)arg |= bit;
    return 0;
}

/* The other way round. */
static unsigned members(wr_weakset *s) {
    unsigned bits = 0;
    CHECK_EQ(wr_weakset_foreach(s, collect, &bits), 0);
    return bits;
}

/* And of a set that is to be freed. */
static unsigned members_of_new(wr_weakset *s) {
    REQUIRE(s != NULL);
    unsigned bits = members(s);
    CHECK_EQ(wr_weakset_len(s), (unsigned)__builtin_popcount(bits));
    wr_weakset_free(s);
    return bits;
}

TEST(S52_len_contains_and_add) {
    struct world w;
    make_world(&w, 0);
    wr_weakset *s = set_of(&w, 0xff);
    CHECK_EQ(wr_weakset_len(s), 8);
    CHECK(wr_weakset_contains(s, w.n[7]));
    CHECK(!wr_weakset_contains(s, w.n[8]));
    CHECK_EQ(wr_weakset_add(s, w.n[7]), 0);
    CHECK_EQ(wr_weakset_len(s), 8);
    wr_release(w.n[7]);
    w.n[7] = NULL;
    CHECK_EQ(wr_weakset_len(s), 7);
    struct number *at_once = number_new(1, NULL);
    CHECK_EQ(wr_weakset_add(s, at_once), 1);
    wr_release(at_once);
    CHECK_EQ(wr_weakset_len(s), 7);
    void *unreferable = wr_new(&no_weakref_type);
    CHECK(!wr_weakset_contains(s, unreferable));
    CHECK_EQ(wr_weakset_add(s, unreferable), -ENOTSUP);
    CHECK_EQ(wr_weakset_discard(s, unreferable), -ENOTSUP);
    CHECK_EQ(wr_weakset_add(s, NULL), -EINVAL);
    CHECK_EQ(wr_weakset_add(NULL, w.n[0]), -EINVAL);
    CHECK(!wr_weakset_contains(NULL, w.n[0]));
    wr_release(unreferable);
    CHECK_EQ(wr_kill(w.n[6]), 1);
    CHECK(!wr_weakset_contains(s, w.n[6]));
    CHECK_EQ(wr_weakset_add(s, w.n[6]), -ESTALE);
    CHECK_EQ(wr_weakset_len(s), 6);
    wr_weakset_free(s);
    end_world(&w);
    check_nothing_left();
}

TEST(S52_remove_discard_and_pop) {
    struct world w;
    make_world(&w, 0);
    wr_weakset *s = set_of(&w, 0xf);
    CHECK_EQ(wr_weakset_remove(s, w.n[0]), 0);
    CHECK_EQ(wr_weakset_remove(s, w.n[0]), -ENOENT);
    CHECK_EQ(wr_weakset_discard(s, w.n[1]), 1);
    CHECK_EQ(wr_weakset_discard(s, w.n[1]), 0);
    CHECK_EQ(members(s), 0xc);
    for (unsigned i = 0; i < 2; i++) {
        struct number *n = wr_weakset_pop(s);
        REQUIRE(n != NULL);
        CHECK(n == w.n[2] || n == w.n[3]);
        wr_release(n);
    }
    CHECK_NULL(wr_weakset_pop(s));
    CHECK_NULL(wr_weakset_pop(NULL));
    wr_weakset_free(s);
    s = set_of(&w, 0xff);
    wr_weakset_clear(s);
    CHECK_EQ(wr_weakset_len(s), 0);
    wr_weakset_free(s);
    end_world(&w);
    check_nothing_left();
}

static const unsigned pairs[][2] = {{0x0f, 0x3c}, {0xff, 0x0f}, {0x0f, 0xff}, {0x0f, 0xf0},
                                    {0, 0x0f},    {0x0f, 0},    {0, 0},       {0x55, 0x55}};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static void check_operations(unsigned flags) {
    struct world w;
    make_world(&w, flags);
    for (unsigned i = 0; i < PAIRS; i++) {
        unsigned x = pairs[i][0], y = pairs[i][1];
        wr_weakset *a = set_of(&w, x);
        wr_weakset *b = set_of(&w, y);
        CHECK_EQ(members_of_new(wr_weakset_union(a, b)), x | y);
        CHECK_EQ(members_of_new(wr_weakset_intersection(a, b)), x & y);
        CHECK_EQ(members_of_new(wr_weakset_difference(a, b)), x & ~y);
        CHECK_EQ(members_of_new(wr_weakset_symmetric_difference(a, b)), x ^ y);
        CHECK_EQ(wr_weakset_is_subset(a, b), (x & ~y) == 0);
        CHECK_EQ(wr_weakset_is_superset(a, b), (y & ~x) == 0);
        CHECK_EQ(wr_weakset_is_disjoint(a, b), (x & y) == 0);
        CHECK_EQ(wr_weakset_equal(a, b), x == y);
        CHECK_EQ(members(a), x);
        CHECK_EQ(members(b), y);
        wr_weakset_free(a);
        wr_weakset_free(b);
    }
    end_world(&w);
}

TEST(S52_union_intersection_difference_subset_disjoint_eq) {
    check_operations(0);
    check_nothing_left();
}

TEST(S52_the_same_by_value) {
    check_operations(WR_BY_VALUE);
    check_nothing_left();
}

TEST(S52_update_and_the_other_operations_in_place) {
    static int (*const update[])(wr_weakset *, wr_weakset *) = {
        wr_weakset_update, wr_weakset_intersection_update, wr_weakset_difference_update,
        wr_weakset_symmetric_difference_update};
    struct world w;
    make_world(&w, 0);
    for (unsigned i = 0; i < PAIRS; i++) {
        unsigned x = pairs[i][0], y = pairs[i][1];
        unsigned expected[] = {x | y, x & y, x & ~y, x ^ y};
        unsigned with_itself[] = {x, x, 0, 0}; /* test_inplace_on_self */
        for (unsigned op = 0; op < 4; op++) {
            wr_weakset *a = set_of(&w, x);
            wr_weakset *b = set_of(&w, y);
            CHECK_EQ(update[op](a, b), 0);
            CHECK_EQ(members_of_new(a), expected[op]);
            CHECK_EQ(members_of_new(b), y);
            a = set_of(&w, x);
            CHECK_EQ(update[op](a, a), 0);
            CHECK_EQ(update[op](a, NULL), -EINVAL);
            CHECK_EQ(update[op](NULL, a), -EINVAL);
            CHECK_EQ(members_of_new(a), with_itself[op]);
        }
    }
    end_world(&w);
    check_nothing_left();
}

TEST(S52_copy_and_results_shrink_with_deaths) {
    struct world w;
    make_world(&w, 0);
    wr_weakset *a = set_of(&w, 0x0f);
    wr_weakset *b = set_of(&w, 0x3c);
    wr_weakset *copy = wr_weakset_copy(a);
    wr_weakset *both = wr_weakset_union(a, b);
    CHECK_EQ(wr_weakset_equal(a, copy), 1);
    CHECK_EQ(wr_weakset_add(copy, w.n[9]), 1);
    CHECK_EQ(wr_weakset_equal(a, copy), 0);
    for (unsigned i = 0; i < 4; i++) {
        wr_release(w.n[i]);
        w.n[i] = NULL;
    }
    CHECK_EQ(wr_weakset_len(a), 0);
    CHECK_EQ(members(copy), 0x200);
    CHECK_EQ(members(both), 0x30);
    errno = 0;
    CHECK_NULL(wr_weakset_copy(NULL));
    CHECK_EQ(errno, EINVAL);
    CHECK_NULL(wr_weakset_union(a, NULL));
    CHECK_EQ(wr_weakset_is_subset(NULL, a), -EINVAL);
    CHECK_EQ(wr_weakset_equal(NULL, a), -EINVAL);
    wr_weakset_free(a);
    wr_weakset_free(b);
    wr_weakset_free(copy);
    wr_weakset_free(both);
    end_world(&w);
    check_nothing_left();
}

static struct world *world;
static wr_weakset *walked;
static unsigned calls;

static int destroy_the_rest(void *obj, void *arg) {
    (void)arg;
    for (unsigned i = 0; i < N && calls == 0; i++) {
        if (world->n[i] == obj)
            continue;
        wr_release(world->n[i]);
        world->n[i] = NULL;
    }
    calls++;
    return 0;
}

static int mutate(void *obj, void *arg) {
    (void)obj, (void)arg;
    if (calls++ > 0)
        return 0;
    wr_release(world->n[0]);
    world->n[0] = NULL;
    CHECK_LE(wr_weakset_len(walked), N); /* that one may be pinned still */
    (void)wr_weakset_remove(walked, world->n[1]);
    CHECK_EQ(wr_weakset_add(walked, world->n[1]), 1);
    wr_weakset *more = set_of(world, 0xff0);
    CHECK_EQ(wr_weakset_update(walked, more), 0);
    wr_weakset_free(more);
    wr_weakset_clear(walked);
    CHECK_EQ(wr_weakset_len(walked), 0);
    return 0;
}

TEST(weak_destroy_and_mutate_while_iterating) {
    static int (*const visits[])(void *, void *) = {destroy_the_rest, mutate};
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        make_world(&w, 0);
        world = &w;
        walked = set_of(&w, 0xfff);
        calls = 0;
        CHECK_EQ(wr_weakset_foreach(walked, visits[i], NULL), 0);
        CHECK_GE(calls, 1);
        CHECK_LE(calls, N);
        CHECK_EQ(wr_weakset_len(walked), i == 0 ? 1 : 0);
        wr_weakset_free(walked);
        end_world(&w);
    }
    check_nothing_left();
}

TEST(S52_by_value_an_equal_one_is_the_same) {
    wr_weakset *s = set_new(WR_BY_VALUE);
    struct number *a = number_new(1, NULL);
    struct number *b = number_new(1, NULL);
    probe *p = probe_new(NULL); /* of a type without equal: by identity */
    CHECK_EQ(wr_weakset_add(s, a), 1);
    CHECK_EQ(wr_weakset_add(s, b), 0);
    CHECK_EQ(wr_weakset_add(s, p), 1);
    CHECK(wr_weakset_contains(s, b));
    CHECK_EQ(wr_weakset_discard(s, b), 1);
    CHECK(!wr_weakset_contains(s, a));
    CHECK_EQ(wr_weakset_add(s, b), 1);
    wr_release(a);
    CHECK_EQ(wr_weakset_len(s), 2);
    wr_release(b);
    wr_release(p);
    CHECK_EQ(wr_weakset_len(s), 0);
    wr_weakset_free(s);
    check_nothing_left();
}
