/* SPDX-License-Identifier: MIT */
/* Weak maps: what an entry is, how it gets in, is found, and is taken out. */
#include "weakmap.h"

static void trace_entry(void *self, wr_visit visit, void *arg) {
    const struct map_entry *entry = self;
    if (entry->key.node.entry.flags & WR_VALUE_OBJECTS)
        visit(entry->value, "value", arg);
}

static void destroy_entry(void *self) {
    const struct map_entry *entry = self;
    if (!entry->owner)
        return;
    if (entry->key.node.entry.flags & WR_VALUE_OBJECTS)
        wr_release(entry->value);
    else if (entry->destroy != NULL)
        entry->destroy(entry->value);
}

static const wr_type map_entry_type = {.abi = WR_TYPE_ABI,
                                       .flags = WR_NO_WEAKREF,
                                       .name = "map entry",
                                       .size = sizeof(struct map_entry),
                                       .destroy = destroy_entry,
                                       .trace = trace_entry};

/* ---- the map ---- */

wr_weakmap *wr_weakmap_new_ex(const wr_weakmap_options *options) {
    uint32_t shards = options != NULL ? keyed_shards(options->shards) : 0;
    if (shards == 0 || options->size != sizeof *options ||
        (options->flags & ~(WR_BY_VALUE | WR_VALUE_OBJECTS)) != 0 ||
        ((options->flags & WR_VALUE_OBJECTS) && options->value_destroy != NULL)) {
        errno = EINVAL;
        return NULL;
    }
    wr_weakmap *map = table_new(sizeof *map, shards);
    if (map != NULL) {
        map->keyed.by_value = (options->flags & WR_BY_VALUE) != 0;
        map->options = *options;
    }
    return map;
}

wr_weakmap *wr_weakmap_new(void (*value_destroy)(void *value)) {
    wr_weakmap_options options = WR_WEAKMAP_OPTIONS_INIT;
    options.value_destroy = value_destroy;
    return wr_weakmap_new_ex(&options);
}

/* ---- set ---- */

/* Make an entry of a key that is held. Returns 0, or -ENOMEM, -ESTALE. */
static int entry_new(const wr_weakmap *map, const struct search *search, void *key, void *value,
                     struct map_entry **made) {
    struct map_entry *entry = node_new(&map_entry_type, sizeof *entry, search->shard, search->hash);
    if (entry == NULL)
        return -ENOMEM;
    entry->key.node.entry.flags = (uint8_t)(map->options.flags & WR_VALUE_OBJECTS);
    entry->value = value;
    entry->destroy = map->options.value_destroy;
    int error = node_link(&entry->key.node, key);
    if (error == 0)
        *made = entry;
    return error;
}

enum attempt { IN, THERE, OUTDATED };

/* Return, with the lock held, what is under a key, and whether that is what it was when the entry was made:
 * by value, the new entry hangs on the key that is there already. By identity there is only one. */
static struct node *settle(const wr_weakmap *map, struct search *search, bool *outdated, struct shard *shard)
    ACQUIRES(shard->lock) {
    *outdated = false;
    if (search->found == NULL) {
        struct node *now = keyed_find(&map->keyed, search, shard);
        *outdated = map->keyed.by_value && now != NULL;
        return now;
    }
    lock_take(&shard->lock);
    *outdated = !(search->found->entry.own & NODE_IN);
    return *outdated ? NULL : search->found;
}

/* Put an entry in, in place of what is under its key; with `there` not NULL, unless something is: then *there
 * is its value. OUTDATED: something else is there than when it was made, or the key's end came. */
static enum attempt try_set(wr_weakmap *map, struct map_entry *entry, struct search *search, void **there) {
    struct node *node = &entry->key.node;
    struct shard *shard = search->shard;
    bool grow = false;
    bool outdated;
    struct node *old = settle(map, search, &outdated, shard);
    enum attempt attempt = !node_arrive(node, shard) || outdated ? OUTDATED : IN;
    if (attempt == IN && old != NULL && there != NULL && !wr_weak_is_dead(old->entry.referent)) {
        attempt = THERE;
        *there = weakmap_has_objects(map) ? wr_retain(((struct map_entry *)old)->value)
                                          : ((struct map_entry *)old)->value;
    }
    if (attempt == IN) {
        if (weakmap_has_objects(map))
            (void)wr_retain(entry->value);
        entry->owner = true;
        grow = keyed_insert(&map->keyed, node, old, shard);
    }
    lock_give(&shard->lock);
    if (grow)
        table_make_room(shard);
    if (attempt != IN)
        node_drop(node);
    else if (old != NULL)
        node_drop(old);
    return attempt;
}

