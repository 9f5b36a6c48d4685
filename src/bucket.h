/* SPDX-License-Identifier: MIT */
/*
 * One bucket of a hash table: a cache line with places for six nodes, each with a byte of its hash, so that a look-up
 * meets hardly any node but the one it is for; and a list of those who found no place. Guarded by its shard's lock
 * (table.h); caches also look at buckets without it (seqcount.h), which is why they are changed by atomic stores.
 */
#ifndef WR_BUCKET_H
#define WR_BUCKET_H

#include "registry.h"
#include "seqcount.h"

struct node {
    struct wr_entry entry; /* first; `own`: enum node_flags, guarded by the shard's lock */
    struct shard *shard;   /* constant */
    struct node *next;     /* of those without a place; changed under the shard's lock (seqcount.h) */
    uint64_t hash;         /* constant */
};

#ifndef WR_PLACES /* a model has more who find none */
#define WR_PLACES 6u
#endif

struct bucket {
    uint64_t tags;              /* of the places, a byte each, the first the lowest; 0: nobody is there */
    uint64_t places[WR_PLACES]; /* index of a node's slot << 32 | of its referent's, wanted with it */
    uint64_t more;              /* index of the first who found no place, 0: none; only while all are taken */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

/* ---- places ---- */

/* Return the tag of a hash, of bits that choose neither shard nor bucket. */
static inline uint8_t bucket_tag(uint64_t hash) {
    uint8_t tag = (uint8_t)(hash >> 40);
    return tag != 0 ? tag : 1;
}

/* Return the places that have a tag: the top bit of each one's byte. Without a branch: which place it is cannot be
 * foreseen. */
#define BUCKET_ALL (UINT64_C(0x8080808080808080) >> (64 - 8 * WR_PLACES))
static inline uint64_t bucket_places(uint64_t tags, uint8_t tag) {
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t differ = tags ^ tag * UINT64_C(0x0101010101010101);
    return ~(((differ & low) + low) | differ | low) & BUCKET_ALL;
}

/* Return the number of the first of some places. */
static inline unsigned bucket_place(uint64_t places) {
    return (unsigned)__builtin_ctzll(places) / 8;
}

static inline uint32_t bucket_index(const struct node *node) {
    return node != NULL ? wr_index_of(wr_slot_of((void *)(uintptr_t)node)) : 0;
}

static inline struct node *bucket_node(uint64_t index) {
    return index != 0 ? wr_payload_of(wr_slot_at((uint32_t)index)) : NULL;
}

/* Return the node in a place that is taken. */
static inline struct node *bucket_node_at(uint64_t place) {
    return wr_payload_of(wr_slot_at((uint32_t)(place >> 32)));
}

/* Have the referent of the node in a place near: it is wanted when the key has been compared. */
static inline void bucket_fetch_referent(uint64_t place) {
    __builtin_prefetch(wr_slot_at((uint32_t)place), 1);
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
    return (struct sight){.bucket = bucket,
                          .places = bucket_places(bucket->tags, 0) ^ BUCKET_ALL,
                          .more = bucket_node(bucket->more)};
}

/* Look at those who may have a hash: all who have it, and few others. */
static inline struct sight bucket_alike(const struct bucket *bucket, uint64_t hash) {
    uint64_t places = bucket_places(bucket->tags, bucket_tag(hash));
    if (places != 0)
        bucket_fetch_referent(bucket->places[bucket_place(places)]);
    return (struct sight){.bucket = bucket, .places = places, .more = bucket_node(bucket->more)};
}

/* Return the next of them, or NULL. Meanwhile nobody comes or goes, but for the ones that were returned. */
static inline struct node *sight_next(struct sight *sight) {
    struct node *node = sight->more;
    if (sight->places != 0) {
        node = bucket_node_at(sight->bucket->places[bucket_place(sight->places)]);
        sight->places &= sight->places - 1;
    } else if (wr_unlikely(node != NULL)) {
        sight->more = node->next;
    }
    return node;
}

/* ---- coming and going ---- */

/* Make a bucket empty. */
static inline void bucket_clear(struct bucket *bucket) {
    seqcount_store(&bucket->tags, UINT64_C(0));
    seqcount_store(&bucket->more, UINT64_C(0));
}

static inline void bucket_copy(struct bucket *to, const struct bucket *from) {
    for (unsigned i = 0; i < WR_PLACES; i++)
        seqcount_store(&to->places[i], from->places[i]);
    seqcount_store(&to->tags, from->tags);
    seqcount_store(&to->more, from->more);
}

static inline void bucket_set_tag(struct bucket *bucket, unsigned place, uint8_t tag) {
    uint64_t others = bucket->tags & ~(UINT64_C(0xff) << 8 * place);
    seqcount_store(&bucket->tags, others | (uint64_t)tag << 8 * place);
}

static inline void bucket_insert(struct bucket *bucket, struct node *node) {
    uint64_t empty = bucket_places(bucket->tags, 0);
    if (wr_likely(empty != 0)) {
        unsigned place = bucket_place(empty);
        uint64_t referent = node->entry.referent.bits >> 32;
        seqcount_store(&bucket->places[place], (uint64_t)bucket_index(node) << 32 | referent);
        bucket_set_tag(bucket, place, bucket_tag(node->hash));
    } else {
        wr_path(bucket_full);
        seqcount_store(&node->next, bucket_node(bucket->more));
        seqcount_store(&bucket->more, (uint64_t)bucket_index(node));
    }
}

/* Take a node that is in out. */
static inline void bucket_remove(struct bucket *bucket, struct node *node) {
    uint32_t index = bucket_index(node);
    uint64_t places = bucket_places(bucket->tags, bucket_tag(node->hash));
    while (places != 0 && bucket->places[bucket_place(places)] >> 32 != index)
        places &= places - 1;
    if (wr_unlikely(places == 0)) {
        struct node *first = wr_payload_of(wr_slot_at((uint32_t)bucket->more));
        struct node **at = &first;
        while (*at != node)
            at = &(*at)->next;
        seqcount_store(at, node->next);
        seqcount_store(&bucket->more, (uint64_t)bucket_index(first));
        return;
    }
    bucket_set_tag(bucket, bucket_place(places), 0);
    struct node *first = bucket_node(bucket->more);
    if (wr_unlikely(first != NULL)) { /* gets the place */
        seqcount_store(&bucket->more, (uint64_t)bucket_index(first->next));
        bucket_insert(bucket, first);
    }
}

#endif /* WR_BUCKET_H */
