/* SPDX-License-Identifier: MIT */
#include "recent.h"

#include "object.h"

#define ROOM(array) (sizeof(array) / sizeof((array)[0]))

/* Return a shard's part of a limit: the first shards have one more where it does not divide. */
static size_t part(size_t limit, const struct shard *shard) {
    uint32_t shards = shard->table->shard_count;
    size_t index = (size_t)(shard - shard->table->shards);
    return limit / shards + (index < limit % shards ? 1 : 0);
}

static bool too_much_kept(const struct shard *shard, const struct limits *limits) {
    const struct row *row = &shard->row;
    return row->kept > part(limits->keep, shard) ||
           (limits->keep_weight != 0 && row->kept_weight > part(limits->keep_weight, shard));
}

static bool too_many(const struct shard *shard, const struct limits *limits) {
    return limits->entries != 0 && shard->count > part(limits->entries, shard);
}

/* Tell whether an object would displace all others and then go itself. */
static bool too_heavy(const struct ranked *node, const struct shard *shard, const struct limits *limits) {
    return limits->keep_weight != 0 && node->weight > part(limits->keep_weight, shard);
}

void recent_use(struct ranked *node, struct shard *shard) {
    struct row *row = &shard->row;
    if (row->newest == node)
        return;
    if (row->last_kept == node)
        row->last_kept = row_kept_after(node);
    node->newer->older = node->older; /* it has a newer one: it is not the newest */
    *(node->older != NULL ? &node->older->newer : &row->oldest) = node->newer;
    node->newer = NULL;
    node->older = row->newest;
    row->newest->newer = node;
    row->newest = node;
    if (node->kept != NULL && row->last_kept == NULL)
        row->last_kept = node;
}

/* Keep the newest node, whose referent is held. */
static void keep(struct ranked *node, struct row *row) {
    node->kept = wr_retain(wr_payload_of(wr_slot_at((uint32_t)(node->node.entry.referent.bits >> 32))));
    row->kept++;
    row->kept_weight += node->weight;
    if (row->last_kept == NULL)
        row->last_kept = node;
}

/* Keep the oldest of those that are kept no longer. */
static void *keep_no_more(struct row *row) {
    wr_path(kept_no_more);
    struct ranked *node = row->last_kept;
    void *kept = node->kept;
    node->kept = NULL;
    row->kept--;
    row->kept_weight -= node->weight;
    row->last_kept = row_kept_after(node);
    return kept;
}

void recent_limit(struct ranked *used, struct shard *shard, const struct limits *limits,
                  struct evicted *evicted) {
    struct row *row = &shard->row;
    if (used != NULL && used->kept == NULL && limits->keep != 0 && !too_heavy(used, shard, limits))
        keep(used, row);
    while (too_much_kept(shard, limits) && evicted->kept_count < ROOM(evicted->kept))
        evicted->kept[evicted->kept_count++] = keep_no_more(row);
    while (too_many(shard, limits) && evicted->node_count < ROOM(evicted->nodes)) {
        wr_path(bound_evicts);
        struct node *oldest = &row->oldest->node;
        table_remove(oldest, shard, &evicted->garbage);
        evicted->nodes[evicted->node_count++] = oldest;
    }
    evicted->more = too_much_kept(shard, limits) || too_many(shard, limits);
}

void recent_let_go(struct evicted *evicted) {
    table_discard(evicted->garbage);
    for (unsigned i = 0; i < evicted->kept_count; i++)
        wr_release(evicted->kept[i]);
    for (unsigned i = 0; i < evicted->node_count; i++)
        node_drop(evicted->nodes[i]);
    evicted->garbage = 0;
    evicted->kept_count = evicted->node_count = 0;
}
