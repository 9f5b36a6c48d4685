/* SPDX-License-Identifier: MIT */
/* Maps and sets by value, whose code is the types': a hash that fails, and one, or an equal, that ends objects. */
#include "containers.h"

/* ---- a hash that fails ---- */

static bool failing;
static int hash_or_fail(const void *self, uint64_t *out) {
    (void)self;
    *out = 7;
    return failing ? -EPERM : 0;
}
static const wr_type failing_type = {.abi = WR_TYPE_ABI, .name = "failing", .size = 8, .hash = hash_or_fail};

static void *failing_new(void) {
    failing = false;
    void *obj = wr_new(&failing_type);
    REQUIRE(obj != NULL);
    return obj;
}

TEST(S51_a_hash_that_fails_is_told_by_each_function_of_maps) {
    wr_weakmap *by_value = map_new(WR_BY_VALUE, NULL), *by_identity = map_new(0, NULL);
    void *key = failing_new(), *value = &value;
    probe *good = probe_new(NULL);
    int v;
    CHECK_EQ(wr_weakmap_set(by_value, key, &v), 0);
    CHECK_EQ(wr_weakmap_set(by_identity, key, &v), 0);
    CHECK_EQ(wr_weakmap_set(by_value, good, &v), 0);
    failing = true;
    CHECK_EQ(wr_weakmap_set(by_value, key, NULL), -EPERM);
    CHECK_EQ(wr_weakmap_set_default(by_value, key, NULL, &value), -EPERM);
    CHECK_NULL(value);
    CHECK_NULL(wr_weakmap_get(by_value, key));
    CHECK(!wr_weakmap_contains(by_value, key));
    CHECK_EQ(wr_weakmap_remove(by_value, key), -EPERM);
    CHECK_EQ(wr_weakmap_pop(by_value, key, &value), -EPERM);
    CHECK_EQ(wr_weakmap_update(by_value, by_identity), -EPERM);
    errno = 0;
    CHECK_NULL(wr_weakmap_copy(by_value));
    CHECK_EQ(errno, EPERM);
    CHECK_PTR_EQ(wr_weakmap_get(by_identity, key), &v); /* whose hash nobody asks */
    failing = false;
    CHECK_PTR_EQ(wr_weakmap_get(by_value, key), &v);
    CHECK_EQ(wr_weakmap_len(by_value), 2);
    CHECK_EQ(wr_refcount(key), 1);
    wr_release(key);
    wr_release(good);
    wr_weakmap_free(by_value);
    wr_weakmap_free(by_identity);
    check_nothing_left();
}

TEST(S52_a_hash_that_fails_is_told_by_each_function_of_sets) {
    wr_weakset *by_value = set_new(WR_BY_VALUE), *empty = set_new(WR_BY_VALUE), *by_identity = set_new(0);
    void *member = failing_new();
    CHECK_EQ(wr_weakset_add(by_value, member), 1);
    CHECK_EQ(wr_weakset_add(by_identity, member), 1);
    failing = true;
    CHECK_EQ(wr_weakset_add(by_value, member), -EPERM);
    CHECK_EQ(wr_weakset_discard(by_value, member), -EPERM);
    CHECK_EQ(wr_weakset_remove(by_value, member), -EPERM);
    CHECK(!wr_weakset_contains(by_value, member));
    CHECK_EQ(wr_weakset_update(by_value, by_identity), -EPERM);
    CHECK_EQ(wr_weakset_intersection_update(by_value, empty), -EPERM);
    CHECK_EQ(wr_weakset_difference_update(by_value, by_identity), -EPERM);
    CHECK_EQ(wr_weakset_symmetric_difference_update(empty, by_identity), -EPERM);
    wr_weakset *made[] = {wr_weakset_copy(by_value),
                          wr_weakset_union(by_value, empty),
                          wr_weakset_union(empty, by_identity),
                          wr_weakset_intersection(by_value, by_identity),
                          wr_weakset_difference(by_value, empty),
                          wr_weakset_symmetric_difference(by_value, empty),
                          wr_weakset_symmetric_difference(empty, by_identity)};
    CHECK_EQ(errno, EPERM);
    for (unsigned i = 0; i < sizeof made / sizeof made[0]; i++)
        CHECK_NULL(made[i]);
    failing = false;
    CHECK(wr_weakset_contains(by_value, member));
    CHECK_EQ(wr_weakset_len(by_value) + wr_weakset_len(by_identity) + wr_weakset_len(empty), 2);
    CHECK_EQ(wr_refcount(member), 1);
    wr_release(member);
    wr_weakset_free(by_value);
    wr_weakset_free(empty);
    wr_weakset_free(by_identity);
    check_nothing_left();
}

