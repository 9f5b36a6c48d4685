/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "alloc.h"
#include "making.h"
#include "object.h"
#include "os.h"
#include "weakref.h"

/* Buckets made for each entry that comes, at the most: more than one, to catch up after memory was refused.
 * And given up for each that goes: there are four for each entry by then, so that fewer would never do. */
#define SPLITS 2
#define MERGES 8

static struct lock tables;
static struct table *newest_table GUARDED_BY(tables);

/* ---- tables ---- */

uint32_t table_default_shards(void) {
    uint32_t wanted = 4 * os_processors();
    uint32_t shards = 4;
    while (shards < wanted && shards < SHARD_MAX / 2)
        shards *= 2;
    return shards;
}

static void set_up(struct shard *shard, struct table *table) {
    shard->table = table;
    shard->first = shard->few;
    shard->directory = &shard->first;
    shard->directory_room = 1;
    shard->buckets = shard->room = FEW;
    shard->mask = 2 * FEW - 1;
}

void *table_new(size_t size, uint32_t shards) {
    size_t align = __alignof__(struct shard);
    void *memory = alloc_zeroed(size + align + shards * sizeof(struct shard));
    if (memory == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    struct table *table = memory;
    uintptr_t end = (uintptr_t)memory + size;
    table->memory = memory;
    table->shards = (struct shard *)(void *)((char *)memory + size + (-end & (align - 1)));
    table->shard_count = shards;
    hash_secret_make(&table->secret);
    lock_take(&table->closing);
    table->open = shards;
    lock_give(&table->closing);
    for (uint32_t i = 0; i < shards; i++)
        set_up(&table->shards[i], table);
    lock_take(&tables);
    table->next = newest_table;
    table->at = &newest_table;
    if (table->next != NULL)
        table->next->at = &table->next;
    newest_table = table;
    lock_give(&tables);
    return table;
}

static void free_buckets(struct shard *shard) {
    for (uint32_t i = 1; i < shard->room / SEGMENT; i++)
        alloc_free(shard->directory[i]);
    if (shard->directory[0] != shard->few)
        alloc_free(shard->directory[0]);
    if (shard->directory != &shard->first)
        alloc_free(shard->directory);
}

/* Note that no list has a node of a closed shard any more: with the last shard, the table goes. */
static void shard_over(struct table *table) {
    lock_take(&table->closing);
    bool last = --table->open == 0;
    lock_give(&table->closing);
    if (!last)
        return;
    lock_take(&tables);
    *table->at = table->next;
    if (table->next != NULL)
        table->next->at = table->at;
    lock_give(&tables);
    for (uint32_t i = 0; i < table->shard_count; i++)
        free_buckets(&table->shards[i]);
    alloc_free(table->memory);
}

void table_free(struct table *table) {
    uint32_t shards = table->shard_count; /* with the last of them the table may be gone */
    for (uint32_t i = 0; i < shards; i++) {
        struct shard *shard = &table->shards[i];
        lock_take(&shard->lock);
        shard->closed = true;
        bool over = shard->linked == 0;
        lock_give(&shard->lock);
        if (over)
            shard_over(table);
    }
}

/* ---- buckets ---- */

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

/* ---- rows ---- */

static void row_insert(struct ranked *node, struct row *row) {
    node->newer = NULL;
    node->older = row->newest;
    if (node->older != NULL)
        node->older->newer = node;
    else
        row->oldest = node;
    row->newest = node;
}

static void row_remove(struct ranked *node, struct row *row) {
    for (struct reader *reader = row->readers; reader != NULL; reader = reader->outer)
        if (reader->next == node)
            reader->next = node->newer;
    if (row->last_kept == node)
        row->last_kept = row_kept_after(node);
    if (node->kept != NULL) {
        row->kept--;
        row->kept_weight -= node->weight;
    }
    *(node->newer != NULL ? &node->newer->older : &row->newest) = node->older;
    *(node->older != NULL ? &node->older->newer : &row->oldest) = node->newer;
}

/* ---- in and out ---- */

bool table_insert(struct node *node, struct shard *shard) {
    struct node **bucket = shard_bucket(shard, node->hash);
    node->next = *bucket;
    *bucket = node;
    node->entry.own |= NODE_IN;
    if (shard->table->ranked)
        row_insert((struct ranked *)node, &shard->row);
    shard->count++;
    for (int i = 0; i < SPLITS && shard->count > shard->buckets && shard->buckets < shard->room; i++)
        split(shard);
    return shard->count > shard->room;
}

void table_remove(struct node *node, struct shard *shard, void **garbage) {
    struct node **at = shard_bucket(shard, node->hash);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->entry.own &= (uint16_t)~NODE_IN;
    if (shard->table->ranked)
        row_remove((struct ranked *)node, &shard->row);
    shard->count--;
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

void table_discard(void *garbage) {
    while (garbage != NULL) {
        void *next = *(void **)garbage;
        alloc_free(garbage);
        garbage = next;
    }
}

void table_clear(struct table *table) {
    struct cursor cursor = {.shard = 0};
    struct node *nodes[WALK_BATCH];
    for (struct shard *shard; (shard = cursor_shard(table, &cursor)) != NULL;) {
        void *garbage = NULL;
        lock_take(&shard->lock);
        unsigned n = cursor_next(&cursor, shard, nodes);
        for (unsigned i = 0; i < n; i++)
            table_remove(nodes[i], shard, &garbage);
        lock_give(&shard->lock);
        table_discard(garbage);
        for (unsigned i = 0; i < n; i++)
            node_drop(nodes[i]);
    }
}

/* ---- nodes ---- */

/* Give back, without a lock, the table's reference to a node that was taken out, and what it kept alive. */
static void let_go(struct node *node, bool ranked) {
    if (ranked)
        wr_release(((struct ranked *)node)->kept);
    wr_release(node);
}

/* Note that the lists do not have a node any more; shard->lock is given back. */
static void came_back(struct shard *shard) RELEASES(shard->lock) {
    struct table *table = shard->table;
    bool over = --shard->linked == 0 && shard->closed;
    lock_give(&shard->lock);
    if (over)
        shard_over(table);
}

/* The end of a node's referent: this very node goes, if it is still in. */
static void removed(struct wr_entry *entry) {
    struct node *node = (struct node *)entry;
    struct shard *shard = node->shard;
    bool ranked = shard->table->ranked;
    void *garbage = NULL;
    lock_take(&shard->lock);
    bool in = (entry->own & NODE_IN) != 0;
    if (in) {
        wr_path(entry_removed);
        table_remove(node, shard, &garbage);
    } else {
        wr_path(entry_passed);
    }
    entry->own |= NODE_GONE;
    came_back(shard);
    table_discard(garbage);
    if (in)
        let_go(node, ranked);
}

int node_refuses(const void *obj) {
    if (obj == NULL)
        return -EINVAL;
    if (!weakref_allowed(wr_type_of(obj)))
        return -ENOTSUP;
    return 0;
}

void *node_new(const wr_type *type, size_t size, struct shard *shard, uint64_t hash) {
    int saved = errno;
    struct node *node = object_new(type, size, WR_DONE + WR_ONE);
    errno = saved;
    if (node == NULL)
        return NULL;
    node->entry.kind = ENTRY_NODE;
    node->entry.call.removed = removed;
    node->shard = shard;
    node->hash = hash;
    return node;
}

int node_link(struct node *node, void *referent) {
    struct wr_slot *slot = wr_slot_of(referent);
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    node->entry.referent = registry_open(slot, stripe);
    bool open = !wr_weak_is_null(node->entry.referent);
    if (open) {
        wr_store_relaxed(&node->entry.state, (uint32_t)ENTRY_ARMED); /* relaxed: guarded by the stripe */
        registry_link(&node->entry, registry_newest(slot, stripe), stripe);
    }
    lock_give(stripe);
    if (open)
        return 0;
    wr_release(node);
    wr_release(node);
    return -ESTALE;
}

bool node_arrive(struct node *node, struct shard *shard) {
    shard->linked++; /* if it is GONE already, this makes up for what came_back took off */
    if (!(node->entry.own & NODE_GONE))
        return true;
    wr_path(entry_gone);
    return false;
}

void node_drop(struct node *node) {
    struct shard *shard = node->shard;
    bool ranked = shard->table->ranked;
    struct lock *stripe = registry_stripe_of(&node->entry);
    lock_take(stripe);
    bool ours = wr_load_relaxed(&node->entry.state) == ENTRY_ARMED; /* relaxed: guarded by the stripe */
    if (ours) {
        registry_unlink(&node->entry, stripe);
        wr_store_relaxed(&node->entry.state, (uint32_t)ENTRY_IDLE);
    }
    lock_give(stripe);
    if (ours) {
        wr_path(entry_back);
        lock_take(&shard->lock);
        came_back(shard);
        wr_release(node); /* the list's */
    } else {
        wr_path(entry_late);
    }
    let_go(node, ranked);
}

/* ---- fork ---- */

void table_lock_all(void) UNCHECKED_LOCKS {
    lock_take(&tables);
    for (struct table *table = newest_table; table != NULL; table = table->next) {
        lock_take(&table->closing);
        for (uint32_t i = 0; i < table->shard_count; i++)
            lock_take(&table->shards[i].lock);
    }
}

void table_unlock_all(void) UNCHECKED_LOCKS {
    for (struct table *table = newest_table; table != NULL; table = table->next) {
        for (uint32_t i = 0; i < table->shard_count; i++)
            lock_give(&table->shards[i].lock);
        lock_give(&table->closing);
    }
    lock_give(&tables);
}

static void forget_absent(struct shard *shard) {
    making_forget_absent(shard);
    for (struct reader **at = &shard->row.readers; *at != NULL;) {
        if ((*at)->thread == &thread_current)
            at = &(*at)->outer;
        else
            *at = (*at)->outer;
    }
}

void table_forget_absent(void) UNCHECKED_LOCKS {
    for (struct table *table = newest_table; table != NULL; table = table->next)
        for (uint32_t i = 0; i < table->shard_count; i++)
            forget_absent(&table->shards[i]);
}
