/* SPDX-License-Identifier: MIT */
/* Keys of caches: words, bytes in the objects, the caller's own hash, and keys that differ by little. */
#include "containers.h"

TEST(keys_that_are_words) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    wr_cache *c = cache_new_ex(&o);
    probe *a = probe_new(NULL);
    probe *b = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, NULL, 0, a), 0);
    CHECK_EQ(wr_cache_put(c, (void *)(uintptr_t)42, 0, b), 0);
    CHECK_EQ(wr_cache_put(c, a, 8, b), -EINVAL);
    void *got = wr_cache_get(c, NULL, 0);
    CHECK_PTR_EQ(got, a);
    wr_release(got);
    got = wr_cache_get(c, (void *)(uintptr_t)42, 0);
    CHECK_PTR_EQ(got, b);
    wr_release(got);
    CHECK_NULL(wr_cache_get(c, (void *)(uintptr_t)43, 0));
    wr_cache *copy = wr_cache_copy(c);
    wr_release(a);
    uintptr_t key = 0;
    size_t len = 0;
    got = wr_cache_popitem(copy, &key, sizeof key, &len);
    CHECK_PTR_EQ(got, b);
    CHECK_EQ(key, 42);
    CHECK_EQ(len, sizeof key);
    wr_release(got);
    wr_cache *bytes = cache_new();
    CHECK_EQ(wr_cache_update(bytes, c), -EINVAL);
    wr_release(b);
    wr_cache_free(bytes);
    wr_cache_free(copy);
    wr_cache_free(c);
    check_nothing_left();
}

struct named {
    char name[16];
};
static const wr_type named_type = {.abi = WR_TYPE_ABI, .name = "named", .size = sizeof(struct named)};

static void *make_named(const void *key, size_t len, void *arg) {
    (void)arg;
    struct named *n = wr_new(&named_type);
    REQUIRE(n != NULL && len < sizeof n->name);
    memcpy(n->name, key, len);
    return n;
}

TEST(keys_that_lie_in_the_objects) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEYS_IN_VALUES;
    wr_cache *c = cache_new_ex(&o);
    struct named *n = make_named("abc", 3, NULL);
    CHECK_EQ(wr_cache_put(c, n->name, 3, n), 0);
    CHECK(cached(c, "abc", n));
    CHECK(cached(c, "abd", NULL));
    wr_cache *copied = cache_new();
    CHECK_EQ(wr_cache_update(copied, c), 0);
    CHECK(cached(copied, "abc", n));
    CHECK_EQ(wr_cache_update(c, copied), -EINVAL); /* their bytes go with the entries */
    wr_release(n);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(copied);
    wr_cache_free(c);
    check_nothing_left();
}

static uint64_t constant_hash(const void *key, size_t len, void *arg) {
    (void)key, (void)len;
    ++*(unsigned *)arg;
    return 7;
}

TEST(a_hash_of_the_callers_however_bad) {
    unsigned asked = 0;
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.hash = constant_hash;
    o.hash_arg = &asked;
    wr_cache *c = cache_new_ex(&o);
    enum { N = 150 }; /* more than one step of a walk */
    probe *p[N];
    for (unsigned i = 0; i < N; i++) {
        p[i] = probe_new(NULL);
        CHECK_EQ(wr_cache_put(c, &i, sizeof i, p[i]), 0);
    }
    CHECK_EQ(asked, N);
    CHECK_EQ(wr_cache_len(c), N);
    for (unsigned i = 0; i < N; i++)
        CHECK(cached_at(c, i, p[i]));
    for (unsigned i = 0; i < N; i += 2)
        wr_release(p[i]);
    CHECK_EQ(wr_cache_len(c), N / 2);
    for (unsigned i = 0; i < N; i++)
        CHECK_EQ(wr_cache_contains(c, &i, sizeof i), i % 2);
    wr_cache_clear(c);
    CHECK_EQ(wr_cache_len(c), 0);
    for (unsigned i = 1; i < N; i += 2)
        wr_release(p[i]);
    wr_cache_free(c);
    check_nothing_left();
}

