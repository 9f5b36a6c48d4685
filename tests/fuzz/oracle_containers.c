/* SPDX-License-Identifier: MIT */
/* Containers: which nodes are in, and what they let go of. */
#include <assert.h>

#include "oracle.h"

static const struct traits node_traits = {"node", .no_weakref = true};

struct thing *node_make(struct thing *container, struct thing *referent, unsigned key) {
    struct thing *node = thing_new(NODE, &node_traits);
    if (node == NULL)
        return NULL;
    node->held = 0;
    node->count = 2; /* the list's, and the container's */
    node->state = ARMED;
    node->container = container;
    node->key = key;
    entry_add(node, referent);
    return node;
}

bool node_gets(const struct thing *node) {
    return node != NULL && value_gets(node->referent, node->referent_epoch);
}

/* ---- in and out ---- */

void node_in(struct thing *node) {
    struct thing *container = node->container;
    node->in = true;
    container->nodes[container->node_count++] = node;
}

void node_out(struct thing *node) {
    struct thing *container = node->container;
    unsigned left = 0;
    for (unsigned i = 0; i < container->node_count; i++)
        if (container->nodes[i] != node)
            container->nodes[left++] = container->nodes[i];
    container->node_count = left;
    node->in = false;
}

static void add(struct let_go *let_go, struct thing *thing) {
    assert(let_go->count < sizeof let_go->list / sizeof *let_go->list);
    let_go->list[let_go->count++] = thing;
}

void node_let_go(struct thing *node, struct let_go *let_go) {
    if (node->state == ARMED) {
        node->state = IDLE;
        entry_remove(node);
        add(let_go, node);
    }
    if (node->kept)
        add(let_go, node->referent);
    node->kept = false;
    add(let_go, node);
}

void node_ends(struct thing *node) {
    node->state = IDLE;
    if (node->in) {
        node_out(node);
        if (node->kept)
            thing_release(node->referent);
        node->kept = false;
        thing_release(node);
    }
    thing_release(node);
}

/* ---- caches with limits ---- */

unsigned weight_of(const struct thing *thing) {
    return thing->number % 4;
}

/* Let go of the oldest that are kept, until no more are than may be. */
static void keep_no_more(struct thing *cache, struct let_go *let_go) {
    unsigned kept = 0, weight = 0;
    for (unsigned i = 0; i < cache->node_count; i++) {
        kept += cache->nodes[i]->kept;
        weight += cache->nodes[i]->kept ? weight_of(cache->nodes[i]->referent) : 0;
    }
    for (unsigned i = 0; kept > cache->keep || (cache->keep_weight > 0 && weight > cache->keep_weight); i++) {
        struct thing *oldest = cache->nodes[i];
        if (!oldest->kept)
            continue;
        kept--;
        weight -= weight_of(oldest->referent);
        oldest->kept = false;
        add(let_go, oldest->referent);
    }
}

void node_use(struct thing *node, struct let_go *let_go) {
    struct thing *cache = node->container;
    bool too_heavy = cache->keep_weight > 0 && weight_of(node->referent) > cache->keep_weight;
    node_out(node);
    node_in(node);
    if (!node->kept && cache->keep > 0 && !too_heavy) {
        node->kept = true;
        node->referent->count++;
    }
    keep_no_more(cache, let_go);
    while (cache->most > 0 && cache->node_count > cache->most) {
        struct thing *oldest = cache->nodes[0];
        node_out(oldest);
        node_let_go(oldest, let_go);
    }
}

/* ---- finding ---- */

struct thing *node_of_key(const struct thing *container, unsigned key) {
    for (unsigned i = 0; i < container->node_count; i++)
        if (container->nodes[i]->key == key)
            return container->nodes[i];
    return NULL;
}

/* By value, those that are equal and alive, the oldest first; by identity, the one of this life. */
struct thing *node_of_object(const struct thing *container, const struct thing *object) {
    for (unsigned i = 0; i < container->node_count; i++) {
        struct thing *node = container->nodes[i];
        if (container->equals ? node_gets(node) && things_equal(object, node->referent)
                              : node->referent == object && node->referent_epoch == object->epoch &&
                                    !object->killed && object->alive)
            return node;
    }
    return NULL;
}
