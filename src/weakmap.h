/* SPDX-License-Identifier: MIT */
/*
 * Weak maps: objects held weakly to values. A value belongs to its entry's node, and is destroyed with that:
 * when it is out of the table, off its key's list, and no visitor has it. The key's list has a reference to
 * the node, and the node has the value, so that a value which refers to its own key is a circle of strong
 * references: the trace of the type of nodes lets a report find it.
 */
#ifndef WR_WEAKMAP_H
#define WR_WEAKMAP_H

#include "keyed.h"

struct wr_weakmap {
    struct keyed keyed;         /* first */
    wr_weakmap_options options; /* constant */
};

struct map_entry {
    struct keyed_node key; /* first; entry.flags: WR_VALUE_OBJECTS */
    void *value;           /* these are constant once in */
    void (*destroy)(void *value);
    bool owner; /* of the value; guarded by the shard's lock */
};

static inline bool weakmap_has_objects(const wr_weakmap *map) {
    return (map->options.flags & WR_VALUE_OBJECTS) != 0;
}

#endif /* WR_WEAKMAP_H */
