/* SPDX-License-Identifier: MIT */
/* Containers when there is no memory for another entry: each function says so, and changes nothing. */
#include "slots.h"
#include "containers.h"

#include <sys/resource.h>

/* ---- no memory ---- */

/* Memory for what is no object, which the system cannot refuse; it is never used again. */
static struct {
    _Alignas(64) char bytes[4 << 20];
    size_t used;
    int blocks; /* not given back yet */
} heap;

static void *allocate(void *ctx, void *ptr, size_t size) {
    (void)ctx, (void)ptr;
    if (size == 0) {
        heap.blocks--;
        return NULL;
    }
    heap.used = (heap.used + 63) / 64 * 64;
    REQUIRE(size <= sizeof heap.bytes - heap.used);
    heap.blocks++;
    heap.used += size;
    return heap.bytes + heap.used - size;
}

/* Objects of all sizes that entries have, as many as there is memory for, each with the next. */
static const wr_type fillers[] = {{.abi = WR_TYPE_ABI, .size = 32},  {.abi = WR_TYPE_ABI, .size = 64},
                                  {.abi = WR_TYPE_ABI, .size = 96},  {.abi = WR_TYPE_ABI, .size = 128},
                                  {.abi = WR_TYPE_ABI, .size = 160}, {.abi = WR_TYPE_ABI, .size = 192},
                                  {.abi = WR_TYPE_ABI, .size = 224}, {.abi = WR_TYPE_ABI, .size = 256}};
static void **filling;
static uint32_t steady; /* slots for entries of caches, each with the next */
static struct rlimit before;

static void use_memory_up(void) {
    REQUIRE(getrlimit(RLIMIT_DATA, &before) == 0);
    struct rlimit now = {1 << 20, before.rlim_max}; /* what is there stays; nothing may be added */
    REQUIRE(setrlimit(RLIMIT_DATA, &now) == 0);
    for (unsigned i = 0; i < sizeof fillers / sizeof fillers[0]; i++)
        for (void **filler; (filler = wr_new(&fillers[i])) != NULL; filling = filler)
            *filler = filling;
    for (uint32_t class = OBJECT_CLASSES; class < CLASS_COUNT; class ++)
        while (slots_take(&steady, class) != NULL)
            ;
    errno = 0;
}

static void give_memory_back(void) {
    REQUIRE(setrlimit(RLIMIT_DATA, &before) == 0);
    while (filling != NULL) {
        void **filler = filling;
        filling = *filler;
        wr_release(filler);
    }
    slots_give(&steady);
}

#define NEEDS_LIMITS                                                                                         \
    if (watched() || emulated())                                                                             \
    SKIP("the tool needs the memory that this test forbids, or does not keep limits")

static void start(void) {
    REQUIRE(wr_set_allocator(allocate, NULL) == 0);
}

/* What a call came to that gives NULL: its errno; that is 0 again. */
static int error_of(const void *result) {
    int error = errno;
    errno = 0;
    CHECK_NULL(result);
    return error;
}

/* ---- each container ---- */

static void *make(const void *key, size_t len, void *arg) {
    (void)key, (void)len;
    return wr_retain(arg);
}

TEST(S49_a_cache_without_memory_for_an_entry) {
    NEEDS_LIMITS;
    static char long_key[1000];
    start();
    wr_cache *c = cache_new(), *empty = cache_new();
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    CHECK_EQ(wr_cache_put(c, "k", 1, p), 0);
    use_memory_up();
    int blocks = heap.blocks;
    CHECK_EQ(wr_cache_put(c, "k", 1, q), -ENOMEM);
    CHECK_EQ(wr_cache_put(c, "new", 3, q), -ENOMEM);
    CHECK_EQ(wr_cache_put(c, long_key, sizeof long_key, q), -ENOMEM);
    CHECK_EQ(wr_cache_update(empty, c), -ENOMEM);
    CHECK_EQ(errno, 0);
    CHECK_EQ(error_of(wr_cache_set_default(c, "new", 3, q)), ENOMEM);
    CHECK_EQ(error_of(wr_cache_get_or_create(c, "new", 3, make, q)), ENOMEM);
    CHECK_EQ(error_of(wr_cache_copy(c)), ENOMEM);
    CHECK_EQ(wr_refcount(q), 1);
    CHECK_EQ(heap.blocks, blocks);
    CHECK_EQ(wr_cache_len(c), 1); /* what follows needs none */
    CHECK_EQ(wr_cache_len(empty), 0);
    CHECK(cached(c, "k", p));
    void *got = wr_cache_get_or_create(c, "k", 1, make, q);
    CHECK_PTR_EQ(got, p);
    wr_release(got);
    CHECK_EQ(wr_cache_remove(c, "k", 1), 0);
    give_memory_back();
    CHECK_EQ(wr_cache_put(c, long_key, sizeof long_key, q), 0);
    CHECK_EQ(wr_cache_len(c), 1);
    wr_release(p);
    wr_release(q);
    wr_cache_free(c);
    wr_cache_free(empty);
    check_nothing_left();
}

