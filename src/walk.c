/* SPDX-License-Identifier: MIT */
/* Walks over a table while it changes (table.h: struct cursor), and what concerns all tables at once. */
#include "table.h"

#define LOOKED_AT_ONCE 256u /* empty buckets in one critical section, at the most */

static uint64_t reversed(uint64_t x) {
    x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
    x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
    x = (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    return __builtin_bswap64(x);
}

/* Return how many low bits all hashes of the bucket of `hash` have in common: it is split already, or not. */
static unsigned bits_of_bucket(const struct shard *shard, uint64_t hash) {
    unsigned bits = (unsigned)__builtin_popcount(shard->mask);
    uint32_t half = (shard->mask >> 1) + 1;
    return ((uint32_t)hash & (half - 1)) + half < shard->buckets ? bits : bits - 1;
}

/* Tell whether a node is still to be met. */
static bool ahead(const struct node *node, const struct cursor *cursor) {
    uint64_t at = reversed(node->hash);
    return at > cursor->at ||
           (at == cursor->at && (cursor->last == NULL || (uintptr_t)node > (uintptr_t)cursor->last));
}

static bool before(const struct node *a, const struct node *b) {
    uint64_t at_a = reversed(a->hash);
    uint64_t at_b = reversed(b->hash);
    return at_a != at_b ? at_a < at_b : (uintptr_t)a < (uintptr_t)b;
}

/* Collect the first WALK_BATCH of a bucket with more than that. Many hashes are the same, or memory was
 * refused. */
static unsigned crowd(struct cursor *cursor, const struct bucket *bucket, struct node **nodes) {
    unsigned n = 0;
    struct sight sight = bucket_all(bucket);
    for (struct node *node; (node = sight_next(&sight)) != NULL;) {
        if (!ahead(node, cursor) || (n == WALK_BATCH && !before(node, nodes[n - 1])))
            continue;
        unsigned i = n < WALK_BATCH ? n++ : n - 1;
        for (; i > 0 && before(node, nodes[i - 1]); i--)
            nodes[i] = nodes[i - 1];
        nodes[i] = node;
    }
    cursor->last = nodes[n - 1];
    cursor->at = reversed(cursor->last->hash);
    return n;
}

struct shard *cursor_shard(const struct table *table, const struct cursor *cursor) {
    return cursor->shard < table->shard_count ? &table->shards[cursor->shard] : NULL;
}

unsigned cursor_next(struct cursor *cursor, struct shard *shard, struct node **nodes) {
    unsigned n = 0;
    for (unsigned looked = 0; looked < LOOKED_AT_ONCE; looked++) {
        uint64_t hash = reversed(cursor->at);
        const struct bucket *bucket = shard_bucket(shard, hash);
        struct sight sight = bucket_all(bucket);
        unsigned more = 0;
        for (const struct node *node; (node = sight_next(&sight)) != NULL;)
            more += ahead(node, cursor);
        if (more > WALK_BATCH - n)
            return n > 0 ? n : crowd(cursor, bucket, nodes);
        sight = bucket_all(bucket);
        for (struct node *node; (node = sight_next(&sight)) != NULL;)
            if (ahead(node, cursor))
                nodes[n++] = node;
        uint64_t width = UINT64_C(2) << (63 - bits_of_bucket(shard, hash)); /* 0: of all there are */
        cursor->at = (cursor->at & ~(width - 1)) + width;
        cursor->last = NULL;
        if (cursor->at == 0) {
            cursor->shard++;
            break;
        }
    }
    return n;
}

unsigned cursor_pin(struct cursor *cursor, struct shard *shard, struct node **nodes, void **referents) {
    unsigned pinned = 0;
    lock_take(&shard->lock);
    unsigned n = cursor_next(cursor, shard, nodes);
    for (unsigned i = 0; i < n; i++) {
        void *referent = wr_weak_get(nodes[i]->entry.referent);
        if (referent == NULL)
            continue;
        nodes[pinned] = wr_retain(nodes[i]);
        referents[pinned++] = referent;
    }
    lock_give(&shard->lock);
    return pinned;
}

size_t table_count(struct table *table) {
    struct cursor cursor = {.shard = 0};
    struct node *nodes[WALK_BATCH];
    size_t count = 0;
    for (struct shard *shard; (shard = cursor_shard(table, &cursor)) != NULL;) {
        lock_take(&shard->lock);
        unsigned n = cursor_next(&cursor, shard, nodes);
        for (unsigned i = 0; i < n; i++)
            count += !wr_weak_is_dead(nodes[i]->entry.referent);
        lock_give(&shard->lock);
    }
    return count;
}

/* Take a node out of a shard between `at` and the end of it. */
static struct node *take_any(struct shard *shard, uint64_t at, void **referent, uint32_t *garbage)
    REQUIRES(shard->lock) {
    struct cursor cursor = {.at = at};
    struct node *nodes[WALK_BATCH];
    while (shard->count > 0 && cursor.shard == 0) {
        shard->popped = cursor.at;
        unsigned n = cursor_next(&cursor, shard, nodes);
        for (unsigned i = 0; i < n; i++) {
            *referent = wr_weak_get(nodes[i]->entry.referent);
            if (*referent != NULL) {
                table_remove(nodes[i], shard, garbage);
                return nodes[i];
            }
        }
    }
    return NULL;
}

struct node *table_take_any(struct table *table, void **referent) {
    struct node *node = NULL;
    uint32_t garbage = 0;
    for (uint32_t i = 0; i < table->shard_count && node == NULL; i++) {
        struct shard *shard = &table->shards[i];
        lock_take(&shard->lock);
        /* On from where the last search ended, so that emptying a table is one walk; then from the start. */
        node = take_any(shard, shard->popped, referent, &garbage);
        if (node == NULL)
            node = take_any(shard, 0, referent, &garbage);
        lock_give(&shard->lock);
        table_discard(garbage);
        garbage = 0;
    }
    return node;
}
