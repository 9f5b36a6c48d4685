/* SPDX-License-Identifier: MIT */
/* The buckets of a shard: linear hashing, one bucket more or less at a time, and the memory they are in. */
#include "alloc.h"
#include "table.h"

/* Nodes for each bucket: so few that nearly all find a place, in buckets that are to be split next too. And when
 * buckets are given up. */
#define MOST 4
#define LEAST 1

/* Buckets made for each entry that comes, at the most: more than one, to catch up after memory was refused. And given
 * up for each that goes. */
#define SPLITS 2
#define MERGES 2

void buckets_start(struct shard *shard) {
    shard->first = shard->few;
    shard->directory = &shard->first;
    shard->directory_room = 1;
    shard->buckets = shard->room = FEW;
    shard->mask = 2 * FEW - 1;
}

void buckets_free(struct shard *shard) {
    for (uint32_t i = 1; i < shard->room / SEGMENT; i++)
        alloc_free(shard->directory[i]);
    if (shard->directory[0] != shard->few)
        alloc_free(shard->directory[0]);
    if (shard->directory != &shard->first)
        alloc_free(shard->directory);
}

/* ---- growing and shrinking ---- */

/* Tell whether there are more nodes than so many buckets should have. */
static bool full(const struct shard *shard, uint32_t buckets) REQUIRES(shard->lock) {
    return shard->count > (size_t)MOST * buckets;
}

/* Make one bucket more, out of the one whose hashes it shares but for the top bit. */
static void split(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_split);
    uint32_t made = shard->buckets++;
    struct bucket *from = shard_bucket_at(shard, made & (shard->mask >> 1));
    struct bucket *to = shard_bucket_at(shard, made);
    struct bucket both = *from;
    struct sight sight = bucket_all(&both);
    *from = *to = (struct bucket){.tags = 0};
    for (struct node *node; (node = sight_next(&sight)) != NULL;)
        bucket_insert(((uint32_t)node->hash & shard->mask) == made ? to : from, node);
    if (shard->buckets > shard->mask)
        shard->mask = 2 * shard->mask + 1;
}

/* Give the last bucket up. */
static void merge(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_merge);
    uint32_t given = --shard->buckets;
    if (shard->mask >= 2 * shard->buckets)
        shard->mask >>= 1;
    struct bucket *from = shard_bucket_at(shard, given);
    struct bucket *to = shard_bucket_at(shard, given & (shard->mask >> 1));
    struct sight sight = bucket_all(from);
    for (struct node *node; (node = sight_next(&sight)) != NULL;)
        bucket_insert(to, node);
    *from = (struct bucket){.tags = 0};
}

bool buckets_grow(struct shard *shard) {
    for (int i = 0; i < SPLITS && full(shard, shard->buckets) && shard->buckets < shard->room; i++)
        split(shard);
    return full(shard, shard->room);
}

void buckets_shrink(struct shard *shard, void **garbage) {
    for (int i = 0; i < MERGES && shard->count < (size_t)LEAST * shard->buckets && shard->buckets > FEW; i++)
        merge(shard);
    /* One segment stays in hand, so that coming and going at its edge costs nothing. */
    if (shard->room > SEGMENT && shard->room - shard->buckets >= 2 * SEGMENT) {
        shard->room -= SEGMENT;
        void **segment = shard->directory[shard->room / SEGMENT];
        *segment = *garbage;
        *garbage = segment;
    }
}

/* ---- room ---- */

/* What a shard wants to grow, and gets. */
struct room {
    uint32_t was, directory_was;
    void *buckets;    /* SEGMENT of them; less while all are in one piece */
    void **directory; /* a longer one, if needed */
};

/* From 1 to 8 to 64 buckets in one piece, then one segment more. */
static uint32_t next_room(uint32_t room) {
    return room < SEGMENT ? 8 * room : room + SEGMENT;
}

/* Put what was allocated to use, and in its place what is not used any more. */
static void install(struct shard *shard, struct room *room) REQUIRES(shard->lock) {
    if (room->directory != NULL) {
        void **old = shard->directory;
        for (uint32_t i = 0; i < shard->directory_room; i++)
            room->directory[i] = old[i];
        shard->directory = room->directory;
        shard->directory_room *= 8;
        room->directory = old != &shard->first ? old : NULL;
    }
    if (shard->room < SEGMENT) {
        void *old = shard->directory[0];
        memcpy(bucket_in(room->buckets, 0), bucket_in(old, 0), shard->room * sizeof(struct bucket));
        shard->directory[0] = room->buckets;
        room->buckets = old != shard->few ? old : NULL;
    } else {
        shard->directory[shard->room / SEGMENT] = room->buckets;
        room->buckets = NULL;
    }
    shard->room = next_room(shard->room);
}

void table_make_room(struct shard *shard) {
    struct room room = {.buckets = NULL};
    lock_take(&shard->lock);
    bool due = full(shard, shard->room);
    room.was = shard->room;
    room.directory_was = shard->directory_room;
    lock_give(&shard->lock);
    if (!due)
        return;
    bool longer = room.was / SEGMENT == room.directory_was;
    uint32_t buckets = room.was < SEGMENT ? next_room(room.was) : SEGMENT;
    room.buckets = alloc_zeroed(BUCKET_BYTES(buckets));
    if (longer)
        room.directory = alloc_zeroed((size_t)8 * room.directory_was * sizeof(void *));
    if (room.buckets != NULL && (!longer || room.directory != NULL)) { /* else it is slower, not wrong */
        lock_take(&shard->lock);
        if (shard->room == room.was && shard->directory_room == room.directory_was)
            install(shard, &room);
        lock_give(&shard->lock);
    }
    alloc_free(room.buckets);
    alloc_free(room.directory);
}

void table_discard(void *garbage) {
    while (garbage != NULL) {
        void *next = *(void **)garbage;
        alloc_free(garbage);
        garbage = next;
    }
}
