/* SPDX-License-Identifier: MIT */
/* Tables that grow and shrink, on their own and under a walk; and what they do without memory. */
#include "table.h"
#include "containers.h"

static struct {
    atomic_uint calls;
    unsigned fail_at; /* the call that fails, from 1; 0: none */
    bool fail_all;
    size_t largest;
} allocator;

static void *allocate(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (size > allocator.largest)
        allocator.largest = size;
    unsigned call = ++allocator.calls;
    return allocator.fail_all || call == allocator.fail_at ? NULL : malloc(size);
}

static void *put_new(wr_cache *c, unsigned key) {
    void *p = probe_new(NULL);
    ((probe *)p)->value = key;
    CHECK_EQ(wr_cache_put(c, &key, sizeof key, p), 0);
    return p;
}

static void check_all(wr_cache *c, void **p, unsigned n) {
    CHECK_EQ(wr_cache_len(c), n);
    for (unsigned i = 0; i < n; i++)
        CHECK(cached_at(c, i, p[i]));
}

static size_t rooms(wr_cache *c) {
    const struct table *table = (const struct table *)(const void *)c;
    size_t sum = 0;
    for (uint32_t i = 0; i < table->shard_count; i++)
        sum += table->shards[i].room;
    return sum;
}

enum { N = 20000 };
static void *objs[N];

TEST(a_table_grows_in_small_steps_and_shrinks_again) {
    CHECK_EQ(wr_set_allocator(allocate, NULL), 0);
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    wr_cache *c = cache_new_ex(&o);
    size_t empty = rooms(c);
    allocator.largest = 0;
    for (unsigned i = 0; i < N; i++)
        objs[i] = put_new(c, i);
    CHECK_LE(allocator.largest, 520 * sizeof(void *)); /* directories: of 512 segments, the longest */
    CHECK_GE(rooms(c) * WR_PLACES, N);
    CHECK_LE(rooms(c), N / 3 + SEGMENT);
    check_all(c, objs, N);
    for (unsigned i = 100; i < N; i++)
        wr_release(objs[i]);
    check_all(c, objs, 100);
    CHECK_LE(rooms(c), 3 * SEGMENT);
    CHECK_GT(rooms(c), empty);
    for (unsigned i = 100; i < N; i++)
        objs[i] = put_new(c, i);
    check_all(c, objs, N);
    for (unsigned i = 0; i < N; i++)
        wr_release(objs[i]);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
}

TEST(S49_without_memory_for_buckets_it_is_slower_and_not_wrong) {
    CHECK_EQ(wr_set_allocator(allocate, NULL), 0);
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    wr_cache *c = cache_new_ex(&o);
    objs[0] = put_new(c, 0); /* the thread's record is made */
    allocator.fail_all = true;
    enum { FEWER = 2000 };
    for (unsigned i = 1; i < FEWER; i++)
        objs[i] = put_new(c, i);
    check_all(c, objs, FEWER);
    CHECK_EQ(rooms(c), SEGMENT); /* what needs no directory */
    allocator.fail_all = false;
    for (unsigned i = FEWER; i < 2 * FEWER; i++)
        objs[i] = put_new(c, i);
    CHECK_GE(rooms(c) * WR_PLACES, FEWER);
    check_all(c, objs, 2 * FEWER);
    for (unsigned i = 0; i < 2 * FEWER; i++)
        wr_release(objs[i]);
    wr_cache_free(c);
}

TEST(S19_entries_go_without_memory) {
    CHECK_EQ(wr_set_allocator(allocate, NULL), 0);
    wr_cache *c = cache_new();
    for (unsigned i = 0; i < 3000; i++)
        objs[i] = put_new(c, i);
    allocator.calls = 0;
    for (unsigned i = 0; i < 3000; i++)
        wr_release(objs[i]);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(c);
    CHECK_EQ(allocator.calls, 0);
}

static void *make(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    return probe_new(NULL);
}

