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

#define VALUES 64u /* different keys */
#define FLOOD 600u /* keys more, now and then, so that the map grows */

struct key {
    struct item item; /* first */
    uint64_t value;
    uint64_t calls; /* plain: the caller's, until the listener is removed; then its owner's */
    bool gone;
};

static bool key_equal(const void *a, const void *b) {
    return ((const struct key *)a)->value == ((const struct key *)b)->value;
}

static int key_hash(const void *self, uint64_t *out) {
    *out = ((const struct key *)self)->value / 2; /* two of each */
    return 0;
}

static const wr_type key_type = {.abi = WR_TYPE_ABI,
                                 .name = "key",
                                 .size = sizeof(struct key),
                                 .destroy = item_destroy,
                                 .equal = key_equal,
                                 .hash = key_hash};

static struct {
    wr_weakmap *map;
    wr_listeners *listeners;
    _Atomic uint64_t made, destroyed; /* values */
} shared;

static _Thread_local struct key *lives_on; /* for a while */

static struct key *key_new(struct worker *worker, uint64_t value) {
    struct key *key = item_new(worker, &key_type, 0);
    key->value = value;
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
        int result = wr_listeners_remove_wait(shared.listeners, key, on_event);
        if (result != (fate == 1 ? -ENOENT : 0))
            violation("remove_wait returned %d", result);
        key->gone = true;
        worker_count(worker, 1, key->calls);
    }
    wr_release(key);
}

static void work(struct worker *worker) {
    while (worker_goes_on(worker)) {
        if (worker->number == 0) {
            (void)wr_listeners_call(shared.listeners, NULL);
            continue;
        }
        use_map(worker);
        use_listeners(worker);
        if (random_below(worker, 512) == 0)
            flood(worker);
    }
    wr_release(lives_on);
}

static void begin(struct run *run) {
    wr_weakmap_options options = WR_WEAKMAP_OPTIONS_INIT;
    (void)run;
    options.flags = WR_BY_VALUE;
    options.shards = 1;
    options.value_destroy = value_destroy;
    shared.map = wr_weakmap_new_ex(&options);
    shared.listeners = wr_listeners_new();
    if (shared.map == NULL || shared.listeners == NULL)
        violation("no memory");
}

static void end(struct run *run) {
    (void)run;
    if (wr_listeners_len(shared.listeners) != 0)
        violation("listeners are left");
    wr_weakmap_free(shared.map);
    wr_listeners_free(shared.listeners);
    if (shared.made != shared.destroyed)
        violation("%" PRIu64 " values were made and %" PRIu64 " destroyed", shared.made, shared.destroyed);
}

SCENARIO(.hunts = "weak maps by value, and listeners that are removed while they are called",
         .takes = TAKES(entry_removed, entry_passed, entry_back, entry_late, bucket_split, bucket_merge,
                        found_by_value, listener_awaited, cut_won),
         .counted = {"popped", "calls of the removed"}, .begin = begin, .work = work, .end = end)
