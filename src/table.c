/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "alloc.h"
#include "making.h"
#include "os.h"

static struct lock tables;
static struct table *newest_table GUARDED_BY(tables);

/* ---- tables ---- */

uint32_t table_default_shards(void) {
    uint32_t wanted = 16 * os_processors();
    uint32_t shards = 16;
    while (shards < wanted && shards < SHARD_MAX / 2)
        shards *= 2;
    return shards;
}

void *table_new(size_t size, uint32_t shards) {
    size_t align = __alignof__(struct shard);
    void *memory = arena_start() ? alloc_zeroed(size + align + shards * sizeof(struct shard)) : NULL;
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
    for (uint32_t i = 0; i < shards; i++) {
        table->shards[i].table = table;
        buckets_start(&table->shards[i]);
    }
    lock_take(&tables);
    table->next = newest_table;
    table->at = &newest_table;
    if (table->next != NULL)
        table->next->at = &table->next;
    newest_table = table;
    lock_give(&tables);
    return table;
}

void table_shard_over(struct table *table) {
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
        buckets_free(&table->shards[i]);
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
            table_shard_over(table);
    }
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

static void insert(struct node *node, struct shard *shard) {
    bucket_insert(shard_bucket(shard, node->hash), node);
    node->entry.own |= NODE_IN;
    if (shard->table->ranked)
        row_insert((struct ranked *)node, &shard->row);
    shard->count++;
}

static void take_out(struct node *node, struct shard *shard) {
    bucket_remove(shard_bucket(shard, node->hash), node);
    node->entry.own &= (uint16_t)~NODE_IN;
    if (shard->table->ranked)
        row_remove((struct ranked *)node, &shard->row);
    shard->count--;
}

bool table_insert(struct node *node, struct node *old, struct shard *shard) {
    seqcount_change(&shard->sequence);
    if (old != NULL)
        take_out(old, shard);
    insert(node, shard);
    bool due = buckets_grow(shard);
    seqcount_changed(&shard->sequence);
    return due;
}

void table_remove(struct node *node, struct shard *shard, uint32_t *garbage) {
    seqcount_change(&shard->sequence);
    take_out(node, shard);
    buckets_shrink(shard, garbage);
    seqcount_changed(&shard->sequence);
}

void table_clear(struct table *table) {
    struct cursor cursor = {.shard = 0};
    struct node *nodes[WALK_BATCH];
    for (struct shard *shard; (shard = cursor_shard(table, &cursor)) != NULL;) {
        uint32_t garbage = 0;
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
