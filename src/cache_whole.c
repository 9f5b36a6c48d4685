/* SPDX-License-Identifier: MIT */
/* What is done with a cache as a whole. */
#include "cache.h"

void wr_cache_clear(wr_cache *cache) {
    if (cache != NULL)
        table_clear(&cache->table);
}

size_t wr_cache_len(wr_cache *cache) {
    return cache != NULL ? table_count(&cache->table) : 0;
}

/* Return an entry's key as the user knows it; *len: its length. */
static const void *user_key(const wr_cache *cache, const struct node *entry, size_t *len) {
    const struct entry_key *key = entry_key(cache, entry);
    const void *bytes = key_bytes(key);
    *len = key_len(key);
    if (!(cache->options.flags & WR_KEY_WORDS))
        return bytes;
    void *word;
    memcpy(&word, bytes, sizeof word);
    *len = 0;
    return word;
}

int wr_cache_foreach(wr_cache *cache, int (*visit)(const void *key, size_t len, void *obj, void *arg),
                     void *arg) {
    if (cache == NULL || visit == NULL)
        return -EINVAL;
    struct cursor cursor = {.shard = 0};
    struct node *entries[WALK_BATCH];
    void *objects[WALK_BATCH];
    int result = 0;
    for (struct shard *shard; result == 0 && (shard = cursor_shard(&cache->table, &cursor)) != NULL;) {
        unsigned n = cursor_pin(&cursor, shard, entries, objects);
        lock_none_held();
        for (unsigned i = 0; i < n; i++) {
            size_t len;
            const void *key = user_key(cache, entries[i], &len);
            if (result == 0)
                result = visit(key, len, objects[i], arg);
            wr_release(objects[i]);
            wr_release(entries[i]);
        }
    }
    return result;
}

void *wr_cache_popitem(wr_cache *cache, void *buf, size_t cap, size_t *len) {
    if (cache == NULL || (buf == NULL && cap != 0)) {
        errno = EINVAL;
        return NULL;
    }
    void *obj = NULL;
    struct node *entry = table_take_any(&cache->table, &obj);
    if (entry == NULL)
        return NULL;
    const struct entry_key *key = entry_key(cache, entry);
    size_t its = key_len(key);
    if (len != NULL)
        *len = its;
    if (its != 0 && cap != 0)
        memcpy(buf, key_bytes(key), its < cap ? its : cap);
    node_drop(entry);
    return obj;
}

/* ---- one from another ---- */

static int put_one(const void *key, size_t len, void *obj, void *to) {
    int error = wr_cache_put(to, key, len, obj);
    return error == -ESTALE ? 0 : error; /* killed since */
}

int wr_cache_update(wr_cache *cache, wr_cache *from) {
    if (cache == NULL || from == NULL)
        return -EINVAL;
    unsigned to = cache->options.flags;
    if (((to ^ from->options.flags) & WR_KEY_WORDS) || (to & ~from->options.flags & WR_KEYS_IN_VALUES))
        return -EINVAL;
    return cache != from ? wr_cache_foreach(from, put_one, cache) : 0;
}

wr_cache *wr_cache_copy(wr_cache *from) {
    if (from == NULL) {
        errno = EINVAL;
        return NULL;
    }
    wr_cache *cache = wr_cache_new_ex(&from->options);
    if (cache == NULL)
        return NULL;
    int error = wr_cache_update(cache, from);
    if (error != 0) {
        wr_cache_free(cache);
        errno = -error;
        return NULL;
    }
    return cache;
}
