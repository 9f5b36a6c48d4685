/* SPDX-License-Identifier: MIT */
/*
 * Objects that own each other in circles, found from what their types' trace visits.
 *
 * A group is a strongly connected part of that graph with a circle in it. In each group a circle is looked for that is
 * as short as there is one through its root, the object that is most likely meant to own the others; the reference
 * that closes it, into the root, is the one to make weak. References of the same field of the same type are then taken
 * as weak in the whole group, and what is left is looked at again, until no circle is left: so each group is named once
 * with one circle for each field that has to change, and there are no more rounds than fields.
 *
 * Nothing here recurses: a circle may have as many objects as there is memory for.
 */
#ifndef WR_CYCLES_H
#define WR_CYCLES_H

#include "arena.h"

#define CYCLES_NONE UINT32_MAX

/* A live object whose type has a trace, or that weak maps have values for. */
struct cycles_node {
    struct wr_slot *slot;
    uint32_t first;           /* of its edges, which are in a row: up to the next node's first */
    uint32_t group;           /* 0: none */
    uint32_t order;           /* in this round: when it was come to, from 1; 0: not yet */
    uint32_t low;             /* the lowest order on the stack that it reaches */
    uint32_t next;            /* in this round: the edge to look at next */
    uint32_t part;            /* the strongly connected part it is in, different in each round */
    uint32_t from;            /* the edge by which the search for a circle came to it */
    uint32_t inside, outside; /* references to it by members of its group, and all others */
    bool entry;               /* of a map, which its key owns */
};

/* A reference that trace visited, to another node or the same. */
struct cycles_edge {
    uint32_t from, to;
    const char *field;
    bool weak;   /* taken as weak since an earlier circle */
    bool closes; /* the one named as to be made weak */
};

/* A circle: its edges are `count` of steps from `first` on; the last leads to where the first begins, and closes it. */
struct cycles_circle {
    uint32_t group;
    uint32_t first, count;
    uint32_t next; /* of the same group; CYCLES_NONE */
};

struct cycles_group {
    uint32_t objects;
    uint64_t outside;       /* references to them that are none of theirs; 0: leaked */
    uint32_t circles, last; /* first and last of its circles; CYCLES_NONE */
};

/* An array that grows. */
struct cycles_array {
    void *items;
    uint32_t count;
    uint32_t room;
};

struct cycles {
    struct cycles_array nodes;  /* in the order of their slots, with one more behind the last */
    struct cycles_array edges;  /* by node */
    struct cycles_array groups; /* number 0 is none */
    struct cycles_array circles;
    struct cycles_array steps; /* numbers of edges */
    uint32_t objects;          /* nodes */
    uint32_t opaque;           /* live objects whose type has no trace */
    uint32_t strange;          /* visits of what is no live object */
    uint32_t members;          /* nodes that are in a group */
    bool no_memory;
};

static inline struct cycles_node *cycles_node(const struct cycles *c, uint32_t i) {
    return (struct cycles_node *)c->nodes.items + i;
}
static inline struct cycles_edge *cycles_edge(const struct cycles *c, uint32_t i) {
    return (struct cycles_edge *)c->edges.items + i;
}
static inline struct cycles_group *cycles_group(const struct cycles *c, uint32_t i) {
    return (struct cycles_group *)c->groups.items + i;
}
static inline struct cycles_circle *cycles_circle(const struct cycles *c, uint32_t i) {
    return (struct cycles_circle *)c->circles.items + i;
}
static inline struct cycles_edge *cycles_step(const struct cycles *c, uint32_t i) {
    return cycles_edge(c, ((uint32_t *)c->steps.items)[i]);
}

/* Append a zeroed item of `size` bytes. Returns it, or NULL and notes that there is no memory. */
void *cycles_append(struct cycles *c, struct cycles_array *array, size_t size);

/* Ask all live objects what they own. */
void cycles_trace(struct cycles *c);

/* Find the groups and their circles. */
void cycles_find(struct cycles *c);

/* Return the name of an edge's field. */
const char *cycles_field(const struct cycles_edge *edge);

#endif /* WR_CYCLES_H */
