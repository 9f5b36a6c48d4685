/* SPDX-License-Identifier: MIT */
/* What all containers do when memory is refused, and in the child of a fork. */
#include "child.h"
#include "containers.h"

#include <semaphore.h>

/* ---- no memory ---- */

static struct { unsigned calls, fail_at; /* the call that fails, from 1; 0: none */ } allocator;

static void *allocate(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return ++allocator.calls == allocator.fail_at ? NULL : malloc(size);
}

enum { N = 300 };
static probe *objs[N];

/* Make, fill, copy, free, with one allocation failing. Returns whether all succeeded. Which allocation is whose is the
 * same each time: a shard grows by its count alone. */
static bool use_all(void) {
    wr_weakset_options set_options = WR_WEAKSET_OPTIONS_INIT;
    wr_weakmap_options map_options = WR_WEAKMAP_OPTIONS_INIT;
    set_options.shards = map_options.shards = 1;
    wr_weakset *s = wr_weakset_new_ex(&set_options);
    wr_weakmap *m = wr_weakmap_new_ex(&map_options);
    for (unsigned i = 0; i < N; i++) {
        if (s)
            CHECK_EQ(wr_weakset_add(s, objs[i]), 1);
        if (m)
            CHECK_EQ(wr_weakmap_set(m, objs[i], objs[i]), 0);
    }
    wr_weakset *s2 = s ? wr_weakset_union(s, s) : NULL;
    wr_weakmap *m2 = m ? wr_weakmap_copy(m) : NULL;
    if (s2)
        CHECK_EQ(wr_weakset_equal(s, s2), 1);
    if (m2)
        CHECK_EQ(wr_weakmap_len(m2), N);
    wr_listeners *l = wr_listeners_new();
    for (unsigned i = 0; l && i < N; i++)
        CHECK_EQ(wr_listeners_add(l, objs[i], no_method, NULL), 0);
    if (l)
        CHECK_EQ(wr_listeners_call(l, NULL), N);
    bool whole = s && m && s2 && m2 && l;
    wr_weakset_free(s);
    wr_weakset_free(s2);
    wr_weakmap_free(m);
    wr_weakmap_free(m2);
    wr_listeners_free(l);
    return whole;
}

TEST(S49_each_refusal_of_memory_is_survived) {
    CHECK_EQ(wr_set_allocator(allocate, NULL), 0);
    for (unsigned i = 0; i < N; i++)
        objs[i] = probe_new(NULL);
    CHECK(use_all());
    unsigned refused = 0, total = allocator.calls;
    for (unsigned at = 1; at <= total; at++) {
        allocator.calls = 0;
        allocator.fail_at = at;
        refused += !use_all();
    }
    CHECK_EQ(refused, 5); /* each container that was to be made, once */
    allocator.fail_at = 0;
    for (unsigned i = 0; i < N; i++) {
        CHECK_EQ(wr_refcount(objs[i]), 1);
        wr_release(objs[i]);
    }
}

/* ---- fork ---- */

static wr_cache *shared;
static sem_t inside, go;

static void *make_slowly(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    sem_post(&inside);
    while (sem_wait(&go) != 0)
        ;
    return probe_new(NULL);
}

static void *make(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    return probe_new(NULL);
}

static void *get_slowly(void *arg) {
    wr_release(wr_cache_get_or_create(shared, "k", 1, make_slowly, arg));
    return NULL;
}

/* In a child, which must end by itself. */
static bool child_goes_on(void) {
    probe *p = wr_cache_get_or_create(shared, "k", 1, make, NULL);
    bool good = p != NULL && cached(shared, "k", p);
    wr_release(p);
    good &= wr_cache_len(shared) <= 2; /* what absent threads held is held for ever */
    wr_cache_free(shared);
    return good;
}

static void check_child(bool (*fn)(void)) {
    pid_t child = fork();
    if (child == 0) {
        be_a_child();
        _exit(fn() ? 0 : 1);
    }
    child_was_good(child);
}

TEST(what_an_absent_thread_was_making_is_made_in_the_child) {
    REQUIRE(pthread_atfork(wr_atfork_prepare, wr_atfork_parent, wr_atfork_child) == 0);
    REQUIRE(sem_init(&inside, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    pthread_t maker;
    shared = cache_new();
    REQUIRE(pthread_create(&maker, NULL, get_slowly, NULL) == 0);
    while (sem_wait(&inside) != 0)
        ;
    check_child(child_goes_on);
    sem_post(&go);
    REQUIRE(pthread_join(maker, NULL) == 0);
    wr_cache_free(shared);
}

static void *make_in_child(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    errno = 0;
    if (wr_cache_get_or_create(shared, "k", 1, make, NULL) != NULL || errno != EDEADLK)
        return NULL; /* it is this thread's own making, in the child too */
    return probe_new(NULL);
}

static bool make_from_child(void) {
    wr_release(wr_cache_get_or_create(shared, "k", 1, make_in_child, NULL));
    return child_goes_on();
}

static atomic_bool over;

static void fork_or_churn(unsigned index, void *arg) {
    (void)arg;
    test_rng rng = rng_make(index);
    if (index == 0) {
        for (unsigned n = scaled(100) + 3; n > 0; n--)
            check_child(make_from_child);
        over = true;
        return;
    }
    while (!over) {
        unsigned key = (unsigned)rng_below(&rng, 50);
        void *obj = wr_cache_get_or_create(shared, &key, sizeof key, make, NULL);
        REQUIRE(obj != NULL);
        wr_weakset *s = set_new(0);
        CHECK_EQ(wr_weakset_add(s, obj), 1);
        wr_release(obj);
        wr_weakset_free(s);
    }
}

/* AddressSanitizer's malloc, unlike the C library's, does not give the child of a fork a usable heap when another
 * thread was inside it: under it, nobody is. */
static pthread_mutex_t heap = PTHREAD_MUTEX_INITIALIZER;
static void lock_heap(void) {
    pthread_mutex_lock(&heap);
}
static void unlock_heap(void) {
    pthread_mutex_unlock(&heap);
}
static void *allocate_alone(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    lock_heap();
    void *memory = size != 0 ? malloc(size) : (free(ptr), NULL);
    unlock_heap();
    return memory;
}

TEST(a_child_of_a_process_busy_with_containers_goes_on) {
    if (ON_ASAN) { /* the handlers registered first are the last to prepare */
        REQUIRE(pthread_atfork(lock_heap, unlock_heap, unlock_heap) == 0);
        REQUIRE(wr_set_allocator(allocate_alone, NULL) == 0);
    }
    REQUIRE(pthread_atfork(wr_atfork_prepare, wr_atfork_parent, wr_atfork_child) == 0);
    shared = cache_new();
    run_threads(3, fork_or_churn, NULL);
    CHECK_EQ(wr_cache_len(shared), 0);
    wr_cache_free(shared);
}
