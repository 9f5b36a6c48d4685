/* SPDX-License-Identifier: MIT */
/* Weakrefs beside what else is on an object's list, and what a kill means there: S37, S41. */
#include "containers.h"
#include "queues.h"

static void ignore(void *arg) {
    (void)arg;
}
static void heard(void *self, void *event, void *arg) {
    (void)self, (void)event, (void)arg;
}

TEST(S37_what_else_is_on_the_list_is_not_counted) {
    int value;
    wr_queue *queue = new_queue();
    wr_cache *cache = cache_new();
    wr_weakmap *map = map_new(0, NULL);
    wr_weakset *set = set_new(0);
    wr_listeners *listeners = wr_listeners_new();
    probe *p = probe_new(NULL);
    wr_finalizer *finalizer = wr_finalizer_new(p, ignore, NULL, 0);
    REQUIRE(finalizer != NULL && listeners != NULL);
    CHECK_EQ(wr_bind(p, queue), 0);
    CHECK_EQ(wr_cache_put(cache, "a", 1, p), 0);
    CHECK_EQ(wr_weakmap_set(map, p, &value), 0);
    CHECK_EQ(wr_weakset_add(set, p), 1);
    CHECK_EQ(wr_listeners_add(listeners, p, heard, NULL), 0);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_weakref *ref = new_ref(p, logs, NULL), *out[8] = {NULL};
    CHECK_EQ(wr_weakref_count(p), 1);
    CHECK_EQ(wr_weakref_list(p, out, 8), 1);
    CHECK_PTR_EQ(out[0], ref);
    wr_release(out[0]);
    wr_release(ref);
    wr_release(finalizer);
    wr_release(p);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    wr_listeners_free(listeners);
    wr_weakset_free(set);
    wr_weakmap_free(map);
    wr_cache_free(cache);
    wr_queue_free(queue);
}

static unsigned finalized;
static void counts_finalize(void *self) {
    (void)self;
    finalized++;
}

TEST(S41_a_killed_object_is_refused_as_weak_and_serves_as_strong) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .finalize = counts_finalize};
    int value;
    wr_queue *queue = new_queue();
    wr_cache *cache = cache_new();
    wr_weakmap *map = map_new(0, NULL);
    wr_weakset *set = set_new(0);
    wr_listeners *listeners = wr_listeners_new();
    wr_cell cell = {0};
    void *obj = wr_new(&type);
    REQUIRE(obj != NULL && listeners != NULL);
    CHECK_EQ(wr_kill(obj), 1);
    CHECK(wr_weak_is_dead(wr_weak_of(obj)));
    CHECK_EQ(wr_cache_put(cache, "a", 1, obj), -ESTALE);
    CHECK_EQ(wr_weakmap_set(map, obj, &value), -ESTALE);
    CHECK_EQ(wr_weakset_add(set, obj), -ESTALE);
    CHECK_EQ(wr_listeners_add(listeners, obj, heard, NULL), -ESTALE);
    CHECK_EQ(wr_bind(obj, queue), -ESTALE);
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
    wr_listeners_free(listeners);
    wr_weakset_free(set);
    wr_weakmap_free(map);
    wr_cache_free(cache);
    wr_queue_free(queue);
}
