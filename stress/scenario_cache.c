/* SPDX-License-Identifier: MIT */
/*
 * Caches against the ends of what is in them. Some keys are made by whoever misses them, one maker at a time; others
 * are put by the worker that they belong to, over older ones that are dying. A get must give an object of its own key,
 * and never an older one than the thread has seen under that key: an old object's end that took a newer entry out, a
 * second maker at the same time, or a waiter that got another's object would show. One cache keeps and bounds, so that
 * its own references race too; circles of makers are refused. A third is steady: each worker alone puts what is under
 * its keys there, so that it must be found whatever older objects, and other keys', end meanwhile; its hash is bad.
 */
#include <errno.h>
#include <string.h>

#include "item.h"

#define MADE 12u /* keys that are made when missed */
#define OWNED 4u /* keys of each worker's own */
#define KEYS (MADE + OWNED * MAX_THREADS)

struct cached {
    struct item item; /* first */
    uint32_t key;
    uint64_t version; /* grows with each new object of a key */
};

static const wr_type cached_type = {
    .abi = WR_TYPE_ABI, .name = "cached", .size = sizeof(struct cached), .destroy = item_destroy};

static struct {
    wr_cache *caches[2]; /* without limits, and with */
    wr_cache *steady;
    _Atomic uint64_t versions[2][KEYS];
    _Atomic unsigned makers[2][MADE];
} shared;

static _Thread_local uint64_t seen[2][KEYS];
static _Thread_local struct cached *winner; /* put last by a maker of this thread, and held */

static struct cached *cached_new(unsigned which, uint32_t key) {
    struct cached *cached = item_new(worker_self, &cached_type, 0);
    cached->key = key;
    cached->version = atomic_fetch_add_explicit(&shared.versions[which][key], 1, memory_order_relaxed) + 1;
    return cached;
}

/* Check what came under a key, and give it up. */
static void check(struct worker *worker, unsigned which, uint32_t key, struct cached *cached) {
    worker_count(worker, cached != NULL ? 0 : 1, 1);
    if (cached == NULL)
        return;
    item_check(&cached->item, wr_weak_from_u64(0));
    if (cached->key != key)
        violation("under key %u there was an object of key %u", key, cached->key);
    if (cached->version < seen[which][key])
        violation("under key %u there was version %" PRIu64 " after %" PRIu64, key, cached->version,
                  seen[which][key]);
    seen[which][key] = cached->version;
    item_mark(worker, &cached->item);
    wr_release(cached);
}

struct making_of {
    unsigned which;
    bool circle;
};

static void *make(const void *bytes, size_t len, void *arg) {
    const struct making_of *of = arg;
    uint32_t key;
    if (len != sizeof key)
        violation("a maker was given a key of %zu bytes", len);
    memcpy(&key, bytes, len);
    if (atomic_fetch_add(&shared.makers[of->which][key], 1) != 0)
        violation("two makers of key %u at the same time", key);
    struct cached *cached = NULL;
    uint32_t fate = random_below(worker_self, 8);
    if (of->circle) { /* the neighbour's maker may want ours */
        uint32_t next = (key + 1) % 2;
        void *other = wr_cache_get_or_create(shared.caches[of->which], &next, sizeof next, make, arg);
        if (other == NULL && errno != EDEADLK && errno != EAGAIN)
            violation("no object of the next key, errno %d", errno);
        wr_release(other);
    }
    if (fate == 1) { /* a put meanwhile wins, unless it goes before the maker has returned */
        struct cached *wins = cached_new(of->which, key);
        if (wr_cache_put(shared.caches[of->which], &key, sizeof key, wins) != 0)
            violation("put failed");
        wr_release(winner);
        winner = wins;
    }
    if (fate != 0)
        cached = cached_new(of->which, key);
    if (atomic_fetch_sub(&shared.makers[of->which][key], 1) != 1)
        violation("two makers of key %u at the same time", key);
    errno = EAGAIN;
    return cached;
}

