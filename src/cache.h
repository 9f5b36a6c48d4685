/* SPDX-License-Identifier: MIT */
/* What a cache and its entries are, for the files that implement it. */
#ifndef WR_CACHE_H
#define WR_CACHE_H

#include "recent.h"

struct wr_cache {
    struct table table;       /* first */
    wr_cache_options options; /* constant, as all below */
    struct limits limits;
    size_t key_at; /* where an entry's key is */
};

/* entry.flags of an entry: what is at key_at. */
enum entry_flags {
    KEY_HERE,    /* its bytes */
    KEY_APART,   /* a pointer to them, in memory of the entry's own */
    KEY_CALLERS, /* a pointer to them, in memory of the caller's */
};

/* A struct node or struct ranked, this, and the key. */
struct entry_key {
    size_t len;
    union {
        unsigned char bytes[8]; /* or more */
        const void *pointer;
    } key;
};

/* A key as it is looked up. */
struct key {
    const void *bytes;
    size_t len;
    uint64_t hash;
    uintptr_t word; /* with WR_KEY_WORDS: what `bytes` points to */
    struct shard *shard;
};

static inline struct entry_key *entry_key(const wr_cache *cache, const struct node *entry) {
    return (struct entry_key *)(void *)((char *)(uintptr_t)entry + cache->key_at);
}

static inline const void *entry_bytes(const wr_cache *cache, const struct node *entry) {
    const struct entry_key *key = entry_key(cache, entry);
    return entry->entry.flags == KEY_HERE ? key->key.bytes : key->key.pointer;
}

/* Check and hash a key. Returns 0 or -EINVAL. */
int cache_key(const wr_cache *cache, const void *bytes, size_t len, struct key *key);

/* Return the entry of a key, dead or alive, or NULL. */
struct node *cache_find(const wr_cache *cache, const struct key *key, struct shard *shard)
    REQUIRES(shard->lock);

/* Note the use of an entry, whose object is held, in a cache with limits. */
void cache_note_use(const wr_cache *cache, struct node *entry, struct shard *shard, struct evicted *evicted)
    REQUIRES(shard->lock);

/* Take a reference to the object of an entry (NULL: none), if it is alive, and note its use. */
static inline void *cache_use(const wr_cache *cache, struct node *entry, struct shard *shard,
                              struct evicted *evicted) REQUIRES(shard->lock) {
    void *obj = entry != NULL ? wr_weak_get(entry->entry.referent) : NULL;
    if (obj != NULL && cache->table.ranked)
        cache_note_use(cache, entry, shard, evicted);
    return obj;
}

/* Let go of what was evicted, and evict the rest of what is to be. No lock is held. */
void cache_evict_slow(const wr_cache *cache, struct shard *shard, struct evicted *evicted);

static inline void cache_evict(const wr_cache *cache, struct shard *shard, struct evicted *evicted) {
    if (cache->table.ranked)
        cache_evict_slow(cache, shard, evicted);
}

/* Put an object under a key. `winner` not NULL: unless an object is alive there: *winner is that, with a
 * reference, else NULL. Returns 0 or a negative errno; then nothing was changed. */
int cache_insert(wr_cache *cache, const struct key *key, void *obj, void **winner);

#endif /* WR_CACHE_H */
