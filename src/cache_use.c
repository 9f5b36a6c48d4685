/* SPDX-License-Identifier: MIT */
/* What is done with one key of a cache. */
#include "cache.h"

#include "making.h"

int wr_cache_put(wr_cache *cache, const void *bytes, size_t len, void *obj) {
    struct key key;
    int error = cache_key(cache, bytes, len, &key);
    return error != 0 ? error : cache_insert(cache, &key, obj, NULL);
}

void *wr_cache_set_default(wr_cache *cache, const void *bytes, size_t len, void *obj) {
    struct key key;
    void *winner = NULL;
    int error = cache_key(cache, bytes, len, &key);
    if (error == 0)
        error = cache_insert(cache, &key, obj, &winner);
    if (error != 0) {
        errno = -error;
        return NULL;
    }
    return winner != NULL ? winner : wr_retain(obj);
}

/* Take the entry of a key out, if its object is alive; a dead one is its end's to take out. Returns the
 * object, with a reference, or NULL. */
static void *take(wr_cache *cache, const struct key *key) {
    struct shard *shard = key->shard;
    uint32_t garbage = 0;
    lock_take(&shard->lock);
    struct node *entry = cache_find(cache, key, shard);
    void *obj = entry != NULL ? wr_weak_get(entry->entry.referent) : NULL;
    if (obj != NULL)
        table_remove(entry, shard, &garbage);
    lock_give(&shard->lock);
    table_discard(garbage);
    if (obj != NULL)
        node_drop(entry);
    return obj;
}

void *wr_cache_pop(wr_cache *cache, const void *bytes, size_t len) {
    struct key key;
    return cache_key(cache, bytes, len, &key) == 0 ? take(cache, &key) : NULL;
}

int wr_cache_remove(wr_cache *cache, const void *bytes, size_t len) {
    struct key key;
    int error = cache_key(cache, bytes, len, &key);
    if (error != 0)
        return error;
    void *obj = take(cache, &key);
    wr_release(obj);
    return obj != NULL ? 0 : -ENOENT;
}

/* ---- making ---- */

/* Make the object of a key that a making of this thread was entered for. */
static void *create(wr_cache *cache, const struct key *key, struct making *making, const void *bytes,
                    size_t len, wr_make make, void *arg) {
    struct shard *shard = key->shard;
    lock_none_held();
    void *obj = make(bytes, len, arg);
    int error = 0;
    if (obj != NULL) {
        void *winner = NULL;
        error = cache_insert(cache, key, obj, &winner);
        if (winner != NULL)
            wr_path(making_beaten);
        if (error != 0 || winner != NULL) {
            wr_release(obj);
            obj = winner;
        }
    }
    lock_take(&shard->lock);
    making_end(making, shard);
    lock_give(&shard->lock);
    making_tell(making, obj);
    if (error != 0)
        errno = -error;
    return obj;
}

void *cache_get_or_create(wr_cache *cache, struct key key, const void *bytes, size_t len, wr_make make,
                          void *arg) {
    struct shard *shard = key.shard;
    void *obj = NULL;
    int error = 0;
    while (error == 0 && obj == NULL) {
        struct evicted evicted;
        evicted_start(&evicted);
        lock_take(&shard->lock);
        obj = cache_use(cache, cache_find(cache, &key, shard), shard, &evicted);
        if (obj != NULL) {
            lock_give(&shard->lock);
            cache_evict(cache, shard, &evicted);
            break;
        }
        struct making *theirs = making_find(key.hash, key.bytes, key.len, shard);
        if (theirs == NULL) {
            struct making mine;
            making_begin(&mine, key.hash, key.bytes, key.len, shard);
            lock_give(&shard->lock);
            return create(cache, &key, &mine, bytes, len, make, arg);
        }
        error = making_wait(theirs, &obj, shard);
    }
    if (error != 0)
        errno = -error;
    return obj;
}
