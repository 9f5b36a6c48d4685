/* SPDX-License-Identifier: MIT */
/* The buckets of a shard: linear hashing, one bucket more or less at a time, and the memory they are in. */
#include "alloc.h"
#include "table.h"

/* Buckets made for each entry that comes, at the most: more than one, to catch up after memory was refused.
 * And given up for each that goes: there are four for each entry by then, so that fewer would never do. */
#define SPLITS 2
#define MERGES 8

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

static struct node **bucket_at(const struct shard *shard, uint32_t i) {
    return &shard->directory[i / SEGMENT][i % SEGMENT];
}

/* Make one bucket more, out of the one whose hashes it shares but for the top bit. */
static void split(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_split);
    uint32_t made = shard->buckets++;
    struct node **from = bucket_at(shard, made & (shard->mask >> 1));
    struct node **to = bucket_at(shard, made);
    *to = NULL;
    while (*from != NULL) {
        struct node *node = *from;
        if (((uint32_t)node->hash & shard->mask) == made) {
            *from = node->next;
            node->next = *to;
            *to = node;
        } else {
            from = &node->next;
        }
    }
    if (shard->buckets > shard->mask)
        shard->mask = 2 * shard->mask + 1;
}

/* Give the last bucket up. */
static void merge(struct shard *shard) REQUIRES(shard->lock) {
    wr_path(bucket_merge);
    uint32_t given = --shard->buckets;
    if (shard->mask >= 2 * shard->buckets)
        shard->mask >>= 1;
    struct node **to = bucket_at(shard, given & (shard->mask >> 1));
    while (*to != NULL)
        to = &(*to)->next;
    *to = *bucket_at(shard, given);
    *bucket_at(shard, given) = NULL;
}

bool buckets_grow(struct shard *shard) {
    for (int i = 0; i < SPLITS && shard->count > shard->buckets && shard->buckets < shard->room; i++)
        split(shard);
    return shard->count > shard->room;
}

void buckets_shrink(struct shard *shard, void **garbage) {
    for (int i = 0; i < MERGES && shard->count < shard->buckets / 4 && shard->buckets > FEW; i++)
        merge(shard);
    /* One segment stays in hand, so that coming and going at its edge costs nothing. */
    if (shard->room > SEGMENT && shard->room - shard->buckets >= 2 * SEGMENT) {
        shard->room -= SEGMENT;
        void **segment = (void **)(void *)shard->directory[shard->room / SEGMENT];
        *segment = *garbage;
        *garbage = segment;
    }
}

/* ---- room ---- */

/* What a shard wants to grow, and gets. */
struct room {
    uint32_t was, directory_was;
    struct node **buckets;    /* SEGMENT of them; less while all are in one piece */
    struct node ***directory; /* a longer one, if needed */
};

/* From 8 to 64 to 512 buckets in one piece, then one segment more. */
static uint32_t next_room(uint32_t room) {
    return room < SEGMENT ? 8 * room : room + SEGMENT;
}

/* Put what was allocated to use, and in its place what is not used any more. */
static void install(struct shard *shard, struct room *room) REQUIRES(shard->lock) {
    if (room->directory != NULL) {
        struct node ***old = shard->directory;
        for (uint32_t i = 0; i < shard->directory_room; i++)
            room->directory[i] = old[i];
        shard->directory = room->directory;
        shard->directory_room *= 8;
        room->directory = old != &shard->first ? old : NULL;
    }
    if (shard->room < SEGMENT) {
        struct node **old = shard->directory[0];
        for (uint32_t i = 0; i < shard->room; i++)
            room->buckets[i] = old[i];
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
    bool due = shard->count > shard->room;
    room.was = shard->room;
    room.directory_was = shard->directory_room;
    lock_give(&shard->lock);
    if (!due)
        return;
    bool longer = room.was / SEGMENT == room.directory_was;
    uint32_t buckets = room.was < SEGMENT ? next_room(room.was) : SEGMENT;
    room.buckets = alloc_zeroed(buckets * sizeof(void *));
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
