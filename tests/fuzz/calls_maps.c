/* SPDX-License-Identifier: MIT */
/* Calls on weak maps. In a MAP, and in one by value, the value of each node is the node itself, which an event
 * destroys. */
#include <errno.h>

#include "fuzz.h"

void map_value_destroyed(void *node) {
    begin_event(DESTROY, node);
    ((struct thing *)node)->value = false;
    end_event();
}

static struct thing *pick_map(bool *objects) {
    static const enum container maps[] = {MAP, MAP_OBJECTS, MAP_BY_VALUE};
    enum container which = maps[take_below(3)];
    *objects = which == MAP_OBJECTS;
    return container(which);
}

static void *value_of(struct thing *node) {
    return node->child != NULL ? node->child->real : node;
}

/* The node of a key that has this value; or fail. */
static struct thing *node_of(const struct thing *map, const void *key, const void *value) {
    for (unsigned i = 0; i < map->node_count; i++)
        if (node_gets(map->nodes[i]) && map->nodes[i]->referent->real == key &&
            value_of(map->nodes[i]) == value)
            return map->nodes[i];
    fail("%p is not in #%u with the value %p, or dead", key, map->number, value);
}

/* Give the value of a node to the sequence; one that is no object is not destroyed then. */
static void hand_over(struct thing *node, bool objects) {
    if (objects) {
        node->child->held++;
        node->child->count++;
    } else {
        node->value = false;
    }
}

void call_map_set(void) {
    settle();
    bool objects, unless = take_below(2);
    struct thing *map = pick_map(&objects), *key = pick(ANY_OF(OBJECT) | ANY_OF(REF)), *value = NULL;
    if (map == NULL || key == NULL || thing_count == MAX_THINGS)
        return;
    if (objects && (value = pick_held(ANY_OF(OBJECT) | ANY_OF(REF))) == NULL)
        return;
    int refused = thing_refusal(key);
    struct thing *old = refused == ENOTSUP ? NULL : node_of_object(map, key), *node = NULL;
    struct thing *first = map->equals && old != NULL ? old->referent : key; /* the equal key that stays */
    if (first != key)
        refused = 0;
    bool there = refused == 0 && unless && old != NULL;
    begin_call(false, "wr_weakmap_set%s(#%u, #%u): %d", unless ? "_default" : "", map->number, key->number,
               there);
    pin(key);
    struct let_go let_go = {.count = 0};
    if (refused == ESTALE)
        oracle_wait_annex(); /* an entry, made in vain */
    if (refused == 0) {
        node = node_make(map, first, 0);
        node->registered = true;
        if (there) {
            node_let_go(node, &let_go);
        } else {
            node->child = value;
            node->value = !objects;
            if (old != NULL) {
                node_out(old);
                node_let_go(old, &let_go);
            }
            node_in(node);
        }
        if (!there && value != NULL) {
            value->count += 2; /* the map's, and until it is said what was given */
            pin(value);
        }
        if (there && objects)
            old->child->count++;
    }
    void *is = there ? value_of(old) : objects ? value->real : node;
    struct thing *given = there ? old->child : value;
    let_go_of(&let_go);
    void *result = NULL;
    if (unless)
        EXPECT(wr_weakmap_set_default(map->real, key->real, objects ? value->real : node, &result),
               refused ? -refused : !there);
    else
        EXPECT(wr_weakmap_set(map->real, key->real, objects ? value->real : node), -refused);
    if (unless)
        EXPECT(result, refused ? NULL : is);
    if (refused == 0 && !there && value != NULL)
        unpin(value);
    if (refused == 0 && objects && unless)
        given->held++;
    else if (refused == 0 && objects)
        given->count--;
    unpin(key);
    end_call();
}

void call_map_get(void) {
    bool objects;
    struct thing *map = pick_map(&objects), *key = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (map == NULL || key == NULL)
        return;
    struct thing *node = thing_refusal(key) == ENOTSUP ? NULL : node_of_object(map, key);
    begin_call(false, "wr_weakmap_get(#%u, #%u)", map->number, key->number);
    EXPECT(wr_weakmap_contains(map->real, key->real), node != NULL);
    EXPECT(wr_weakmap_get(map->real, key->real), node != NULL ? value_of(node) : NULL);
    if (node != NULL && objects)
        hand_over(node, true);
    end_call();
}

void call_map_take(void) {
    settle();
    bool objects, pop = take_below(2);
    struct thing *map = pick_map(&objects), *key = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (map == NULL || key == NULL)
        return;
    int refused = thing_refusal(key) == ENOTSUP ? -ENOTSUP : 0;
    struct thing *node = refused ? NULL : node_of_object(map, key);
    begin_call(false, "wr_weakmap_%s(#%u, #%u)", pop ? "pop" : "remove", map->number, key->number);
    pin(key);
    struct let_go let_go = {.count = 0};
    void *value = NULL, *is = node != NULL ? value_of(node) : NULL;
    if (node != NULL) {
        if (pop)
            hand_over(node, objects);
        node_out(node);
        node_let_go(node, &let_go);
    }
    let_go_of(&let_go);
    int expected = refused ? refused : node != NULL ? 0 : -ENOENT;
    if (pop)
        EXPECT(wr_weakmap_pop(map->real, key->real, &value), expected);
    else
        EXPECT(wr_weakmap_remove(map->real, key->real), expected);
    if (pop)
        EXPECT(value, is);
    unpin(key);
    end_call();
}

struct visit {
    struct thing *map;
    unsigned visited;
};

static int visit_entry(void *key, void *value, void *arg) {
    struct visit *visit = arg;
    (void)node_of(visit->map, key, value);
    visit->visited++;
    return 0;
}

void call_map_look(void) {
    bool objects;
    struct visit visit = {.map = pick_map(&objects)};
    if (visit.map == NULL)
        return;
    begin_call(false, "wr_weakmap_len(#%u), _foreach()", visit.map->number);
    EXPECT(wr_weakmap_len(visit.map->real), live_nodes(visit.map, false));
    EXPECT(wr_weakmap_foreach(visit.map->real, visit_entry, &visit), 0);
    EXPECT(visit.visited, live_nodes(visit.map, true));
    end_call();
}

/* Which one goes is not said, so that values which are objects are returned first and given up later. */
void empty_map(struct thing *map) {
    while (live_nodes(map, true) > 0) {
        settle();
        begin_call(false, "wr_weakmap_popitem(#%u)", map->number);
        void *value = NULL;
        const void *key = wr_weakmap_popitem(map->real, &value);
        struct thing *node = node_of(map, key, value);
        hand_over(node, node->child != NULL);
        node->referent->held++;
        node->referent->count++;
        node_out(node);
        struct let_go let_go = {.count = 0};
        node_let_go(node, &let_go);
        let_go_of(&let_go);
        end_call();
    }
}