static unsigned destroyed;
static void value_destroy(void *value) {
    (void)value;
    destroyed++;
}

TEST(S49_a_map_without_memory_for_an_entry) {
    NEEDS_LIMITS;
    start();
    wr_weakmap *m = map_new(0, NULL), *empty = map_new(0, NULL), *owning = map_new(0, value_destroy);
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(m, p, m), 0);
    use_memory_up();
    int blocks = heap.blocks;
    void *result = &result;
    CHECK_EQ(wr_weakmap_set(m, p, q), -ENOMEM);
    CHECK_EQ(wr_weakmap_set(m, q, q), -ENOMEM);
    CHECK_EQ(wr_weakmap_set(owning, q, q), -ENOMEM);
    CHECK_EQ(wr_weakmap_set_default(owning, q, q, &result), -ENOMEM);
    CHECK_NULL(result);
    CHECK_EQ(wr_weakmap_update(empty, m), -ENOMEM);
    CHECK_EQ(errno, 0);
    CHECK_EQ(error_of(wr_weakmap_copy(m)), ENOMEM);
    CHECK_EQ(destroyed, 0); /* the values were not taken */
    CHECK_EQ(heap.blocks, blocks);
    CHECK_EQ(wr_weakmap_len(m), 1);
    CHECK_EQ(wr_weakmap_len(empty) + wr_weakmap_len(owning), 0);
    CHECK_PTR_EQ(wr_weakmap_get(m, p), m);
    CHECK_EQ(wr_weakmap_pop(m, p, &result), 0);
    CHECK_PTR_EQ(result, m);
    give_memory_back();
    CHECK_EQ(wr_weakmap_set(owning, p, q), 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_refcount(q), 1);
    wr_release(q);
    wr_weakmap_free(m);
    wr_weakmap_free(empty);
    wr_weakmap_free(owning);
    check_nothing_left();
}

TEST(S49_a_set_without_memory_for_a_member) {
    NEEDS_LIMITS;
    start();
    wr_weakset *s = set_new(0), *empty = set_new(0);
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    CHECK_EQ(wr_weakset_add(s, p), 1);
    use_memory_up();
    int blocks = heap.blocks;
    CHECK_EQ(wr_weakset_add(s, q), -ENOMEM);
    CHECK_EQ(wr_weakset_update(empty, s), -ENOMEM);
    CHECK_EQ(wr_weakset_symmetric_difference_update(empty, s), -ENOMEM);
    CHECK_EQ(errno, 0);
    CHECK_EQ(error_of(wr_weakset_copy(s)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_union(s, empty)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_union(empty, s)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_intersection(s, s)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_difference(s, empty)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_symmetric_difference(s, empty)), ENOMEM);
    CHECK_EQ(error_of(wr_weakset_symmetric_difference(empty, s)), ENOMEM);
    CHECK_EQ(heap.blocks, blocks);
    CHECK_EQ(wr_weakset_add(s, p), 0); /* what follows needs none */
    CHECK_EQ(wr_weakset_len(s), 1);
    CHECK_EQ(wr_weakset_len(empty), 0);
    CHECK_EQ(wr_weakset_is_subset(s, empty), 0);
    CHECK_EQ(wr_weakset_intersection_update(s, empty), 0);
    CHECK_EQ(wr_weakset_len(s), 0);
    give_memory_back();
    CHECK_EQ(wr_weakset_add(s, q), 1);
    wr_release(p);
    wr_release(q);
    wr_weakset_free(s);
    wr_weakset_free(empty);
    check_nothing_left();
}

TEST(S49_listeners_without_memory_for_another) {
    NEEDS_LIMITS;
    start();
    wr_listeners *l = wr_listeners_new();
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    CHECK_EQ(wr_listeners_add(l, p, no_method, NULL), 0);
    use_memory_up();
    CHECK_EQ(wr_listeners_add(l, q, no_method, NULL), -ENOMEM);
    CHECK_EQ(wr_listeners_add_once(l, q, no_method, NULL), -ENOMEM);
    CHECK_EQ(errno, 0);
    CHECK_EQ(wr_listeners_len(l), 1); /* what follows needs none */
    CHECK_EQ(wr_listeners_call(l, NULL), 1);
    CHECK_EQ(wr_listeners_remove_wait(l, p, no_method), 0);
    CHECK_EQ(wr_listeners_len(l), 0);
    give_memory_back();
    CHECK_EQ(wr_listeners_add_once(l, q, no_method, NULL), 1);
    CHECK_EQ(wr_refcount(q), 1);
    wr_release(p);
    wr_release(q);
    wr_listeners_free(l);
    check_nothing_left();
}
