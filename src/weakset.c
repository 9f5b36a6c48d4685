/* SPDX-License-Identifier: MIT */
/* Weak sets: objects held weakly, found by identity or by value. */
#include "weakset.h"

#include "keyed.h"

struct wr_weakset {
    struct keyed keyed;         /* first */
    wr_weakset_options options; /* constant */
};

static const wr_type member_type = {.abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "set member"};

/* ---- the set ---- */

wr_weakset *wr_weakset_new_ex(const wr_weakset_options *options) {
    uint32_t shards = options != NULL ? keyed_shards(options->shards) : 0;
    if (shards == 0 || options->size != sizeof *options || (options->flags & ~WR_BY_VALUE) != 0) {
        errno = EINVAL;
        return NULL;
    }
    wr_weakset *set = table_new(sizeof *set, shards);
    if (set != NULL) {
        set->keyed.by_value = (options->flags & WR_BY_VALUE) != 0;
        set->options = *options;
    }
    return set;
}

wr_weakset *wr_weakset_new(void) {
    wr_weakset_options options = WR_WEAKSET_OPTIONS_INIT;
    return wr_weakset_new_ex(&options);
}

wr_weakset *weakset_new_like(const wr_weakset *set) {
    return wr_weakset_new_ex(&set->options);
}

void wr_weakset_free(wr_weakset *set) {
    if (set == NULL)
        return;
    table_clear(&set->keyed.table);
    table_free(&set->keyed.table);
}

void wr_weakset_clear(wr_weakset *set) {
    if (set != NULL)
        table_clear(&set->keyed.table);
}

size_t wr_weakset_len(wr_weakset *set) {
    return set != NULL ? table_count(&set->keyed.table) : 0;
}

int wr_weakset_foreach(wr_weakset *set, int (*visit)(void *obj, void *arg), void *arg) {
    if (set == NULL || visit == NULL)
        return -EINVAL;
    struct cursor cursor = {.shard = 0};
    struct node *nodes[WALK_BATCH];
    void *objects[WALK_BATCH];
    int result = 0;
    for (struct shard *shard; result == 0 && (shard = cursor_shard(&set->keyed.table, &cursor)) != NULL;) {
        unsigned n = cursor_pin(&cursor, shard, nodes, objects);
        lock_none_held();
        for (unsigned i = 0; i < n; i++) {
            wr_release(nodes[i]);
            if (result == 0)
                result = visit(objects[i], arg);
            wr_release(objects[i]);
        }
    }
    return result;
}

/* ---- members ---- */

/* Put a linked node in, unless its like is there or it is GONE. */
enum attempt { IN, THERE, CAME_TOO_LATE };

static enum attempt try_add(wr_weakset *set, struct node *node, struct search *search) {
    struct shard *shard = search->shard;
    bool grow = false;
    struct node *old = keyed_find(&set->keyed, search, shard);
    enum attempt attempt = !node_arrive(node, shard) ? CAME_TOO_LATE : IN;
    if (attempt == IN && old != NULL && !wr_weak_is_dead(old->entry.referent))
        attempt = THERE;
    if (attempt == IN) {
        grow = keyed_insert(&set->keyed, node, old, shard);
    }
    lock_give(&shard->lock);
    if (grow)
        table_make_room(shard);
    if (attempt == IN && old != NULL)
        node_drop(old);
    else if (attempt != IN)
        node_drop(node);
    return attempt;
}

int wr_weakset_add(wr_weakset *set, void *obj) {
    if (set == NULL)
        return -EINVAL;
    if (keyed_contains(&set->keyed, obj))
        return 0;
    enum attempt attempt = CAME_TOO_LATE;
    while (attempt == CAME_TOO_LATE) { /* cleared meanwhile, or killed: the next link tells */
        struct search search;
        int error = keyed_search(&set->keyed, obj, &search);
        if (error != 0)
            return error;
        size_t size = set->keyed.by_value ? sizeof(struct keyed_node) : sizeof(struct node);
        struct node *node = node_new(&member_type, size, search.shard, search.hash);
        if (node == NULL)
            return -ENOMEM;
        error = node_link(node, obj);
        if (error != 0)
            return error;
        search.weak = node->entry.referent; /* cleared meanwhile, it has another value */
        attempt = try_add(set, node, &search);
        keyed_end(&search);
    }
    return attempt == IN;
}

bool wr_weakset_contains(wr_weakset *set, void *obj) {
    return set != NULL && keyed_contains(&set->keyed, obj);
}

int wr_weakset_discard(wr_weakset *set, void *obj) {
    if (set == NULL)
        return -EINVAL;
    int error;
    struct node *node = keyed_take(&set->keyed, obj, &error);
    if (node != NULL)
        node_drop(node);
    return error != 0 ? error : node != NULL;
}

int wr_weakset_remove(wr_weakset *set, void *obj) {
    int result = wr_weakset_discard(set, obj);
    return result == 1 ? 0 : result == 0 ? -ENOENT : result;
}

void *wr_weakset_pop(wr_weakset *set) {
    void *obj = NULL;
    struct node *node = set != NULL ? table_take_any(&set->keyed.table, &obj) : NULL;
    if (node != NULL)
        node_drop(node);
    return obj;
}

wr_weakset *wr_weakset_copy(wr_weakset *set) {
    if (set == NULL) {
        errno = EINVAL;
        return NULL;
    }
    wr_weakset *copy = weakset_new_like(set);
    int error = copy != NULL ? wr_weakset_update(copy, set) : 0;
    if (error != 0) {
        wr_weakset_free(copy);
        errno = -error;
        return NULL;
    }
    return copy;
}
