/* SPDX-License-Identifier: MIT */
/*
 * How a key of a cache is looked up: at a glance, which takes no lock, or under the lock of its shard. Glances are for
 * steady tables, and for keys that are in their entries: a look in a cache with limits moves the entry, and other keys
 * may be freed at any time, or belong to an object that would have to be held while they are compared.
 *
 * A glance reads what the shard's sequence count guards (seqcount.h), and believes it when the count holds: then key,
 * entry and referent belonged together while it looked. An object that is alive after that was alive then, and so was
 * cached during the call. One that is dead tells nothing: another may have come in its place meanwhile, and only the
 * lock shows which.
 *
 * Whatever a glance follows before it knows is there: buckets and entries are in steady slots (arena.h); directories
 * are kept to the end of the table and only get longer, so that a number of a bucket that was read before the directory
 * is one that it has.
 */
#include "cache.h"

/* ---- keys ---- */

/* Return where entries of such keys have them. */
static enum key_place place_of(const wr_cache *cache, size_t len) {
    if (cache->options.flags & WR_KEYS_IN_VALUES)
        return KEY_CALLERS;
    return len > KEY_HERE_MAX ? KEY_APART : KEY_HERE;
}

/* Hash a key by the function of the caller's. */
static __attribute__((noinline)) uint64_t own_hash(const wr_cache *cache, const void *bytes, size_t len) {
    lock_none_held();
    return hash_spread(cache->options.hash(bytes, len, cache->options.hash_arg));
}

/* Tell whether a key will be in its entry and looked up without more ado. */
static inline bool is_plain(const wr_cache *cache, const void *bytes, size_t len) {
    return cache != NULL && cache->plain && bytes != NULL && len - 1 < KEY_HERE_MAX;
}

/* Hash a key that is complete but for that; `bytes` and `len` are what the caller gave. */
static inline __attribute__((always_inline)) void hash_key(const wr_cache *cache, const void *bytes,
                                                           size_t len, struct key *key) {
    key->hash = wr_likely(cache->options.hash == NULL)
                    ? hash_bytes(&cache->table.secret, key->bytes, key->len, key->tail)
                    : own_hash(cache, bytes, len);
    key->shard = table_shard(&cache->table, key->hash);
}

static inline __attribute__((always_inline)) void plain_key(const wr_cache *cache, const void *bytes,
                                                            size_t len, struct key *key) {
    key->bytes = bytes;
    key->word = 0;
    key->len = len;
    key->tail = hash_tail(bytes, len);
    key->shape = (uint64_t)len << 2 | KEY_HERE;
    hash_key(cache, bytes, len, key);
}

static __attribute__((noinline)) int other_key(const wr_cache *cache, const void *bytes, size_t len,
                                               struct key *key) {
    if (cache == NULL)
        return -EINVAL;
    bool words = (cache->options.flags & WR_KEY_WORDS) != 0;
    if (words ? len != 0 : len > WR_MAX_KEY || (bytes == NULL && len != 0))
        return -EINVAL;
    key->word = (uintptr_t)bytes;
    key->bytes = words ? &key->word : bytes;
    key->len = words ? sizeof key->word : len;
    enum key_place place = place_of(cache, key->len);
    key->shape = (uint64_t)key->len << 2 | place;
    bool read = place == KEY_HERE || cache->options.hash == NULL; /* else only the caller's hash reads it */
    key->tail = key->len != 0 && read ? hash_tail(key->bytes, key->len) : 0;
    hash_key(cache, bytes, len, key);
    return 0;
}

int cache_key(const wr_cache *cache, const void *bytes, size_t len, struct key *key) {
    if (wr_unlikely(!is_plain(cache, bytes, len)))
        return other_key(cache, bytes, len, key);
    plain_key(cache, bytes, len, key);
    return 0;
}

/* Tell whether a key that stands in its entry is the one that is looked up. They are of one length. */
static inline __attribute__((always_inline)) bool same_here(const struct entry_key *its,
                                                            const struct key *key) {
    const unsigned char *at = key->bytes;
    const uint64_t *word = its->words;
    for (size_t left = key->len / 8; left != 0; left--, at += 8, word++)
        if (seqcount_load(word) != hash_load(at, 8))
            return false;
    return key->len % 8 == 0 || seqcount_load(word) == key->tail;
}

static bool same_there(const struct entry_key *its, const struct key *key) {
    return key->len == 0 || memcmp(key_pointer(its), key->bytes, key->len) == 0;
}

/* ---- under the lock ---- */

struct node *cache_find(const wr_cache *cache, const struct key *key, struct shard *shard) {
    struct sight sight = bucket_alike(shard_bucket(shard, key->hash), key->hash);
    for (struct node *entry; (entry = sight_next(&sight)) != NULL;) {
        const struct entry_key *its = entry_key(cache, entry);
        if (entry->hash == key->hash && its->shape == key->shape &&
            (key_place(key->shape) == KEY_HERE ? same_here(its, key) : same_there(its, key)))
            return entry;
    }
    return NULL;
}

/* ---- at a glance ---- */

/* What a glance has come to, about the entry it is for. */
enum glance { NONE, FOUND, UNSURE };

static inline bool may_glance(const wr_cache *cache, const struct key *key) {
    return cache->table.steady && key_place(key->shape) == KEY_HERE;
}

/* Look at a node that may be the entry of a key, and if so, which object is its. NONE: it is another's. */
static inline __attribute__((always_inline)) enum glance
glance_at(const struct node *node, const struct key *key, uint64_t begun, wr_weak *referent) {
    const struct entry_key *its = (const struct entry_key *)(const void *)(node + 1);
    if (seqcount_load(&its->shape) != key->shape || !same_here(its, key))
        return NONE;
    *referent = wr_weak_from_u64(seqcount_load(&node->entry.referent.bits));
    if (wr_likely(seqcount_holds(&key->shard->sequence, begun)))
        return FOUND;
    wr_path(glance_changed);
    return UNSURE;
}

