/* SPDX-License-Identifier: MIT */
/* Weakrefs beside what else is on an object's list, and what a kill means there: S37, S41. */
#include "containers.h"
#include "queues.h"

static void ignore(void *arg) {
    (void)arg;
}
/* What may be on an object's list beside weakrefs. */
struct others {
    wr_queue *queue;
    wr_cache *cache;
    wr_weakmap *map;
    wr_weakset *set;
    wr_listeners *listeners;
};

static struct others others_new(void) {
    struct others o = {new_queue(), cache_new(), map_new(0, NULL), set_new(0), wr_listeners_new()};
    REQUIRE(o.listeners != NULL);
    return o;
}

static void others_free(struct others *o) {
    wr_listeners_free(o->listeners);
    wr_weakset_free(o->set);
    wr_weakmap_free(o->map);
    wr_cache_free(o->cache);
    wr_queue_free(o->queue);
}

TEST(S37_what_else_is_on_the_list_is_not_counted) {
    int value;
    struct others o = others_new();
    probe *p = probe_new(NULL);
    wr_finalizer *finalizer = wr_finalizer_new(p, ignore, NULL, 0);
    REQUIRE(finalizer != NULL);
    CHECK_EQ(wr_bind(p, o.queue), 0);
    CHECK_EQ(wr_cache_put(o.cache, "a", 1, p), 0);
    CHECK_EQ(wr_weakmap_set(o.map, p, &value), 0);
    CHECK_EQ(wr_weakset_add(o.set, p), 1);
    CHECK_EQ(wr_listeners_add(o.listeners, p, no_method, NULL), 0);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_weakref *ref = new_ref(p, logs, NULL), *out[8] = {NULL};
    CHECK_EQ(wr_weakref_count(p), 1);
    CHECK_EQ(wr_weakref_list(p, out, 8), 1);
    CHECK_PTR_EQ(out[0], ref);
    wr_release(out[0]);
    wr_release(ref);
    wr_release(finalizer);
    wr_release(p);
    CHECK_EQ(wr_queue_run(o.queue, 0), 1);
    others_free(&o);
}

static unsigned finalized;
static void counts_finalize(void *self) {
    (void)self;
    finalized++;
}

TEST(S41_a_killed_object_is_refused_as_weak_and_serves_as_strong) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = counts_finalize};
    int value;
    struct others o = others_new();
    wr_cell cell = {0};
    void *obj = wr_new(&type);
    REQUIRE(obj != NULL);
    CHECK_EQ(wr_kill(obj), 1);
    CHECK(wr_weak_is_dead(wr_weak_of(obj)));
    CHECK_EQ(wr_cache_put(o.cache, "a", 1, obj), -ESTALE);
    CHECK_EQ(wr_weakmap_set(o.map, obj, &value), -ESTALE);
    CHECK_EQ(wr_weakset_add(o.set, obj), -ESTALE);
    CHECK_EQ(wr_listeners_add(o.listeners, obj, no_method, NULL), -ESTALE);
    CHECK_EQ(wr_bind(obj, o.queue), -ESTALE);
    errno = 0;
    CHECK_NULL(wr_finalizer_new(obj, ignore, NULL, 0));
    CHECK_EQ(errno, ESTALE);
    wr_cell_store(&cell, obj);
    wr_release(obj);
    obj = wr_cell_load(&cell);
    CHECK_EQ(wr_refcount(obj), 2);
    wr_cell_store(&cell, NULL);
    wr_retain(obj);
    wr_release(obj);
    CHECK_EQ(finalized, 0);
    wr_release(obj);
    CHECK_EQ(finalized, 1);
    others_free(&o);
}
