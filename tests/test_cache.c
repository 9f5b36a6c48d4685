/* SPDX-License-Identifier: MIT */
/* Caches on one thread: keys, entries, and what takes them out. */
#include "containers.h"

TEST(S49_get_put_and_what_is_not_there) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    CHECK_NULL(wr_cache_get(c, "a", 1));
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    void *got = wr_cache_get(c, "a", 1);
    CHECK_PTR_EQ(got, p);
    CHECK_EQ(wr_refcount(p), 2);
    wr_release(got);
    CHECK_NULL(wr_cache_get(c, "b", 1));
    CHECK_NULL(wr_cache_get(c, "a", 0));
    CHECK(wr_cache_contains(c, "a", 1));
    CHECK(!wr_cache_contains(c, "ab", 2));
    CHECK_EQ(wr_cache_len(c), 1);
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S47_an_entry_goes_with_its_object) {
    wr_cache *c = cache_new();
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_NULL(wr_cache_get(c, "a", 1));
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_remove(c, "a", 1), -ENOENT);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S47_an_entry_goes_when_its_object_is_cleared_or_killed) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0); /* alive still */
    CHECK_EQ(wr_weakref_clear_no_callbacks(p), 0);
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    CHECK_EQ(wr_kill(p), 1);
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), -ESTALE);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S47_the_old_objects_death_leaves_the_new_one) {
    wr_cache *c = cache_new();
    probe *old = probe_new(NULL);
    probe *new = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "a", 1, old), 0);
    CHECK_EQ(wr_cache_put(c, "a", 1, new), 0);
    CHECK_EQ(wr_cache_len(c), 1);
    wr_release(old);
    CHECK(cached(c, "a", new));
    wr_release(new);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(one_object_under_many_keys_and_in_many_caches) {
    wr_cache *c[3] = {cache_new(), cache_new(), cache_new()};
    probe *p = probe_new(NULL);
    for (unsigned i = 0; i < 300; i++)
        CHECK_EQ(wr_cache_put(c[i % 3], &i, sizeof i, p), 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(wr_cache_len(c[i]), 100);
    wr_cache_free(c[0]);
    wr_release(p);
    CHECK_EQ(wr_cache_len(c[1]) + wr_cache_len(c[2]), 0);
    wr_cache_free(c[1]);
    wr_cache_free(c[2]);
    check_nothing_left();
}

TEST(the_same_object_again_under_its_key_is_no_second_entry) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    CHECK_EQ(wr_cache_len(c), 1);
    wr_release(p);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S49_set_default_keeps_what_is_alive) {
    wr_cache *c = cache_new();
    probe *a = probe_new(NULL);
    probe *b = probe_new(NULL);
    void *got = wr_cache_set_default(c, "k", 1, a);
    CHECK_PTR_EQ(got, a);
    wr_release(got);
    got = wr_cache_set_default(c, "k", 1, b);
    CHECK_PTR_EQ(got, a);
    CHECK(cached(c, "k", a));
    wr_release(a);
    CHECK_EQ(wr_refcount(got), 1);
    wr_release(got);
    got = wr_cache_set_default(c, "k", 1, b);
    CHECK_PTR_EQ(got, b);
    wr_release(got);
    wr_release(b);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(S49_pop_and_remove) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    CHECK_NULL(wr_cache_pop(c, "a", 1));
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    void *got = wr_cache_pop(c, "a", 1);
    CHECK_PTR_EQ(got, p);
    wr_release(got);
    CHECK_EQ(wr_cache_len(c), 0);
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    CHECK_EQ(wr_cache_remove(c, "a", 1), 0);
    CHECK_EQ(wr_cache_remove(c, "a", 1), -ENOENT);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(keys_of_no_length_and_of_great_length) {
    wr_cache *c = cache_new();
    probe *a = probe_new(NULL);
    probe *b = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, NULL, 0, a), 0);
    CHECK(cached(c, "", a));
    enum { SIZE = 1 << 20 };
    char *key = malloc(SIZE);
    REQUIRE(key != NULL);
    for (unsigned len = 1; len <= SIZE; len *= 2) {
        memset(key, 'x', len);
        CHECK_EQ(wr_cache_put(c, key, len, b), 0);
        key[len - 1] = 'y'; /* it was copied */
        CHECK(!wr_cache_contains(c, key, len));
        key[len - 1] = 'x';
        CHECK(wr_cache_contains(c, key, len));
    }
    CHECK_EQ(wr_cache_len(c), 22);
    CHECK(cached(c, "", a));
    CHECK_EQ(wr_cache_put(c, key, (size_t)WR_MAX_KEY + 1, a), -EINVAL);
    CHECK_EQ(wr_cache_put(c, key, SIZE_MAX, a), -EINVAL);
    CHECK_NULL(wr_cache_get(c, key, SIZE_MAX));
    wr_release(b);
    CHECK_EQ(wr_cache_len(c), 1);
    wr_release(a);
    free(key);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(errno_is_kept_by_what_succeeds_and_by_what_finds_nothing) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    errno = ENOTTY;
    CHECK_EQ(wr_cache_put(c, "a", 1, p), 0);
    wr_release(wr_cache_get(c, "a", 1));
    CHECK_NULL(wr_cache_get(c, "b", 1));
    CHECK_NULL(wr_cache_pop(c, "b", 1));
    wr_release(p);
    CHECK_NULL(wr_cache_popitem(c, NULL, 0, NULL));
    wr_cache_free(c);
    CHECK_EQ(errno, ENOTTY);
    check_nothing_left();
}
