/* SPDX-License-Identifier: MIT */
/*
 * Weak maps by value, and listeners. Workers set, pop and remove values under equal keys that come and go, in a map
 * that grows and shrinks: each value is destroyed once, by whoever ends up with it. One worker calls listeners that the
 * others add, remove and end: after a removal that waits, and after a kill and such a removal, no call may touch what
 * the listener uses.
 */
#include <errno.h>
#include <stdlib.h>

#include "item.h"

#define VALUES 16u /* different keys */
#define FLOOD 600u /* keys more, now and then, so that the map grows */

struct key {
    struct valued_item valued; /* first */
    uint64_t calls;            /* plain: the caller's, until the listener is removed; then its owner's */
    bool gone;
};

static const wr_type key_type = {.abi = WR_TYPE_ABI,
                                 .name = "key",
                                 .size = sizeof(struct key),
                                 .destroy = item_destroy,
                                 .equal = valued_item_equal,
                                 .hash = valued_item_hash};

static struct {
    wr_weakmap *map;
    wr_listeners *listeners, *loose;
    _Atomic uint64_t made, destroyed; /* values */
} shared;

static _Thread_local struct key *lives_on; /* for a while */

static struct key *key_new(struct worker *worker, uint64_t value) {
    struct key *key = item_new(worker, &key_type, 0);
    key->valued.value = value;
    return key;
}

static void *value_new(uint64_t key) {
    uint64_t *value = malloc(sizeof *value);
    if (value == NULL)
        violation("malloc failed");
    *value = key;
    atomic_fetch_add_explicit(&shared.made, 1, memory_order_relaxed);
    return value;
}

static void value_destroy(void *value) {
    atomic_fetch_add_explicit(&shared.destroyed, 1, memory_order_relaxed);
    free(value);
}

static void use_map(struct worker *worker) {
    uint64_t value = random_below(worker, VALUES);
    struct key *key = key_new(worker, value);
    void *there = NULL;
    switch (random_below(worker, 4)) {
    case 0:
        if (wr_weakmap_set(shared.map, key, value_new(value)) != 0)
            violation("set failed");
        break;
    case 1:
        there = value_new(value);
        if (wr_weakmap_set_default(shared.map, key, there, NULL) == 0)
            value_destroy(there);
        break;
    case 2:
        if (wr_weakmap_pop(shared.map, key, &there) == 0) {
            worker_count(worker, 0, 1);
            if (*(uint64_t *)there != value)
                violation("key %" PRIu64 " had the value of %" PRIu64, value, *(uint64_t *)there);
            value_destroy(there);
        }
        break;
    default:
        (void)wr_weakmap_remove(shared.map, key);
    }
    if (random_below(worker, 4) == 0)
        (void)wr_kill(key);
    if (random_below(worker, 8) == 0) {
        wr_release(lives_on);
        lives_on = wr_retain(key);
    }
    wr_release(key);
}

static int visit(void *object, void *value, void *arg) {
    const struct key *key = object;
    (void)arg;
    item_check(&key->valued.item, wr_weak_from_u64(0));
    if (key->valued.value < VALUES && *(uint64_t *)value != key->valued.value)
        violation("a walk met key %" PRIu64 " with the value of %" PRIu64, key->valued.value,
                  *(uint64_t *)value);
    return 0;
}

/* What is seldom done: walks, and taking out whatever there is. */
static void use_whole(struct worker *worker) {
    void *value = NULL;
    struct key *key;
    switch (random_below(worker, 4)) {
    case 0:
        if (wr_weakmap_foreach(shared.map, visit, NULL) != 0)
            violation("a walk failed");
        break;
    case 1:
        if ((key = wr_weakmap_popitem(shared.map, &value)) != NULL) {
            (void)visit(key, value, NULL);
            value_destroy(value);
            wr_release(key);
        }
        break;
    case 2:
        (void)wr_weakmap_len(shared.map);
        break;
    default:
        if (random_below(worker, 8) == 0)
            wr_weakmap_clear(shared.map);
    }
}

/* A worker's own map, whose keys are the worker's alone: what it set is there, in a copy too, until it ends. */
static void use_own(struct worker *worker) {
    static const char *const values[] = {"first", "second"};
    wr_weakmap *map = wr_weakmap_new(NULL);
    struct key *one = key_new(worker, 0), *two = key_new(worker, 0); /* by identity they differ */
    bool set = map != NULL && wr_weakmap_set(map, one, (void *)(uintptr_t)values[0]) == 0 &&
               wr_weakmap_set(map, two, (void *)(uintptr_t)values[1]) == 0;
    wr_weakmap *copy = set ? wr_weakmap_copy(map) : NULL;
    set = copy != NULL && wr_weakmap_update(copy, map) == 0;
    if (!set && !perturb_is_on(PERTURB_MEMORY))
        violation("no map");
    wr_release(two);
    if (set && (wr_weakmap_get(copy, one) != values[0] || !wr_weakmap_contains(map, one) ||
                wr_weakmap_len(copy) != 1 || wr_weakmap_len(map) != 1))
        violation("a map of two keys, of which one has died, is not right");
    wr_weakmap_free(map);
    wr_weakmap_free(copy);
    wr_release(one);
}

