/* SPDX-License-Identifier: MIT */
/*
 * One bucket of a hash table: a cache line with places for six nodes, each with a byte of its hash, so that a look-up
 * meets hardly any node but the one it is for; and a list of those who found no place. Guarded by its shard's lock
 * (table.h).
 */
#ifndef WR_BUCKET_H
#define WR_BUCKET_H

#include "registry.h"

struct node {
    struct wr_entry entry; /* first; `own`: enum node_flags, guarded by the shard's lock */
    struct shard *shard;   /* constant */
    struct node *next;     /* of those without a place; guarded by the shard's lock */
    uint64_t hash;         /* constant */
};

#define BUCKET_PLACES 6u

struct bucket {
    uint64_t tags; /* of the places, a byte each, the first the lowest; 0: nobody is there */
    struct place {
        uint32_t node;     /* index of its slot */
        uint32_t referent; /* and of its referent's, which is wanted at the same time */
    } places[BUCKET_PLACES];
    uint32_t more; /* index of the first who found no place, 0: none; only while all are taken */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

/* Return a bucket of a segment: memory for `count` buckets takes BUCKET_BYTES(count), of any alignment. */
#define BUCKET_BYTES(count) (((count) + 1) * sizeof(struct bucket))
static inline struct bucket *bucket_in(void *segment, uint32_t i) {
    uintptr_t line = sizeof(struct bucket);
    return (struct bucket *)(((uintptr_t)segment + line - 1) / line * line) + i;
}

/* ---- places ---- */

/* Return the tag of a hash, of bits that choose neither shard nor bucket. */
static inline uint8_t bucket_tag(uint64_t hash) {
    uint8_t tag = (uint8_t)(hash >> 40);
    return tag != 0 ? tag : 1;
}

/* Return the places that have a tag: the top bit of each one's byte. Without a branch: which place it is cannot be
 * foreseen. */
#define BUCKET_ALL UINT64_C(0x808080808080)
static inline uint64_t bucket_places(const struct bucket *bucket, uint8_t tag) {
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t differ = bucket->tags ^ tag * UINT64_C(0x0101010101010101);
    return ~(((differ & low) + low) | differ | low) & BUCKET_ALL;
}

/* Return the number of the first of some places. */
static inline unsigned bucket_place(uint64_t places) {
    return (unsigned)__builtin_ctzll(places) / 8;
}

static inline uint32_t bucket_index(const struct node *node) {
    return node != NULL ? wr_index_of(wr_slot_of((void *)(uintptr_t)node)) : 0;
}

static inline struct node *bucket_node(uint32_t index) {
    return index != 0 ? wr_payload_of(wr_slot_at(index)) : NULL;
}

/* ---- looking ---- */

/* Who is to be looked at in a bucket. */
struct sight {
    const struct bucket *bucket;
    uint64_t places;   /* those that are still to come */
    struct node *more; /* the next after those */
};

/* Look at all who are in a bucket. */
static inline struct sight bucket_all(const struct bucket *bucket) {
    return (struct sight){
        .bucket = bucket, .places = bucket_places(bucket, 0) ^ BUCKET_ALL, .more = bucket_node(bucket->more)};
}

/* Look at those who may have a hash: all who have it, and few others. */
static inline struct sight bucket_alike(const struct bucket *bucket, uint64_t hash) {
    uint64_t places = bucket_places(bucket, bucket_tag(hash));
    if (places != 0) /* wanted when the key has been compared */
        __builtin_prefetch(wr_slot_at(bucket->places[bucket_place(places)].referent), 1);
    return (struct sight){.bucket = bucket, .places = places, .more = bucket_node(bucket->more)};
}

/* Return the next of them, or NULL. Meanwhile nobody comes or goes, but for the ones that were returned. */
static inline struct node *sight_next(struct sight *sight) {
    struct node *node = sight->more;
    if (sight->places != 0) {
        node = bucket_node(sight->bucket->places[bucket_place(sight->places)].node);
        sight->places &= sight->places - 1;
    } else if (wr_unlikely(node != NULL)) {
        sight->more = node->next;
    }
    return node;
}

/* ---- coming and going ---- */

static inline void bucket_set_tag(struct bucket *bucket, unsigned place, uint8_t tag) {
    bucket->tags = (bucket->tags & ~(UINT64_C(0xff) << 8 * place)) | (uint64_t)tag << 8 * place;
}

static inline void bucket_insert(struct bucket *bucket, struct node *node) {
    uint64_t empty = bucket_places(bucket, 0);
    if (wr_likely(empty != 0)) {
        unsigned place = bucket_place(empty);
        bucket_set_tag(bucket, place, bucket_tag(node->hash));
        bucket->places[place].node = bucket_index(node);
        bucket->places[place].referent = (uint32_t)(node->entry.referent.bits >> 32);
    } else {
        wr_path(bucket_full);
        node->next = bucket_node(bucket->more);
        bucket->more = bucket_index(node);
    }
}

/* Take a node that is in out. */
static inline void bucket_remove(struct bucket *bucket, struct node *node) {
    uint32_t index = bucket_index(node);
    uint64_t places = bucket_places(bucket, bucket_tag(node->hash));
    while (places != 0 && bucket->places[bucket_place(places)].node != index)
        places &= places - 1;
    if (wr_unlikely(places == 0)) {
        struct node *first = wr_payload_of(wr_slot_at(bucket->more));
        struct node **at = &first;
        while (*at != node)
            at = &(*at)->next;
        *at = node->next;
        bucket->more = bucket_index(first);
        return;
    }
    bucket_set_tag(bucket, bucket_place(places), 0);
    struct node *first = bucket_node(bucket->more);
    if (wr_unlikely(first != NULL)) { /* gets the place */
        bucket->more = bucket_index(first->next);
        bucket_insert(bucket, first);
    }
}

#endif /* WR_BUCKET_H */