/* Bytes that are the same but for one, at any place, and beginnings of each other: all under one hash. */
TEST(keys_of_one_hash_are_told_apart_by_each_byte_and_by_length) {
    unsigned asked = 0;
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.hash = constant_hash;
    o.hash_arg = &asked;
    wr_cache *c = cache_new_ex(&o);
    enum { LONGEST = 40 };
    probe *whole[LONGEST + 1];
    char key[LONGEST] = {0};
    for (unsigned len = 0; len <= LONGEST; len++) {
        whole[len] = probe_new(NULL);
        CHECK_EQ(wr_cache_put(c, key, len, whole[len]), 0);
    }
    for (unsigned len = 1; len <= LONGEST; len++)
        for (unsigned at = 0; at < len; at++) {
            key[at] = 1;
            CHECK(!wr_cache_contains(c, key, len));
            probe *changed = probe_new(NULL);
            CHECK_EQ(wr_cache_put(c, key, len, changed), 0);
            void *got = wr_cache_get(c, key, len);
            CHECK_PTR_EQ(got, changed);
            wr_release(got);
            wr_release(changed);
            key[at] = 0;
        }
    for (unsigned len = 0; len <= LONGEST; len++) {
        void *got = wr_cache_pop(c, key, len);
        CHECK_PTR_EQ(got, whole[len]);
        wr_release(got);
        wr_release(whole[len]);
    }
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    check_nothing_left();
}

/* Each of these is made inside of the make of the one before. */
static const char *const nested[] = {"a", "b", "ab", "", NULL};

static void *make_nested(const void *key, size_t len, void *arg) {
    wr_cache *c = arg;
    unsigned i = 0;
    while (strlen(nested[i]) != len || memcmp(nested[i], key, len) != 0)
        i++;
    if (nested[i + 1] != NULL) {
        void *inner = wr_cache_get_or_create(c, nested[i + 1], strlen(nested[i + 1]), make_nested, c);
        CHECK_NOT_NULL(inner);
        CHECK_EQ(((probe *)inner)->value, i + 1);
        wr_release(inner);
    }
    probe *p = probe_new(NULL);
    p->value = i;
    return p;
}

TEST(S48_keys_of_one_hash_have_makers_of_their_own) {
    unsigned asked = 0;
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.hash = constant_hash;
    o.hash_arg = &asked;
    wr_cache *c = cache_new_ex(&o);
    probe *p = wr_cache_get_or_create(c, nested[0], 1, make_nested, c);
    REQUIRE(p != NULL);
    CHECK_EQ(p->value, 0);
    wr_release(p);
    CHECK_EQ(asked, 4);
    wr_cache_free(c);
    check_nothing_left();
}

static uint64_t hash_word(const void *key, size_t len, void *arg) {
    CHECK_EQ(len, 0);
    CHECK_PTR_EQ(key, arg);
    return 1;
}

TEST(the_callers_hash_is_asked_with_the_key_as_the_caller_gave_it) {
    unsigned word = 0;
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    o.hash = hash_word;
    o.hash_arg = &word;
    wr_cache *c = cache_new_ex(&o);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, &word, 0, p), 0);
    CHECK(wr_cache_contains(c, &word, 0));
    CHECK_EQ(wr_cache_remove(c, &word, 0), 0);
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}

TEST(a_key_is_written_as_far_as_there_is_room) {
    wr_cache *c = cache_new();
    probe *p = probe_new(NULL);
    char room[8] = "........";
    size_t len = 0;
    CHECK_EQ(wr_cache_put(c, "abcdef", 6, p), 0);
    void *got = wr_cache_popitem(c, room, 3, &len);
    CHECK_PTR_EQ(got, p);
    CHECK_EQ(len, 6); /* of all of it */
    CHECK(memcmp(room, "abc.....", 8) == 0);
    wr_release(got);
    CHECK_EQ(wr_cache_put(c, "abcdef", 6, p), 0);
    got = wr_cache_popitem(c, room, sizeof room, NULL);
    CHECK_PTR_EQ(got, p);
    CHECK(memcmp(room, "abcdef..", 8) == 0);
    wr_release(got);
    CHECK_EQ(wr_cache_put(c, "", 0, p), 0);
    got = wr_cache_popitem(c, NULL, 0, &len);
    CHECK_PTR_EQ(got, p);
    CHECK_EQ(len, 0);
    wr_release(got);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    wr_cache_free(c);
    check_nothing_left();
}
