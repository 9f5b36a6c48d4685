/* SPDX-License-Identifier: MIT */
/* The buckets of a shard: linear hashing, one bucket more or less at a time, and the memory they are in. */
#include "alloc.h"
#include "object.h"
#include "table.h"

/* Buckets made for each entry that comes, at the most: more than one, to catch up after memory was refused. And given
 * up for each that goes. */
#define SPLITS 2
#define MERGES 2

/* ---- the memory ---- */

/* Return the slot that a piece of buckets is in: they start at its second line. */
static struct wr_slot *slot_of(struct bucket *piece) {
    return wr_slot_of((char *)piece - WR_GRANULE);
}

/* Make a piece of empty buckets, so many as there are in the first one or in a segment. Returns NULL: no memory. */
static struct bucket *piece_new(const struct table *table, uint32_t buckets) {
    bool segment = buckets == SEGMENT;
    struct wr_slot *slot = object_slot(table->steady ? (segment ? STEADY_SEGMENT : STEADY_PIECE)
                                                     : (segment ? OTHER_SEGMENT : OTHER_PIECE));
    if (slot == NULL)
        return NULL;
    struct bucket *piece = (struct bucket *)(void *)((char *)wr_payload_of(slot) + WR_GRANULE);
    for (uint32_t i = 0; i < buckets; i++)
        bucket_clear(&piece[i]);
    return piece;
}

/* A directory, and those that it replaced, which may still be looked at: a table keeps them to its end. */
struct directory {
    struct directory *older;
    struct bucket *pieces[];
};

void buckets_start(struct shard *shard) {
    shard->first = shard->few;
    shard->directory = &shard->first;
    shard->directory_room = 1;
    shard->buckets = shard->mask = 1;
    shard->room = WR_FEW;
}

void buckets_free(struct shard *shard) {
    for (uint32_t i = 1; i < shard->room / SEGMENT; i++)
        object_slot_free(slot_of(shard->directory[i]));
    if (shard->directory[0] != shard->few)
        object_slot_free(slot_of(shard->directory[0]));
    while (shard->directories != NULL) {
        struct directory *older = shard->directories->older;
        alloc_free(shard->directories);
        shard->directories = older;
    }
}

/* ---- growing and shrinking ---- */

/* Make one bucket more, out of the one whose hashes it shares but for the top bit. */
static void split(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_split);
    uint32_t made = shard->buckets;
    seqcount_store(&shard->buckets, made + 1);
    struct bucket *from = shard_bucket_at(shard, made & (shard->mask >> 1));
    struct bucket *to = shard_bucket_at(shard, made);
    struct bucket both = *from;
    struct sight sight = bucket_all(&both);
    bucket_clear(from);
    bucket_clear(to);
    for (struct node *node; (node = sight_next(&sight)) != NULL;)
        bucket_insert(((uint32_t)node->hash & shard->mask) == made ? to : from, node);
    if (shard->buckets > shard->mask)
        seqcount_store(&shard->mask, 2 * shard->mask + 1);
}

/* Give the last bucket up. */
static void merge(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_merge);
    uint32_t given = shard->buckets - 1;
    seqcount_store(&shard->buckets, given);
    if (shard->mask >= 2 * given)
        seqcount_store(&shard->mask, shard->mask >> 1);
    struct bucket *from = shard_bucket_at(shard, given);
    struct bucket *to = shard_bucket_at(shard, given & (shard->mask >> 1));
    struct sight sight = bucket_all(from);
    for (struct node *node; (node = sight_next(&sight)) != NULL;)
        bucket_insert(to, node);
    bucket_clear(from);
}

bool buckets_grow_slow(struct shard *shard) {
    for (int i = 0; i < SPLITS && shard_is_full(shard, shard->buckets) && shard->buckets < shard->room; i++)
        split(shard);
    return shard_is_full(shard, shard->room);
}

void buckets_shrink_slow(struct shard *shard, uint32_t *garbage) {
    for (int i = 0; i < MERGES && shard_is_sparse(shard) && shard->buckets > 1; i++)
        merge(shard);
    /* One segment stays in hand, so that coming and going at its edge costs nothing. */
    if (shard->room > SEGMENT && shard->room - shard->buckets >= 2 * SEGMENT) {
        shard->room -= SEGMENT;
        struct wr_slot *segment = slot_of(shard->directory[shard->room / SEGMENT]);
        wr_write(&segment->link, *garbage);
        *garbage = wr_index_of(segment);
    }
}

/* ---- room ---- */

/* What a shard wants to grow, and gets. */
struct room {
    uint32_t was, directory_was;
    struct bucket *buckets;      /* SEGMENT of them; less while all are in one piece */
    struct directory *directory; /* a longer one, if needed */
};

/* All in one piece, a larger one twice; then one segment more. */
static uint32_t next_room(uint32_t room) {
    return room < PIECE ? PIECE : room < SEGMENT ? SEGMENT : room + SEGMENT;
}

/* Put what was allocated to use, and in its place a piece that is not used any more. */
static void install(struct shard *shard, struct room *room) REQUIRES(shard->lock) {
    seqcount_change(&shard->sequence);
    if (room->directory != NULL) {
        for (uint32_t i = 0; i < shard->directory_room; i++)
            room->directory->pieces[i] = shard->directory[i];
        room->directory->older = shard->directories;
        shard->directories = room->directory;
        seqcount_store(&shard->directory, room->directory->pieces);
        shard->directory_room *= 8;
        room->directory = NULL;
    }
    struct bucket *replaced = NULL;
    if (shard->room < SEGMENT) {
        replaced = shard->directory[0] != shard->few ? shard->directory[0] : NULL;
        for (uint32_t i = 0; i < shard->buckets; i++)
            bucket_copy(&room->buckets[i], shard_bucket_at(shard, i));
    }
    seqcount_store(&shard->directory[shard->room / SEGMENT], room->buckets);
    room->buckets = replaced;
    shard->room = next_room(shard->room);
    seqcount_changed(&shard->sequence);
}

void table_make_room(struct shard *shard) {
    struct room room = {.buckets = NULL};
    lock_take(&shard->lock);
    bool due = shard_is_full(shard, shard->room);
    room.was = shard->room;
    room.directory_was = shard->directory_room;
    lock_give(&shard->lock);
    if (!due)
        return;
    bool longer = room.was / SEGMENT == room.directory_was;
    room.buckets = piece_new(shard->table, room.was < SEGMENT ? next_room(room.was) : SEGMENT);
    if (longer)
        room.directory =
            alloc_zeroed(sizeof(struct directory) + (size_t)8 * room.directory_was * sizeof(void *));
    if (room.buckets != NULL && (!longer || room.directory != NULL)) { /* else it is slower, not wrong */
        lock_take(&shard->lock);
        if (shard->room == room.was && shard->directory_room == room.directory_was)
            install(shard, &room);
        lock_give(&shard->lock);
    }
    if (room.buckets != NULL)
        object_slot_free(slot_of(room.buckets));
    alloc_free(room.directory);
}

void table_discard(uint32_t garbage) {
    while (garbage != 0) {
        struct wr_slot *slot = wr_slot_at(garbage);
        garbage = wr_read(&slot->link);
        object_slot_free(slot);
    }
}
