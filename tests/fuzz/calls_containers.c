/* SPDX-License-Identifier: MIT */
/* Containers: made, cleared, freed, and what calls on all kinds have in common. */
#include "fuzz.h"

static const struct traits container_traits = {"container", .no_weakref = true};
static struct thing *containers[CONTAINERS];

static void *make(enum container which, struct thing *thing) {
    wr_cache_options limited = WR_CACHE_OPTIONS_INIT;
    wr_weakmap_options map = WR_WEAKMAP_OPTIONS_INIT;
    wr_weakset_options by_value = WR_WEAKSET_OPTIONS_INIT;
    switch (which) {
    case CACHE:
        return wr_cache_new();
    case LIMITED:
        limited.max_entries = thing->most = 3;
        limited.keep = thing->keep = 2;
        limited.shards = 1;
        return wr_cache_new_ex(&limited);
    case WEIGHED:
        limited.max_entries = thing->most = 4;
        limited.keep = thing->keep = 3;
        limited.keep_weight = thing->keep_weight = 2;
        limited.weigh = weigh;
        return wr_cache_new_ex(&limited);
    case MAP:
        return wr_weakmap_new(map_value_destroyed);
    case MAP_OBJECTS:
        map.flags = WR_VALUE_OBJECTS;
        return wr_weakmap_new_ex(&map);
    case MAP_BY_VALUE:
        map.flags = WR_BY_VALUE;
        map.value_destroy = map_value_destroyed;
        thing->equals = true;
        return wr_weakmap_new_ex(&map);
    case SET:
        return wr_weakset_new();
    case SET_BY_VALUE:
        by_value.flags = WR_BY_VALUE;
        thing->equals = true;
        return wr_weakset_new_ex(&by_value);
    default:
        return wr_listeners_new();
    }
}

struct thing *container(enum container which) {
    if (containers[which] == NULL) {
        struct thing *thing = thing_new(CONTAINER, &container_traits);
        if (thing == NULL)
            return NULL;
        thing->held = 0;
        thing->real = make(which, thing);
        if (thing->real == NULL)
            fail("no container");
        containers[which] = thing;
    }
    return containers[which];
}

void let_go_of(const struct let_go *let_go) {
    oracle_push_releases(let_go->list, let_go->count);
}

struct thing *in_by_real(const struct thing *container, const void *referent) {
    for (unsigned i = 0; i < container->node_count; i++)
        if (container->nodes[i]->referent->real == referent && node_gets(container->nodes[i]))
            return container->nodes[i];
    fail("%p is not in #%u, or dead", referent, container->number);
}

unsigned live_nodes(const struct thing *container, bool pinned) {
    unsigned live = 0;
    for (unsigned i = 0; i < container->node_count; i++)
        live += pinned ? node_gets(container->nodes[i])
                       : !value_dead(container->nodes[i]->referent, container->nodes[i]->referent_epoch);
    return live;
}

/* ---- all at once ---- */

static void clear_real(enum container which, void *real, bool free) {
    switch (which) {
    case CACHE:
    case LIMITED:
    case WEIGHED:
        (free ? wr_cache_free : wr_cache_clear)(real);
        return;
    case MAP:
    case MAP_OBJECTS:
    case MAP_BY_VALUE:
        (free ? wr_weakmap_free : wr_weakmap_clear)(real);
        return;
    case SET:
    case SET_BY_VALUE:
        (free ? wr_weakset_free : wr_weakset_clear)(real);
        return;
    default:
        (free ? wr_listeners_free : wr_listeners_clear)(real);
    }
}

/* Does letting go of a node run anything? If of several, in which order is not said. */
static bool shows(const struct thing *node) {
    return node->kept || node->value || node->child != NULL || node->registered;
}

/* Take out all, one by one where the order is not said. */
static void clear(enum container which, struct thing *thing, bool free) {
    unsigned shown = 0;
    for (unsigned i = 0; i < thing->node_count; i++)
        shown += shows(thing->nodes[i]);
    if (shown > 1)
        return;
    settle();
    begin_call(false, "wr_..._%s(#%u), %u nodes", free ? "free" : "clear", thing->number, thing->node_count);
    struct let_go let_go = {.count = 0};
    struct thing *list[3 * MAX_THINGS];
    unsigned count = 0;
    while (thing->node_count > 0) {
        struct thing *node = thing->nodes[0];
        node_out(node);
        let_go.count = 0;
        node_let_go(node, &let_go);
        for (unsigned i = 0; i < let_go.count; i++)
            list[count++] = let_go.list[i];
    }
    oracle_push_releases(list, count);
    clear_real(which, thing->real, free);
    end_call();
}

void call_container_clear(void) {
    enum container which = take_below(CONTAINERS);
    if (containers[which] != NULL)
        clear(which, containers[which], false);
}

void free_containers(void) {
    for (unsigned which = 0; which < CONTAINERS; which++) {
        struct thing *thing = containers[which];
        containers[which] = NULL;
        if (thing == NULL)
            continue;
        if (which == CACHE || which == LIMITED || which == WEIGHED)
            empty_cache(thing);
        if (which == MAP || which == MAP_OBJECTS || which == MAP_BY_VALUE)
            empty_map(thing);
        clear(which, thing, true);
        thing->alive = false;
        thing->ended = true;
    }
}