/* ---- what is killed while it is put in from another container is left out ---- */

static int hash_and_kill(const void *self, uint64_t *out) {
    (void)wr_kill((void *)(uintptr_t)self);
    *out = 7;
    return 0;
}
static const wr_type killed_type = {.abi = WR_TYPE_ABI, .name = "killed", .size = 8, .hash = hash_and_kill};

static size_t weigh_and_kill(const void *obj) {
    (void)wr_kill((void *)(uintptr_t)obj);
    return 1;
}

TEST(S49_a_cache_is_updated_without_what_is_killed_meanwhile) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.weigh = weigh_and_kill;
    wr_cache *from = cache_new(), *to = cache_new_ex(&o);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(from, "k", 1, p), 0);
    CHECK_EQ(wr_cache_update(to, from), 0);
    CHECK_EQ(wr_cache_len(from) + wr_cache_len(to), 0);
    wr_release(p);
    wr_cache_free(from);
    wr_cache_free(to);
    check_nothing_left();
}

TEST(S51_a_map_is_updated_without_what_is_killed_meanwhile) {
    wr_weakmap *from = map_new(0, NULL), *to = map_new(WR_BY_VALUE, NULL);
    void *key = wr_new(&killed_type);
    CHECK_EQ(wr_weakmap_set(from, key, NULL), 0);
    CHECK_EQ(wr_weakmap_update(to, from), 0);
    CHECK_EQ(wr_weakmap_len(from) + wr_weakmap_len(to), 0);
    wr_release(key);
    wr_weakmap_free(from);
    wr_weakmap_free(to);
    check_nothing_left();
}

TEST(S52_sets_are_made_without_what_is_killed_meanwhile) {
    wr_weakset *from = set_new(0), *to = set_new(WR_BY_VALUE);
    void *members[] = {wr_new(&killed_type), wr_new(&killed_type)};
    CHECK_EQ(wr_weakset_add(from, members[0]), 1);
    CHECK_EQ(wr_weakset_update(to, from), 0);
    CHECK_EQ(wr_weakset_len(from) + wr_weakset_len(to), 0);
    CHECK_EQ(wr_weakset_add(from, members[1]), 1);
    wr_weakset *made = wr_weakset_union(to, from);
    REQUIRE(made != NULL);
    CHECK_EQ(wr_weakset_len(from) + wr_weakset_len(made), 0);
    wr_release(members[0]);
    wr_release(members[1]);
    wr_weakset_free(from);
    wr_weakset_free(to);
    wr_weakset_free(made);
    check_nothing_left();
}

/* ---- an equal that ends what it compares ---- */

static void *ended;
static bool equal_and_end(const void *a, const void *b) {
    (void)a, (void)b;
    if (ended != NULL)
        CHECK_EQ(wr_kill(ended), 1);
    ended = NULL;
    return true;
}
static int one_hash(const void *self, uint64_t *out) {
    (void)self;
    *out = 7;
    return 0;
}
static const wr_type ended_type = {
    .abi = WR_TYPE_ABI, .name = "ended", .size = 8, .equal = equal_and_end, .hash = one_hash};

