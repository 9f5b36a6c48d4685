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
    bool plain;    /* steady, and keys are bytes: as most caches are */
};

/* Where an entry's key is. */
enum key_place {
    KEY_HERE,    /* in the entry, in words, the last filled up with zeros */
    KEY_APART,   /* in memory of the entry's own */
    KEY_CALLERS, /* in memory of the caller's, as long as the object is there */
};

/* Keys longer than this are in memory of their own, so that there need not be slots for entries of every size. */
#define KEY_HERE_MAX 128u

/* What stands behind an entry's struct node or struct ranked. Constant once the entry is known to others; read without
 * the shard's lock where the table is steady. */
struct entry_key {
    uint64_t shape;    /* length << 2 | enum key_place */
    uint64_t words[1]; /* or more; or one that is a pointer to the key */
};
_Static_assert(sizeof(struct ranked) + sizeof(uint64_t) + KEY_HERE_MAX <= ENTRY_MAX, "entries have classes");

/* A key as it is looked up. */
struct key {
    const void *bytes;
    size_t len;
    uint64_t tail; /* hash_tail */
    uint64_t hash;
    uint64_t shape;
    uintptr_t word; /* with WR_KEY_WORDS: what `bytes` points to */
    struct shard *shard;
};

static inline struct entry_key *entry_key(const wr_cache *cache, const struct node *entry) {
    return (struct entry_key *)(void *)((char *)(uintptr_t)entry + cache->key_at);
}

static inline size_t key_len(const struct entry_key *key) {
    return (size_t)(key->shape >> 2);
}

static inline enum key_place key_place(uint64_t shape) {
    return (enum key_place)(shape & 3);
}

static inline const void *key_pointer(const struct entry_key *key) {
    return (const void *)(uintptr_t)key->words[0];
}

static inline const void *key_bytes(const struct entry_key *key) {
    return key_place(key->shape) == KEY_HERE ? key->words : key_pointer(key);
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

/* wr_cache_get_or_create, when its object was not found without the lock. */
void *cache_get_or_create(wr_cache *cache, struct key key, const void *bytes, size_t len, wr_make make,
                          void *arg);

#endif /* WR_CACHE_H */