static void use_made(struct worker *worker, unsigned which) {
    uint32_t key = random_below(worker, MADE);
    struct making_of of = {.which = which, .circle = key < 2};
    wr_cache *cache = shared.caches[which];
    switch (random_below(worker, 10)) {
    case 0:
        check(worker, which, key, wr_cache_get(cache, &key, sizeof key));
        break;
    case 1:
        check(worker, which, key, wr_cache_pop(cache, &key, sizeof key));
        break;
    case 2:
        (void)wr_cache_remove(cache, &key, sizeof key);
        break;
    case 3: {
        struct cached *cached = wr_cache_get(cache, &key, sizeof key);
        if (cached != NULL)
            (void)wr_kill(cached);
        wr_release(cached);
        break;
    }
    default:
        check(worker, which, key, wr_cache_get_or_create(cache, &key, sizeof key, make, &of));
    }
}

/* Put a new object over the old one, and have the old one die before, after or meanwhile on another thread. */
static void use_owned(struct worker *worker, unsigned which, void **old) {
    uint32_t slot = random_below(worker, OWNED);
    uint32_t key = MADE + worker->number * OWNED + slot;
    wr_cache *cache = shared.caches[which];
    if (random_below(worker, 3) == 0) {
        wr_release(old[slot]);
        old[slot] = NULL;
    }
    struct cached *cached = cached_new(which, key);
    if (random_below(worker, 64) == 0)
        (void)wr_kill(cached);
    int result = 0;
    for (uint32_t times = 1 + random_below(worker, 3); times > 0 && result == 0; times--)
        result = wr_cache_put(cache, &key, sizeof key, cached);
    if (random_below(worker, 16) == 0) { /* what is there stays; it was taken out, or is no more: this one */
        struct cached *now = wr_cache_set_default(cache, &key, sizeof key, cached);
        if (now != cached && !(now == NULL && errno == ESTALE))
            violation("key %u: the owner put one object, and another was there by default", key);
        result = now == NULL ? -ESTALE : 0;
        wr_release(now);
    }
    if (result != 0 && result != -ESTALE)
        violation("put failed with %d", result);
    wr_release(old[slot]);
    old[slot] = cached;
    struct cached *there = wr_cache_get(cache, &key, sizeof key);
    if (result == 0 && there != NULL && there != cached) /* none: evicted, or cleared */
        violation("key %u: the owner put one object and got another", key);
    check(worker, which, key, there);
}

/* Put a new object over the old one, which dies before, after or meanwhile: the new one is there. */
static void use_steady(struct worker *worker, void **mine) {
    uint32_t slot = random_below(worker, OWNED), key = worker->number * OWNED + slot;
    struct item *old = mine[slot], *item = item_new(worker, &item_type, 0);
    bool before = random_below(worker, 2) == 0;
    mine[slot] = item;
    if (before)
        wr_release(old);
    if (wr_cache_put(shared.steady, &key, sizeof key, item) != 0)
        violation("put failed");
    if (!before)
        wr_release(old);
    slot = random_below(worker, OWNED);
    key = worker->number * OWNED + slot;
    struct item *there = wr_cache_get(shared.steady, &key, sizeof key);
    if (there != mine[slot])
        violation("key %u, which its owner put last, has %s object", key, there == NULL ? "no" : "another");
    wr_release(there);
}

static int visit(const void *bytes, size_t len, void *obj, void *arg) {
    const struct cached *cached = obj;
    uint32_t key;
    memcpy(&key, bytes, len);
    item_check(&cached->item, wr_weak_from_u64(0));
    if (cached->key != key)
        violation("a walk met an object of key %u under key %u", cached->key, key);
    return *(int *)arg;
}