/* Go through those who found no place in their bucket. */
static __attribute__((noinline)) enum glance glance_more(uint64_t index, const struct key *key,
                                                         uint64_t begun, wr_weak *referent) {
    wr_path(glance_more);
    const struct node *node = bucket_node(index);
    while (node != NULL) {
        enum glance found = glance_at(node, key, begun, referent);
        if (found != NONE)
            return found;
        node = seqcount_load(&node->next);
        /* It may go in circles, or be the end of another list. */
        if (!seqcount_holds(&key->shard->sequence, begun))
            return UNSURE;
    }
    return NONE;
}

/* Look for the entry of a key. */
static inline __attribute__((always_inline)) enum glance glance(const struct key *key, wr_weak *referent) {
    const struct shard *shard = key->shard;
    uint64_t begun;
    if (wr_unlikely(!seqcount_begin(&shard->sequence, &begun))) {
        wr_path(glance_changing);
        return UNSURE;
    }
    uint32_t number = bucket_number(key->hash, seqcount_load(&shard->buckets), seqcount_load(&shard->mask));
    struct bucket **directory = seqcount_load(&shard->directory);
    const struct bucket *bucket = seqcount_load(&directory[number / SEGMENT]) + number % SEGMENT;
    uint64_t places = bucket_places(seqcount_load(&bucket->tags), bucket_tag(key->hash));
    for (; places != 0; places &= places - 1) {
        uint64_t place = seqcount_load(&bucket->places[bucket_place(places)]);
        bucket_fetch_referent(place);
        if (wr_unlikely(place == 0)) /* the memory was given back to the system meanwhile */
            return UNSURE;
        enum glance found = glance_at(bucket_node_at(place), key, begun, referent);
        if (wr_likely(found != NONE))
            return found;
    }
    uint64_t more = seqcount_load(&bucket->more);
    if (wr_unlikely(!seqcount_holds(&shard->sequence, begun)))
        return UNSURE;
    return wr_likely(more == 0) ? NONE : glance_more(more, key, begun, referent);
}

/* ---- get ---- */

/* Look the object of a key up at a glance. Returns false: look again under the lock; else *obj is the object, with a
 * reference, or NULL. */
static inline __attribute__((always_inline)) bool glance_get(const struct key *key, void **obj) {
    wr_weak referent;
    enum glance found = glance(key, &referent);
    *obj = wr_likely(found == FOUND) ? wr_weak_get(referent) : NULL;
    return *obj != NULL || found == NONE;
}

/* Keys are passed by value, so that the fast paths have them in registers. */
static __attribute__((noinline)) void *get_locked(const wr_cache *cache, struct key key) {
    wr_path(glance_in_vain);
    struct shard *shard = key.shard;
    struct evicted evicted;
    evicted_start(&evicted);
    lock_take(&shard->lock);
    void *obj = cache_use(cache, cache_find(cache, &key, shard), shard, &evicted);
    lock_give(&shard->lock);
    cache_evict(cache, shard, &evicted);
    return obj;
}

static __attribute__((noinline)) void *get_other(const wr_cache *cache, const void *bytes, size_t len) {
    struct key key;
    void *obj;
    if (other_key(cache, bytes, len, &key) != 0)
        return NULL;
    return may_glance(cache, &key) && glance_get(&key, &obj) ? obj : get_locked(cache, key);
}

void *wr_cache_get(wr_cache *cache, const void *bytes, size_t len) {
    struct key key;
    void *obj;
    if (wr_unlikely(!is_plain(cache, bytes, len)))
        return get_other(cache, bytes, len);
    plain_key(cache, bytes, len, &key);
    return wr_likely(glance_get(&key, &obj)) ? obj : get_locked(cache, key);
}

static __attribute__((noinline)) void *get_or_create_other(wr_cache *cache, const void *bytes, size_t len,
                                                           wr_make make, void *arg) {
    struct key key;
    void *obj = NULL;
    int error = make != NULL ? other_key(cache, bytes, len, &key) : -EINVAL;
    if (error != 0) {
        errno = -error;
        return NULL;
    }
    if (may_glance(cache, &key) && glance_get(&key, &obj) && obj != NULL)
        return obj;
    return cache_get_or_create(cache, key, bytes, len, make, arg);
}

void *wr_cache_get_or_create(wr_cache *cache, const void *bytes, size_t len, wr_make make, void *arg) {
    struct key key;
    void *obj;
    if (wr_unlikely(make == NULL || !is_plain(cache, bytes, len)))
        return get_or_create_other(cache, bytes, len, make, arg);
    plain_key(cache, bytes, len, &key);
    if (wr_likely(glance_get(&key, &obj)) && obj != NULL)
        return obj;
    return cache_get_or_create(cache, key, bytes, len, make, arg);
}

bool wr_cache_contains(wr_cache *cache, const void *bytes, size_t len) {
    struct key key;
    if (cache_key(cache, bytes, len, &key) != 0)
        return false;
    if (may_glance(cache, &key)) {
        wr_weak referent;
        enum glance found = glance(&key, &referent);
        if (found == NONE || (found == FOUND && !wr_weak_is_dead(referent)))
            return found == FOUND;
    }
    struct shard *shard = key.shard;
    lock_take(&shard->lock);
    const struct node *entry = cache_find(cache, &key, shard);
    bool alive = entry != NULL && !wr_weak_is_dead(entry->entry.referent);
    lock_give(&shard->lock);
    return alive;
}
