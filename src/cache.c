/* SPDX-License-Identifier: MIT */
/* Caches: keys of bytes to objects held weakly. What an entry is, and how it gets in. */
#include "cache.h"

#include "alloc.h"
#include "object.h"

/* Keys longer than this are in memory of their own, so that entries do not make slots of every size. */
#define KEY_HERE_MAX 128u

/* With limits, a shard has at least this many entries' part of them: hashes spread that many evenly enough. */
#define PART_MIN 64u

static void free_key(void *self);
static void free_ranked_key(void *self);

static const wr_type entry_type = {.abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry"};
static const wr_type entry_apart_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry", .destroy = free_key};
static const wr_type ranked_apart_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry", .destroy = free_ranked_key};

static void free_pointer(const void *key) {
    alloc_free((void *)(uintptr_t)((const struct entry_key *)key)->key.pointer);
}

static void free_key(void *self) {
    free_pointer((struct node *)self + 1);
}

static void free_ranked_key(void *self) {
    free_pointer((struct ranked *)self + 1);
}

/* ---- the cache ---- */

/* Return the number of shards for some limits: fewer, when each would have too small a part of them. */
static uint32_t shards_for(const struct limits *limits) {
    uint32_t shards = table_default_shards();
    size_t least = SIZE_MAX;
    if (limits->entries != 0)
        least = limits->entries;
    if (limits->keep != 0 && limits->keep < least)
        least = limits->keep;
    while (shards > 1 && (least / shards < PART_MIN || limits->keep_weight != 0))
        shards /= 2;
    return shards;
}

static bool options_wrong(const wr_cache_options *o) {
    return o == NULL || o->size != sizeof *o || (o->flags & ~(WR_KEY_WORDS | WR_KEYS_IN_VALUES)) != 0 ||
           o->flags == (WR_KEY_WORDS | WR_KEYS_IN_VALUES) || o->shards > SHARD_MAX ||
           (o->shards & (o->shards - 1)) != 0 || (o->keep_weight != 0 && o->weigh == NULL);
}

wr_cache *wr_cache_new_ex(const wr_cache_options *options) {
    if (options_wrong(options)) {
        errno = EINVAL;
        return NULL;
    }
    struct limits limits = {
        .entries = options->max_entries, .keep = options->keep, .keep_weight = options->keep_weight};
    if (limits.keep_weight != 0 && limits.keep == 0)
        limits.keep = SIZE_MAX;
    wr_cache *cache = table_new(sizeof *cache, options->shards != 0 ? options->shards : shards_for(&limits));
    if (cache == NULL)
        return NULL;
    cache->options = *options;
    cache->limits = limits;
    cache->table.ranked = limits.entries != 0 || limits.keep != 0;
    cache->key_at = cache->table.ranked ? sizeof(struct ranked) : sizeof(struct node);
    return cache;
}

wr_cache *wr_cache_new(void) {
    wr_cache_options options = WR_CACHE_OPTIONS_INIT;
    return wr_cache_new_ex(&options);
}

void wr_cache_free(wr_cache *cache) {
    if (cache == NULL)
        return;
    table_clear(&cache->table);
    table_free(&cache->table);
}

/* ---- keys ---- */

int cache_key(const wr_cache *cache, const void *bytes, size_t len, struct key *key) {
    if (cache == NULL)
        return -EINVAL;
    if (cache->options.flags & WR_KEY_WORDS) {
        if (len != 0)
            return -EINVAL;
        key->word = (uintptr_t)bytes;
        key->bytes = &key->word;
        key->len = sizeof key->word;
    } else {
        if (len > WR_MAX_KEY || (bytes == NULL && len != 0))
            return -EINVAL;
        key->bytes = bytes;
        key->len = len;
    }
    if (cache->options.hash != NULL) {
        lock_none_held();
        key->hash = hash_spread(cache->options.hash(bytes, len, cache->options.hash_arg));
    } else if (cache->options.flags & WR_KEY_WORDS) {
        key->hash = hash_word(&cache->table.secret, key->word);
    } else {
        key->hash = hash_bytes(&cache->table.secret, bytes, len);
    }
    key->shard = table_shard(&cache->table, key->hash);
    return 0;
}

static uint64_t eight_bytes(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Compare keys of one length; those of 8 to 16 bytes, as most are, without a call. */
static bool same_bytes(const unsigned char *a, const unsigned char *b, size_t len) {
    if (len - 8 <= 8)
        return ((eight_bytes(a) ^ eight_bytes(b)) | (eight_bytes(a + len - 8) ^ eight_bytes(b + len - 8))) ==
               0;
    return len == 0 || memcmp(a, b, len) == 0;
}

struct node *cache_find(const wr_cache *cache, const struct key *key, struct shard *shard) {
    struct sight sight = bucket_alike(shard_bucket(shard, key->hash), key->hash);
    struct node *entry;
    do
        entry = sight_next(&sight);
    while (entry != NULL && !(entry->hash == key->hash && entry_key(cache, entry)->len == key->len &&
                              same_bytes(entry_bytes(cache, entry), key->bytes, key->len)));
    return entry;
}

/* Make an entry that nobody knows yet. Returns NULL: no memory. */
static struct node *entry_new(const wr_cache *cache, const struct key *key) {
    bool callers = (cache->options.flags & WR_KEYS_IN_VALUES) != 0;
    bool apart = !callers && key->len > KEY_HERE_MAX;
    size_t bytes = callers || apart || key->len < sizeof(void *) ? sizeof(void *) : key->len;
    const void *pointer = key->bytes;
    if (apart) {
        pointer = alloc_zeroed(key->len);
        if (pointer == NULL)
            return NULL;
        memcpy((void *)(uintptr_t)pointer, key->bytes, key->len);
    }
    const wr_type *type = !apart ? &entry_type : cache->table.ranked ? &ranked_apart_type : &entry_apart_type;
    struct node *entry =
        node_new(type, cache->key_at + offsetof(struct entry_key, key) + bytes, key->shard, key->hash);
    if (entry == NULL) {
        if (apart)
            alloc_free((void *)(uintptr_t)pointer);
        return NULL;
    }
    struct entry_key *its = entry_key(cache, entry);
    its->len = key->len;
    entry->entry.flags = callers ? KEY_CALLERS : apart ? KEY_APART : KEY_HERE;
    if (callers || apart)
        its->key.pointer = pointer;
    else if (key->len != 0)
        memcpy(its->key.bytes, key->bytes, key->len);
    return entry;
}

/* ---- using and putting in ---- */

void cache_note_use(const wr_cache *cache, struct node *entry, struct shard *shard, struct evicted *evicted) {
    recent_use((struct ranked *)entry, shard);
    recent_limit((struct ranked *)entry, shard, &cache->limits, evicted);
}

void cache_evict_slow(const wr_cache *cache, struct shard *shard, struct evicted *evicted) {
    recent_let_go(evicted);
    while (evicted->more) {
        lock_take(&shard->lock);
        recent_limit(NULL, shard, &cache->limits, evicted);
        lock_give(&shard->lock);
        recent_let_go(evicted);
    }
}

/* What became of an attempt to put an entry in. */
enum attempt { IN, LOST, CAME_TOO_LATE };

static enum attempt try_insert(wr_cache *cache, const struct key *key, struct node *entry, void **winner) {
    struct shard *shard = key->shard;
    struct evicted evicted;
    void *garbage = NULL;
    bool grow = false;
    enum attempt attempt = CAME_TOO_LATE;
    evicted_start(&evicted);
    lock_take(&shard->lock);
    struct node *old = cache_find(cache, key, shard);
    if (node_arrive(entry, shard)) {
        if (winner != NULL)
            *winner = cache_use(cache, old, shard, &evicted);
        attempt = winner != NULL && *winner != NULL ? LOST : IN;
    }
    if (attempt == IN) {
        if (old != NULL)
            table_remove(old, shard, &garbage);
        grow = table_insert(entry, shard);
        if (cache->table.ranked)
            recent_limit((struct ranked *)entry, shard, &cache->limits, &evicted);
    }
    lock_give(&shard->lock);
    table_discard(garbage);
    if (grow)
        table_make_room(shard);
    if (attempt == IN && old != NULL)
        node_drop(old);
    else if (attempt != IN)
        node_drop(entry);
    cache_evict(cache, shard, &evicted);
    return attempt;
}

int cache_insert(wr_cache *cache, const struct key *key, void *obj, void **winner) {
    int error = node_refuses(obj);
    if (error != 0)
        return error;
    size_t weight = 0;
    if (cache->options.weigh != NULL) {
        lock_none_held();
        weight = cache->options.weigh(obj);
    }
    enum attempt attempt;
    do {
        struct node *entry = entry_new(cache, key);
        if (entry == NULL)
            return -ENOMEM;
        if (cache->table.ranked)
            ((struct ranked *)entry)->weight = weight;
        error = node_link(entry, obj);
        if (error != 0)
            return error;
        attempt = try_insert(cache, key, entry, winner);
    } while (attempt == CAME_TOO_LATE); /* cleared meanwhile, or killed: the next link tells */
    return 0;
}
