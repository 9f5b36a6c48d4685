/* SPDX-License-Identifier: MIT */
/* What is done with a weak map as a whole. */
#include "weakmap.h"

void wr_weakmap_free(wr_weakmap *map) {
    if (map == NULL)
        return;
    table_clear(&map->keyed.table);
    table_free(&map->keyed.table);
}

void wr_weakmap_clear(wr_weakmap *map) {
    if (map != NULL)
        table_clear(&map->keyed.table);
}

size_t wr_weakmap_len(wr_weakmap *map) {
    return map != NULL ? table_count(&map->keyed.table) : 0;
}

int wr_weakmap_foreach(wr_weakmap *map, int (*visit)(void *key, void *value, void *arg), void *arg) {
    if (map == NULL || visit == NULL)
        return -EINVAL;
    struct cursor cursor = {.shard = 0};
    struct node *entries[WALK_BATCH];
    void *keys[WALK_BATCH];
    int result = 0;
    for (struct shard *shard; result == 0 && (shard = cursor_shard(&map->keyed.table, &cursor)) != NULL;) {
        unsigned n = cursor_pin(&cursor, shard, entries, keys);
        lock_none_held();
        for (unsigned i = 0; i < n; i++) {
            if (result == 0)
                result = visit(keys[i], ((struct map_entry *)entries[i])->value, arg);
            wr_release(keys[i]);
            wr_release(entries[i]);
        }
    }
    return result;
}

/* ---- one from another ---- */

static int set_one(void *key, void *value, void *to) {
    int error = wr_weakmap_set(to, key, value);
    return error == -ESTALE ? 0 : error; /* killed since */
}

int wr_weakmap_update(wr_weakmap *map, wr_weakmap *from) {
    if (map == NULL || from == NULL || weakmap_has_objects(map) != weakmap_has_objects(from) ||
        map->options.value_destroy != NULL || from->options.value_destroy != NULL)
        return -EINVAL;
    return map != from ? wr_weakmap_foreach(from, set_one, map) : 0;
}

wr_weakmap *wr_weakmap_copy(wr_weakmap *map) {
    if (map == NULL || map->options.value_destroy != NULL) {
        errno = EINVAL;
        return NULL;
    }
    wr_weakmap *copy = wr_weakmap_new_ex(&map->options);
    int error = copy != NULL ? wr_weakmap_update(copy, map) : 0;
    if (error != 0) {
        wr_weakmap_free(copy);
        errno = -error;
        return NULL;
    }
    return copy;
}
