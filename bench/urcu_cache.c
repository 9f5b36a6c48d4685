/* SPDX-License-Identifier: MIT */
/* The weak cache that users of liburcu write: objects that have their key and the table's node in them, in a rculfhash,
 * which grows by itself; looked up inside a read-side section, without a lock. */
#include "urcu_peer.h"

#if HAVE_URCU
#include <stdlib.h>
#include <urcu/rculfhash.h>

struct cached {
    _Atomic unsigned refs;
    bool in; /* was put into the table once */
    struct bench_key key;
    struct cds_lfht_node node;
    struct rcu_head rcu;
    struct payload payload;
};

typedef struct cached *cache_object;
static struct cds_lfht *cache;

static struct cached *of_node(struct cds_lfht_node *node) {
    return caa_container_of(node, struct cached, node);
}
static int matches(struct cds_lfht_node *node, const void *key) {
    return memcmp(of_node(node)->key.text, ((const struct bench_key *)key)->text, BENCH_KEY_LENGTH) == 0;
}
static void free_cached(struct rcu_head *rcu) {
    free(caa_container_of(rcu, struct cached, rcu));
}

static cache_object cache_new_object(void) {
    struct cached *object = calloc(1, sizeof *object);
    BENCH_CHECK(object != NULL);
    atomic_init(&object->refs, 1);
    return object;
}
static void cache_drop(cache_object *obj) {
    struct cached *object = *obj;
    if (!urcu_count_down(&object->refs))
        return;
    if (!object->in) {
        free(object);
        return;
    }
    section_begin();
    (void)cds_lfht_del(cache, &object->node); /* unless it was replaced */
    section_end();
    urcu_free_later(&object->rcu, free_cached);
}
static struct payload *cache_payload(cache_object *obj) {
    return *obj != NULL ? &(*obj)->payload : NULL;
}
static void cache_prepare(void) {
    cache = cds_lfht_new_flavor(64, 64, 0, CDS_LFHT_AUTO_RESIZE, &urcu_memb_flavor, NULL);
    BENCH_CHECK(cache != NULL);
}
static cache_object cache_get(const struct bench_key *key) {
    struct cds_lfht_iter found;
    unsigned long hash = bench_key_hash(key->text);
    section_begin();
    cds_lfht_lookup(cache, hash, matches, key, &found);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&found);
    struct cached *object = node != NULL && urcu_count_up(&of_node(node)->refs) ? of_node(node) : NULL;
    section_end();
    return object;
}
static void cache_put(const struct bench_key *key, cache_object *obj) {
    struct cached *object = *obj;
    object->key = *key;
    object->in = true;
    section_begin();
    (void)cds_lfht_add_replace(cache, bench_key_hash(key->text), matches, key, &object->node);
    section_end();
}
static cache_object cache_get_or_create(const struct bench_key *key) {
    cache_object object = cache_get(key);
    if (object == NULL) {
        object = cache_new_object();
        cache_put(key, &object);
    }
    return object;
}
static void cache_thread(void) {
}
static void cache_settle(void) {
    urcu_memb_barrier();
}

#include "rows_cache.h"
#endif