static void flood(struct worker *worker) {
    struct key *keys[FLOOD];
    for (unsigned i = 0; i < FLOOD; i++) {
        keys[i] = key_new(worker, VALUES + FLOOD * worker->number + i);
        if (wr_weakmap_set(shared.map, keys[i], value_new(i)) != 0)
            violation("set failed");
    }
    for (unsigned i = 0; i < FLOOD; i++)
        wr_release(keys[i]);
}

static void on_event(void *self, void *event, void *arg) {
    struct key *key = self;
    (void)event, (void)arg;
    if (key->gone)
        violation("a listener was called after its removal had waited");
    perturb_holding();
    key->calls++;
}

static void use_listeners(struct worker *worker) {
    struct key *key = key_new(worker, 0);
    if (wr_listeners_add(shared.listeners, key, on_event, NULL) != 0)
        violation("add failed");
    for (unsigned looks = random_below(worker, 4); looks > 0; looks--)
        (void)wr_listeners_contains(shared.listeners, key, on_event);
    uint32_t fate = random_below(worker, 3);
    if (fate == 1)
        (void)wr_kill(key);
    if (fate != 0) {
        int wanted = fate == 1 ? -ENOENT : 0;
        int result = wr_listeners_remove_wait_timed(shared.listeners, key, on_event,
                                                    random_below(worker, 4) == 0 ? 0 : -1);
        if (result == -ETIMEDOUT) { /* it was taken out, and the method still runs */
            worker_count(worker, 2, 1);
            wanted = -ENOENT;
            result = wr_listeners_remove_wait(shared.listeners, key, on_event);
        }
        if (result != wanted)
            violation("remove_wait returned %d", result);
        key->gone = true;
        worker_count(worker, 1, key->calls);
    }
    wr_release(key);
}

static void on_loose(void *self, void *event, void *arg) {
    (void)event, (void)arg;
    item_check(self, wr_weak_from_u64(0));
}

static int visit_loose(void *self, wr_method method, void *method_arg, void *arg) {
    item_check(self, wr_weak_from_u64(0));
    return method != on_loose || method_arg != arg;
}

/* Listeners that all call, walk and clear. */
static void use_loose(struct worker *worker) {
    struct key *key = key_new(worker, 0);
    if (wr_listeners_add_once(shared.loose, key, on_loose, NULL) != 1 ||
        wr_listeners_add_once(shared.loose, key, on_loose, NULL) < 0) /* 1: cleared in between */
        violation("add_once failed");
    switch (random_below(worker, 4)) {
    case 0:
        (void)wr_listeners_call(shared.loose, NULL);
        break;
    case 1:
        if (wr_listeners_foreach(shared.loose, visit_loose, NULL) != 0)
            violation("a listener is another than was added");
        break;
    case 2:
        wr_listeners_clear(shared.loose);
        break;
    default:
        (void)wr_listeners_remove(shared.loose, key, on_loose);
    }
    wr_release(key);
}

static void work(struct worker *worker) {
    while (worker_goes_on(worker)) {
        if (worker->number == 0) {
            (void)wr_listeners_call(shared.listeners, NULL);
            continue;
        }
        perturb_steps_often(random_below(worker, 8) == 0);
        use_map(worker);
        perturb_steps_often(false);
        use_listeners(worker);
        if (random_below(worker, 8) == 0)
            use_loose(worker);
        if (random_below(worker, 64) == 0)
            use_whole(worker);
        if (random_below(worker, 64) == 0)
            use_own(worker);
        if (random_below(worker, 512) == 0)
            flood(worker);
    }
    wr_release(lives_on);
    lives_on = NULL;
}

static void begin(struct run *run) {
    wr_weakmap_options options = WR_WEAKMAP_OPTIONS_INIT;
    (void)run;
    options.flags = WR_BY_VALUE;
    options.shards = 1;
    options.value_destroy = value_destroy;
    shared.map = wr_weakmap_new_ex(&options);
    shared.listeners = wr_listeners_new();
    shared.loose = wr_listeners_new();
    if (shared.map == NULL || shared.listeners == NULL || shared.loose == NULL)
        violation("no memory");
}

static void end(struct run *run) {
    (void)run;
    if (wr_listeners_len(shared.listeners) + wr_listeners_len(shared.loose) != 0)
        violation("listeners are left");
    wr_weakmap_free(shared.map);
    wr_listeners_free(shared.listeners);
    wr_listeners_free(shared.loose);
    if (shared.made != shared.destroyed)
        violation("%" PRIu64 " values were made and %" PRIu64 " destroyed", shared.made, shared.destroyed);
}

SCENARIO(.hunts = "weak maps by value, and listeners that are removed while they are called",
         .takes = TAKES(entry_removed, entry_passed, entry_back, entry_late, bucket_split, bucket_merge,
                        bucket_full, found_by_value, listener_awaited, cut_won),
         .counted = {"popped", "calls of the removed", "removed while called"}, .mixes = true, .begin = begin,
         .work = work, .end = end)