TEST(S51_a_key_that_is_ended_by_its_equal_is_not_found) {
    wr_weakmap *m = map_new(WR_BY_VALUE, NULL);
    int v;
    for (unsigned i = 0; i < 5; i++) {
        void *key = wr_new(&ended_type), *like = wr_new(&ended_type), *result = NULL;
        CHECK_EQ(wr_weakmap_set(m, key, &v), 0);
        ended = key;
        if (i == 0)
            CHECK_NULL(wr_weakmap_get(m, like));
        else if (i == 1)
            CHECK(!wr_weakmap_contains(m, like));
        else if (i == 2)
            CHECK_EQ(wr_weakmap_remove(m, like), -ENOENT);
        else if (i == 3)
            CHECK_EQ(wr_weakmap_pop(m, like, &result), -ENOENT);
        else
            CHECK_EQ(wr_weakmap_set_default(m, like, &m, &result), 1);
        CHECK_EQ(wr_weakmap_len(m), i == 4);
        CHECK_EQ(wr_refcount(key), 1);
        wr_release(key);
        wr_release(like);
    }
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S52_a_member_that_is_ended_by_its_equal_is_none) {
    wr_weakset *s = set_new(WR_BY_VALUE);
    for (unsigned i = 0; i < 3; i++) {
        void *member = wr_new(&ended_type), *like = wr_new(&ended_type);
        CHECK_EQ(wr_weakset_add(s, member), 1);
        ended = member;
        if (i == 0)
            CHECK(!wr_weakset_contains(s, like));
        else if (i == 1)
            CHECK_EQ(wr_weakset_discard(s, like), 0);
        else
            CHECK_EQ(wr_weakset_add(s, like), 1);
        CHECK_EQ(wr_weakset_len(s), i == 2);
        CHECK_EQ(wr_refcount(member), 1);
        wr_release(member);
        wr_release(like);
    }
    wr_weakset_free(s);
    check_nothing_left();
}

/* ---- by identity, nobody is asked ---- */

TEST(S51_by_identity_equal_keys_are_different_ones) {
    wr_weakmap *m = wr_weakmap_new(NULL);
    wr_weakset *s = wr_weakset_new();
    unsigned asked = 0;
    struct number *a = number_new(1, &asked), *b = number_new(1, &asked);
    CHECK_EQ(wr_weakmap_set(m, a, a), 0);
    CHECK_NULL(wr_weakmap_get(m, b));
    CHECK_EQ(wr_weakmap_set(m, b, b), 0);
    CHECK_EQ(wr_weakset_add(s, a), 1);
    CHECK(!wr_weakset_contains(s, b));
    CHECK_EQ(wr_weakset_add(s, b), 1);
    CHECK_EQ(wr_weakmap_len(m) + wr_weakset_len(s), 4);
    CHECK_EQ(asked, 0);
    wr_release(a);
    wr_release(b);
    wr_weakmap_free(m);
    wr_weakset_free(s);
    check_nothing_left();
}

TEST(S52_what_is_made_of_a_set_by_value_is_by_value) {
    wr_weakset *a = set_new(WR_BY_VALUE), *b = set_new(0);
    struct number *one = number_new(1, NULL), *like = number_new(1, NULL);
    CHECK_EQ(wr_weakset_add(a, one), 1);
    CHECK_EQ(wr_weakset_add(b, like), 1);
    wr_weakset *made[] = {wr_weakset_copy(a), wr_weakset_union(a, b), wr_weakset_difference(a, b),
                          wr_weakset_union(b, a)};
    CHECK(wr_weakset_contains(made[0], like));
    CHECK_EQ(wr_weakset_len(made[1]), 1);
    CHECK(wr_weakset_contains(made[2], like)); /* by identity b has another one */
    CHECK_EQ(wr_weakset_len(made[3]), 2);
    for (unsigned i = 0; i < 4; i++)
        wr_weakset_free(made[i]);
    wr_weakset_free(a);
    wr_weakset_free(b);
    wr_release(one);
    wr_release(like);
    check_nothing_left();
}