/* Make an entry and put it in, once. Returns 1: it is in; 0: *there; -EAGAIN: OUTDATED; or another error. */
static int set_once(wr_weakmap *map, struct search *search, void *value, void **there) {
    void *key = search->obj;
    if (map->keyed.by_value) {
        search->number = 0;
        if (keyed_find(&map->keyed, search, search->shard) != NULL)
            key = search->referent;
        lock_give(&search->shard->lock);
    }
    struct map_entry *entry = NULL;
    int error = entry_new(map, search, key, value, &entry);
    if (error != 0)
        return error == -ESTALE && key != search->obj ? -EAGAIN : error;
    search->weak = entry->key.node.entry.referent; /* cleared meanwhile, it has another value */
    enum attempt attempt = try_set(map, entry, search, there);
    return attempt == IN ? 1 : attempt == THERE ? 0 : -EAGAIN;
}

static int set(wr_weakmap *map, void *key, void *value, void **there) {
    if (map == NULL || (weakmap_has_objects(map) && value == NULL))
        return -EINVAL;
    struct search search;
    int result = keyed_search(&map->keyed, key, &search);
    if (result != 0)
        return result;
    do {
        result = set_once(map, &search, value, there);
        keyed_end(&search);
    } while (result == -EAGAIN);
    return result;
}

int wr_weakmap_set(wr_weakmap *map, void *key, void *value) {
    int result = set(map, key, value, NULL);
    return result == 1 ? 0 : result;
}

int wr_weakmap_set_default(wr_weakmap *map, void *key, void *value, void **result) {
    void *there = NULL;
    int set_it = set(map, key, value, &there);
    if (set_it == 1 && map != NULL && weakmap_has_objects(map))
        (void)wr_retain(value);
    if (result != NULL)
        *result = set_it == 1 ? value : there;
    else if (set_it >= 0 && map != NULL && weakmap_has_objects(map))
        wr_release(set_it == 1 ? value : there);
    return set_it;
}

/* ---- get, and what takes out ---- */

void *wr_weakmap_get(wr_weakmap *map, void *key) {
    struct search search;
    if (map == NULL || keyed_search(&map->keyed, key, &search) != 0)
        return NULL;
    const struct node *node = keyed_find(&map->keyed, &search, search.shard);
    void *value = NULL;
    if (node != NULL && !wr_weak_is_dead(node->entry.referent)) {
        value = ((const struct map_entry *)node)->value;
        if (weakmap_has_objects(map))
            (void)wr_retain(value);
    }
    lock_give(&search.shard->lock);
    keyed_end(&search);
    return value;
}

bool wr_weakmap_contains(wr_weakmap *map, void *key) {
    return map != NULL && keyed_contains(&map->keyed, key);
}

int wr_weakmap_remove(wr_weakmap *map, void *key) {
    if (map == NULL)
        return -EINVAL;
    int error;
    struct node *node = keyed_take(&map->keyed, key, &error);
    if (node == NULL)
        return error != 0 ? error : -ENOENT;
    node_drop(node);
    return 0;
}

/* Give a value that was taken out to the caller. */
static void hand_over(const wr_weakmap *map, struct map_entry *entry, void **value) {
    *value = entry->value;
    if (weakmap_has_objects(map))
        (void)wr_retain(entry->value);
    else
        entry->owner = false;
    node_drop(&entry->key.node);
}

int wr_weakmap_pop(wr_weakmap *map, void *key, void **value) {
    if (map == NULL || value == NULL)
        return -EINVAL;
    int error;
    struct node *node = keyed_take(&map->keyed, key, &error);
    if (node == NULL)
        return error != 0 ? error : -ENOENT;
    hand_over(map, (struct map_entry *)node, value);
    return 0;
}

void *wr_weakmap_popitem(wr_weakmap *map, void **value) {
    if (map == NULL || value == NULL) {
        errno = EINVAL;
        return NULL;
    }
    void *key = NULL;
    struct node *node = table_take_any(&map->keyed.table, &key);
    if (node != NULL)
        hand_over(map, (struct map_entry *)node, value);
    return key;
}