/* All that a cache does, with one allocation failing. Returns whether all succeeded. */
static bool use_all(void) {
    static char long_key[500];
    wr_cache *c = wr_cache_new();
    if (!c) {
        CHECK_EQ(errno, ENOMEM);
        return false;
    }
    bool whole = true;
    size_t len = 0;
    void *p = probe_new(NULL);
    int put = wr_cache_put(c, long_key, sizeof long_key, p);
    CHECK(put == 0 || put == -ENOMEM);
    len += put == 0;
    whole = whole && put == 0;
    CHECK_EQ(wr_cache_len(c), len);
    void *q = probe_new(NULL);
    put = wr_cache_put(c, long_key, sizeof long_key, q); /* refused, it leaves what is there */
    void *got = wr_cache_get(c, long_key, sizeof long_key);
    CHECK_PTR_EQ(got, put == 0 ? q : len ? p : NULL);
    whole = whole && put == 0;
    wr_release(got);
    got = wr_cache_get_or_create(c, long_key, 400, make, NULL);
    if (!got)
        CHECK_EQ(errno, ENOMEM);
    else
        CHECK(wr_cache_contains(c, long_key, 400));
    whole = whole && got;
    wr_cache *copy = wr_cache_copy(c);
    if (!copy)
        CHECK_EQ(errno, ENOMEM);
    whole = whole && copy;
    wr_release(got);
    wr_release(p);
    wr_release(q);
    CHECK_EQ(wr_cache_len(c), 0);
    wr_cache_free(copy);
    wr_cache_free(c);
    return whole;
}

TEST(S49_each_refusal_of_memory_leaves_the_cache_as_it_was) {
    CHECK_EQ(wr_set_allocator(allocate, NULL), 0);
    CHECK(use_all());
    bool whole = false;
    for (unsigned at = 1; !whole; at++) {
        allocator.calls = 0;
        allocator.fail_at = at;
        whole = use_all();
        CHECK_EQ(whole, allocator.calls < at);
    }
}

/* Buckets are slots, whose loss no tool sees. */
static uint64_t memory_after(unsigned rounds, bool limited) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    o.max_entries = limited ? N : 0;
    for (unsigned round = 0; round < rounds; round++) {
        wr_cache *c = cache_new_ex(&o);
        for (unsigned i = 0; i < 2000; i++)
            objs[i] = put_new(c, i);
        for (unsigned i = 0; i < 2000; i++)
            wr_release(objs[i]);
        wr_cache_free(c);
    }
    return arena_use().used;
}

TEST(buckets_are_given_back) {
    if (ON_WEAR)
        SKIP("slots that wear out take memory");
    uint64_t before[2] = {memory_after(2, false), memory_after(2, true)};
    CHECK_EQ(memory_after(scaled(100) + 2, false), before[1]);
    CHECK_EQ(memory_after(scaled(100) + 2, true), before[1]);
    CHECK_LE(before[0], before[1]);
}

/* ---- walks ---- */

struct walk {
    wr_cache *c;
    unsigned calls, next; /* the next key to put, or to take out */
    bool shrink;
    unsigned char met[1000];
};

static int visit(const void *key, size_t len, void *obj, void *arg) {
    struct walk *walk = arg;
    unsigned i;
    REQUIRE(len == sizeof i);
    memcpy(&i, key, len);
    CHECK_EQ(((probe *)obj)->value, i);
    if (i < 1000)
        walk->met[i]++;
    for (unsigned k = 0; walk->calls < 1000 && k < 10; k++, walk->next++) {
        if (walk->shrink)
            wr_release(objs[walk->next]);
        else
            objs[walk->next] = put_new(walk->c, walk->next);
    }
    walk->calls++;
    return 0;
}

TEST(S50_a_walk_meets_each_once_while_the_table_grows) {
    struct walk walk = {.c = cache_new(), .next = 1000};
    for (unsigned i = 0; i < 1000; i++)
        objs[i] = put_new(walk.c, i);
    CHECK_EQ(wr_cache_foreach(walk.c, visit, &walk), 0);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(walk.met[i], 1);
    for (unsigned i = 0; i < walk.next; i++)
        wr_release(objs[i]);
    wr_cache_free(walk.c);
}

TEST(S50_a_walk_meets_each_once_while_the_table_shrinks) {
    struct walk walk = {.c = cache_new(), .next = 1000, .shrink = true};
    for (unsigned i = 0; i < 11000; i++)
        objs[i] = put_new(walk.c, i);
    CHECK_EQ(wr_cache_foreach(walk.c, visit, &walk), 0);
    CHECK_EQ(walk.next, 11000);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(walk.met[i], 1);
    for (unsigned i = 0; i < 1000; i++)
        wr_release(objs[i]);
    wr_cache_free(walk.c);
}
