/* SPDX-License-Identifier: MIT */
/* Nodes: how they hang on their referents, whose ends take them out of their tables. */
#include "object.h"
#include "table.h"
#include "weakref.h"

/* Give back, without a lock, what a node that was taken out kept alive, and references to it: the table's, and also the
 * list's if it is `ours`. */
static void let_go(struct node *node, bool ranked, bool ours) {
    if (ranked)
        wr_release(((struct ranked *)node)->kept);
    if (ours)
        object_release_two(node);
    else
        wr_release(node);
}

/* Note that the lists do not have a node any more; shard->lock is given back. */
static void came_back(struct shard *shard) RELEASES(shard->lock) {
    struct table *table = shard->table;
    bool over = --shard->linked == 0 && shard->closed;
    lock_give(&shard->lock);
    if (over)
        table_shard_over(table);
}

/* The end of a node's referent: this very node goes, if it is still in. */
static void removed(struct wr_entry *entry) {
    struct node *node = (struct node *)entry;
    struct shard *shard = node->shard;
    bool ranked = shard->table->ranked;
    uint32_t garbage = 0;
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
        let_go(node, ranked, true);
    else
        wr_release(node);
}

int node_refuses(const void *obj) {
    if (obj == NULL)
        return -EINVAL;
    if (!weakref_allowed(wr_type_of(obj)))
        return -ENOTSUP;
    return 0;
}

static struct node *start(struct node *node, struct shard *shard, uint64_t hash) {
    node->entry.kind = ENTRY_NODE;
    node->entry.call.removed = removed;
    node->shard = shard;
    node->hash = hash;
    return node;
}

void *node_new(const wr_type *type, size_t size, struct shard *shard, uint64_t hash) {
    int saved = errno;
    struct node *node = object_new(type, size, WR_DONE + WR_ONE);
    errno = saved;
    return node != NULL ? start(node, shard, hash) : NULL;
}

void *node_new_steady(const wr_type *type, size_t size, struct shard *shard, uint64_t hash) {
    struct wr_slot *slot = object_slot(class_of_entry(size));
    if (slot == NULL)
        return NULL;
    struct node *node = wr_payload_of(slot);
    memset(node, 0, offsetof(struct node, entry.referent));
    return start(object_born(slot, type, WR_DONE + WR_ONE), shard, hash);
}

int node_link(struct node *node, void *referent) {
    struct wr_slot *slot = wr_slot_of(referent);
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    seqcount_store(&node->entry.referent.bits, registry_open(slot, stripe).bits);
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
    } else {
        wr_path(entry_late);
    }
    let_go(node, ranked, ours);
}
