/* SPDX-License-Identifier: MIT */
#include "keyed.h"

#include "object.h"

int keyed_search(const struct keyed *keyed, void *obj, struct search *search) {
    int error = node_refuses(obj);
    if (error != 0)
        return error;
    *search = (struct search){.obj = obj, .weak = wr_weak_of(obj)};
    if (keyed->by_value) {
        lock_none_held();
        error = wr_hash(obj, &search->hash);
        search->hash ^= keyed->table.secret.k0;
    } else {
        search->hash = keyed->table.secret.k0 ^ wr_index_of(wr_slot_of(obj));
    }
    search->hash = hash_spread(search->hash);
    search->shard = table_shard(&keyed->table, search->hash);
    return error;
}

static struct node *find_by_identity(const struct search *search, const struct shard *shard) {
    struct sight sight = bucket_alike(shard_bucket(shard, search->hash), search->hash);
    struct node *node;
    do
        node = sight_next(&sight);
    while (node != NULL && node->entry.referent.bits != search->weak.bits);
    return node;
}

static uint64_t number_of(const struct node *node) {
    return ((const struct keyed_node *)node)->number;
}

/* Return the first node of the hash that was not compared yet and is alive, its referent held in
 * search->referent. */
static struct node *next_candidate(struct search *search, const struct shard *shard) {
    for (;;) {
        struct node *next = NULL;
        struct sight sight = bucket_alike(shard_bucket(shard, search->hash), search->hash);
        for (struct node *node; (node = sight_next(&sight)) != NULL;)
            if (node->hash == search->hash && number_of(node) > search->number &&
                (next == NULL || number_of(node) < number_of(next)))
                next = node;
        if (next == NULL)
            return NULL;
        search->number = number_of(next);
        search->referent = wr_weak_get(next->entry.referent);
        if (search->referent != NULL)
            return next;
    }
}

struct node *keyed_find(const struct keyed *keyed, struct search *search, struct shard *shard) {
    keyed_end(search);
    lock_take(&shard->lock);
    if (!keyed->by_value)
        return find_by_identity(search, shard);
    for (struct node *node; (node = next_candidate(search, shard)) != NULL;) {
        search->found = wr_retain(node);
        lock_give(&shard->lock);
        lock_none_held();
        bool equal = wr_equal(search->obj, search->referent) == 1;
        if (!equal)
            keyed_end(search);
        lock_take(&shard->lock);
        if (equal && (node->entry.own & NODE_IN)) {
            wr_path(found_by_value);
            return node;
        }
        if (equal) { /* taken out meanwhile */
            lock_give(&shard->lock);
            keyed_end(search);
            lock_take(&shard->lock);
        }
    }
    return NULL;
}

void keyed_end(struct search *search) {
    wr_release(search->referent);
    wr_release(search->found);
    search->referent = NULL;
    search->found = NULL;
}

bool keyed_insert(const struct keyed *keyed, struct node *node, struct node *old, struct shard *shard) {
    if (keyed->by_value)
        ((struct keyed_node *)node)->number = ++shard->born;
    return table_insert(node, old, shard);
}

bool keyed_contains(const struct keyed *keyed, void *obj) {
    struct search search;
    if (keyed_search(keyed, obj, &search) != 0)
        return false;
    const struct node *node = keyed_find(keyed, &search, search.shard);
    bool alive = node != NULL && !wr_weak_is_dead(node->entry.referent);
    lock_give(&search.shard->lock);
    keyed_end(&search);
    return alive;
}

struct node *keyed_take(const struct keyed *keyed, void *obj, int *error) {
    struct search search;
    *error = keyed_search(keyed, obj, &search);
    if (*error != 0)
        return NULL;
    uint32_t garbage = 0;
    struct node *node = keyed_find(keyed, &search, search.shard);
    if (node != NULL)
        table_remove(node, search.shard, &garbage);
    lock_give(&search.shard->lock);
    table_discard(garbage);
    keyed_end(&search);
    return node;
}

uint32_t keyed_shards(unsigned option) {
    if (option > SHARD_MAX || (option & (option - 1)) != 0)
        return 0;
    return option != 0 ? option : table_default_shards();
}
