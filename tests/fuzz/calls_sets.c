/* SPDX-License-Identifier: MIT */
/* Calls on weak sets. */
#include <errno.h>

#include "fuzz.h"

static struct thing *pick_set(void) {
    return container(take_below(2) ? SET_BY_VALUE : SET);
}

/* What looking for an object comes to that cannot be a member. */
static int unfit(const struct thing *thing) {
    return thing_refusal(thing) == ENOTSUP ? -ENOTSUP : 0;
}

/* A member, dead or alive, is taken out; its node is quiet. */
static void out(struct thing *node) {
    struct let_go let_go = {.count = 0};
    node_out(node);
    node_let_go(node, &let_go);
    let_go_of(&let_go);
}

/* The member like `thing` that is alive, or NULL. */
static struct thing *member(const struct thing *set, const struct thing *thing) {
    return unfit(thing) != 0 ? NULL : node_of_object(set, thing);
}

static int add(struct thing *set, struct thing *thing) {
    int refused = unfit(thing);
    if (refused != 0)
        return refused;
    if (member(set, thing) != NULL)
        return 0;
    if (thing_refusal(thing) != 0)
        return -ESTALE;
    node_in(node_make(set, thing, 0));
    return 1;
}

void call_set_add(void) {
    settle();
    struct thing *set = pick_set(), *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (set == NULL || thing == NULL || thing_count == MAX_THINGS)
        return;
    int added = add(set, thing);
    begin_call(false, "wr_weakset_add(#%u, #%u): %d", set->number, thing->number, added);
    EXPECT(wr_weakset_add(set->real, thing->real), added);
    end_call();
}

void call_set_discard(void) {
    settle();
    struct thing *set = pick_set(), *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (set == NULL || thing == NULL)
        return;
    bool remove = take_below(2);
    int refused = unfit(thing);
    struct thing *node = member(set, thing);
    begin_call(false, "wr_weakset_%s(#%u, #%u): %d", remove ? "remove" : "discard", set->number,
               thing->number, node != NULL);
    if (node != NULL)
        out(node);
    if (remove)
        EXPECT(wr_weakset_remove(set->real, thing->real), refused ? refused : node ? 0 : -ENOENT);
    else
        EXPECT(wr_weakset_discard(set->real, thing->real), refused ? refused : node != NULL);
    end_call();
}

void call_set_pop(void) {
    settle();
    struct thing *set = pick_set();
    if (set == NULL)
        return;
    bool any = live_nodes(set, true) > 0;
    begin_call(false, "wr_weakset_pop(#%u): %s", set->number, any ? "any" : "NULL");
    const void *given = wr_weakset_pop(set->real);
    EXPECT(given != NULL, any);
    if (any) {
        struct thing *node = in_by_real(set, given);
        node->referent->held++;
        node->referent->count++;
        out(node);
    }
    end_call();
}

struct visit {
    struct thing *set;
    unsigned visited;
};

static int visit_member(void *obj, void *arg) {
    struct visit *visit = arg;
    (void)in_by_real(visit->set, obj);
    visit->visited++;
    return 0;
}

void call_set_look(void) {
    struct visit visit = {.set = pick_set()};
    const struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (visit.set == NULL || thing == NULL)
        return;
    bool there = member(visit.set, thing) != NULL;
    begin_call(false, "wr_weakset_contains(#%u, #%u): %d, _len(), _foreach()", visit.set->number,
               thing->number, there);
    EXPECT(wr_weakset_contains(visit.set->real, thing->real), there);
    EXPECT(wr_weakset_len(visit.set->real), live_nodes(visit.set, false));
    EXPECT(wr_weakset_foreach(visit.set->real, visit_member, &visit), 0);
    EXPECT(visit.visited, live_nodes(visit.set, true));
    end_call();
}

/* ---- the set by identity, with that by value ---- */

/* Is all that can be had of `a` in `b`? */
static bool all_in(const struct thing *a, const struct thing *b) {
    for (unsigned i = 0; i < a->node_count; i++)
        if (node_gets(a->nodes[i]) && member(b, a->nodes[i]->referent) == NULL)
            return false;
    return true;
}

static bool none_in(const struct thing *a, const struct thing *b) {
    for (unsigned i = 0; i < a->node_count; i++)
        if (node_gets(a->nodes[i]) && member(b, a->nodes[i]->referent) != NULL)
            return false;
    return true;
}

void call_set_with(void) {
    settle();
    struct thing *set = container(SET), *other = container(SET_BY_VALUE);
    if (set == NULL || other == NULL || thing_count + other->node_count > MAX_THINGS)
        return;
    begin_call(false, "wr_weakset_is_..., _update(#%u, #%u)", set->number, other->number);
    EXPECT(wr_weakset_is_subset(set->real, other->real), all_in(set, other));
    EXPECT(wr_weakset_is_superset(set->real, other->real), all_in(other, set));
    EXPECT(wr_weakset_is_disjoint(set->real, other->real), none_in(set, other));
    EXPECT(wr_weakset_equal(set->real, other->real), all_in(set, other) && all_in(other, set));
    switch (take_below(3)) {
    case 0:
        for (unsigned i = 0; i < other->node_count; i++)
            if (node_gets(other->nodes[i]))
                (void)add(set, other->nodes[i]->referent);
        EXPECT(wr_weakset_update(set->real, other->real), 0);
        break;
    case 1:
        for (unsigned i = set->node_count; i-- > 0;)
            if (node_gets(set->nodes[i]) && member(other, set->nodes[i]->referent) == NULL)
                out(set->nodes[i]);
        EXPECT(wr_weakset_intersection_update(set->real, other->real), 0);
        break;
    default:
        for (unsigned i = set->node_count; i-- > 0;)
            if (node_gets(set->nodes[i]) && member(other, set->nodes[i]->referent) != NULL)
                out(set->nodes[i]);
        EXPECT(wr_weakset_difference_update(set->real, other->real), 0);
    }
    end_call();
}
