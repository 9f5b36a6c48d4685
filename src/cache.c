/* SPDX-License-Identifier: MIT */
/* Caches: keys of bytes to objects held weakly. What an entry is, and how it gets in. */
#include "cache.h"

#include "alloc.h"
#include "object.h"

/* With limits, a shard has at least this many entries' part of them: hashes spread that many evenly enough. */
#define PART_MIN 64u

static void free_key(void *self);
static void free_ranked_key(void *self);

static const wr_type entry_type = {.abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry"};
static const wr_type entry_apart_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry", .destroy = free_key};
static const wr_type ranked_apart_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "cache entry", .destroy = free_ranked_key};

static void free_pointer(struct entry_key *key) {
    alloc_free((void *)(uintptr_t)key_pointer(key));
    seqcount_store(&key->words[0], UINT64_C(0)); /* the slot keeps it, where leak checkers would find it */
}

static void free_key(void *self) {
    free_pointer((struct entry_key *)(void *)((struct node *)self + 1));
}

static void free_ranked_key(void *self) {
    free_pointer((struct entry_key *)(void *)((struct ranked *)self + 1));
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
    cache->table.steady = !cache->table.ranked && (options->flags & WR_KEYS_IN_VALUES) == 0;
    cache->plain = cache->table.steady && options->flags == 0;
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

/* ---- entries ---- */

static void *new_node(const wr_cache *cache, const wr_type *type, size_t size, const struct key *key) {
    return cache->table.steady ? node_new_steady(type, size, key->shard, key->hash)
                               : node_new(type, size, key->shard, key->hash);
}

/* Make an entry that nobody knows yet. Returns NULL: no memory. */
static struct node *entry_new(const wr_cache *cache, const struct key *key) {
    enum key_place place = key_place(key->shape);
    const void *pointer = key->bytes;
    if (place == KEY_APART) {
        pointer = alloc_zeroed(key->len);
        if (pointer == NULL)
            return NULL;
        memcpy((void *)(uintptr_t)pointer, key->bytes, key->len);
    }
    size_t whole = place == KEY_HERE ? key->len / 8 : 0;
    bool tail = place != KEY_HERE || key->len % 8 != 0;
    const wr_type *type = place != KEY_APART    ? &entry_type
                          : cache->table.ranked ? &ranked_apart_type
                                                : &entry_apart_type;
    struct node *entry = new_node(cache, type, cache->key_at + sizeof(uint64_t) * (1 + whole + tail), key);
    if (entry == NULL) {
        if (place == KEY_APART)
            alloc_free((void *)(uintptr_t)pointer);
        return NULL;
    }
    struct entry_key *its = entry_key(cache, entry);
    seqcount_store(&its->shape, key->shape);
    for (size_t i = 0; i < whole; i++)
        seqcount_store(&its->words[i], hash_load((const unsigned char *)key->bytes + 8 * i, 8));
    if (tail)
        seqcount_store(&its->words[whole], place == KEY_HERE ? key->tail : (uint64_t)(uintptr_t)pointer);
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
        grow = table_insert(entry, old, shard);
        if (cache->table.ranked)
            recent_limit((struct ranked *)entry, shard, &cache->limits, &evicted);
    }
    lock_give(&shard->lock);
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