/* What is seldom done: walks, copies, and taking out whatever there is. */
static void use_whole(struct worker *worker, unsigned which) {
    wr_cache *cache = shared.caches[which];
    int go_on = 0;
    uint32_t key = 0;
    size_t size = 0;
    struct cached *cached;
    switch (random_below(worker, 6)) {
    case 0:
        (void)wr_cache_foreach(cache, visit, &go_on);
        break;
    case 1:
        (void)wr_cache_len(cache);
        break;
    case 2:
        if ((cached = wr_cache_popitem(cache, &key, sizeof key, &size)) != NULL) {
            if (size != sizeof key)
                violation("a key of %zu bytes was taken out", size);
            check(worker, which, key, cached);
        }
        break;
    case 3: {
        wr_cache *copy = random_below(worker, 2) ? wr_cache_copy(cache) : wr_cache_new();
        bool full =
            copy != NULL && wr_cache_update(copy, cache) == 0 && wr_cache_foreach(copy, visit, &go_on) == 0;
        if (!full && !perturb_is_on(PERTURB_MEMORY))
            violation("a cache was not copied");
        wr_cache_free(copy);
        break;
    }
    case 4:
        (void)wr_cache_contains(cache, &key, sizeof key);
        break;
    default:
        if (random_below(worker, 4) == 0)
            wr_cache_clear(cache);
    }
}

static void work(struct worker *worker) {
    void *old[2][OWNED] = {{NULL}}, *mine[OWNED] = {NULL};
    while (worker_goes_on(worker)) {
        unsigned which = random_below(worker, 2);
        uint32_t other = random_below(worker, worker->run->threads);
        uint32_t key = MADE + other * OWNED + random_below(worker, OWNED);
        use_made(worker, which);
        use_owned(worker, which, old[which]);
        use_steady(worker, mine);
        if (random_below(worker, 4) ==
            0) { /* another worker's, who may just be putting it again, or a newer one */
            struct cached *cached = wr_cache_get(shared.caches[which], &key, sizeof key);
            if (cached != NULL && random_below(worker, 2) == 0)
                (void)wr_kill(cached);
            check(worker, which, key, cached);
        }
        if (random_below(worker, 64) == 0)
            use_whole(worker, which);
    }
    wr_release(winner);
    winner = NULL;
    for (unsigned which = 0; which < 2; which++)
        for (unsigned i = 0; i < OWNED; i++)
            wr_release(old[which][i]);
    for (unsigned i = 0; i < OWNED; i++)
        wr_release(mine[i]);
}

/* Four hashes for all keys, so that some find no place in their bucket. */
static uint64_t hash_badly(const void *key, size_t len, void *arg) {
    (void)len, (void)arg;
    return *(const unsigned char *)key % 4;
}

static void begin(struct run *run) {
    wr_cache_options options = WR_CACHE_OPTIONS_INIT;
    (void)run;
    options.shards = 1;
    shared.caches[0] = wr_cache_new_ex(&options);
    options.hash = hash_badly;
    shared.steady = wr_cache_new_ex(&options);
    options.hash = NULL;
    options.keep = 4;
    options.max_entries = 8;
    shared.caches[1] = wr_cache_new_ex(&options);
    if (shared.caches[0] == NULL || shared.caches[1] == NULL || shared.steady == NULL)
        violation("wr_cache_new_ex failed");
}

static void end(struct run *run) {
    (void)run;
    if (wr_cache_len(shared.caches[0]) + wr_cache_len(shared.steady) != 0)
        violation("entries are left, and no object");
    wr_cache_free(shared.caches[0]);
    wr_cache_free(shared.caches[1]);
    wr_cache_free(shared.steady);
}

SCENARIO(.hunts = "caches against deaths, kills and makers: each key its own object, and never an older one",
         .takes = TAKES(entry_removed, entry_passed, entry_gone, entry_back, entry_late, bucket_full,
                        glance_changing, glance_changed, glance_more, glance_in_vain, making_began,
                        making_told, making_again, making_beaten, making_circle, kept_no_more, bound_evicts,
                        cut_won),
         .counted = {"found", "missed"}, .mixes = true, .begin = begin, .work = work, .end = end)
