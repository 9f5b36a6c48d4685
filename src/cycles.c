/* SPDX-License-Identifier: MIT */
#include "cycles.h"

#include <string.h>

#include "alloc.h"

/* What a round needs beside the nodes. */
struct round {
    struct cycles *c;
    uint32_t *stack; /* nodes whose part is not complete yet */
    uint32_t *path;  /* nodes from where the search began to where it is; later the queue of another search */
    uint32_t on_stack, on_path;
    uint32_t orders; /* given so far */
    uint32_t *parts; /* given so far, in all rounds */
    bool found;      /* a circle */
};

static uint32_t end_of(const struct cycles *c, uint32_t node) {
    return cycles_node(c, node + 1)->first;
}

/* ---- one group ---- */

/* Tell whether an edge counts in this round and stays in the part of where it begins. */
static bool stays(const struct cycles *c, const struct cycles_edge *edge) {
    return !edge->weak && cycles_node(c, edge->to)->part == cycles_node(c, edge->from)->part;
}

/* Make a group of nodes that were found to be one. Returns its number, or 0: no memory. */
static uint32_t new_group(struct cycles *c, const uint32_t *members, uint32_t count) {
    uint32_t number = c->groups.count;
    struct cycles_group *group = cycles_append(c, &c->groups, sizeof *group);
    if (group == NULL)
        return 0;
    *group = (struct cycles_group){.objects = count, .circles = CYCLES_NONE, .last = CYCLES_NONE};
    c->members += count;
    for (uint32_t i = 0; i < count; i++) {
        struct cycles_node *node = cycles_node(c, members[i]);
        node->group = number;
        for (uint32_t e = node->first; e < end_of(c, members[i]); e++)
            if (stays(c, cycles_edge(c, e)))
                cycles_node(c, cycles_edge(c, e)->to)->inside++;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cycles_node *node = cycles_node(c, members[i]);
        node->outside -= node->inside < node->outside ? node->inside : node->outside;
        group->outside += node->outside;
    }
    return number;
}

/* Choose the member most likely meant to own the others: the one that others hold most, then the one that most
 * members hold, as children do their parent, then the first. Not an entry of a map: what leads to it is no field that
 * could be made weak. */
static uint32_t root_of(const struct cycles *c, const uint32_t *members, uint32_t count) {
    uint32_t root = members[0];
    for (uint32_t i = 1; i < count; i++) {
        const struct cycles_node *best = cycles_node(c, root), *node = cycles_node(c, members[i]);
        if (node->entry != best->entry       ? best->entry
            : node->outside != best->outside ? node->outside > best->outside
            : node->inside != best->inside   ? node->inside > best->inside
                                             : members[i] < root)
            root = members[i];
    }
    return root;
}

/* Search, in breadth, for the edge that closes a shortest circle through `root`. There is one. */
static uint32_t closing_edge(const struct cycles *c, uint32_t root, uint32_t *queue) {
    uint32_t tail = 0;
    queue[tail++] = root;
    for (uint32_t head = 0; head < tail; head++) {
        for (uint32_t e = cycles_node(c, queue[head])->first; e < end_of(c, queue[head]); e++) {
            const struct cycles_edge *edge = cycles_edge(c, e);
            if (!stays(c, edge))
                continue;
            if (edge->to == root)
                return e;
            if (cycles_node(c, edge->to)->from == CYCLES_NONE) {
                cycles_node(c, edge->to)->from = e;
                queue[tail++] = edge->to;
            }
        }
    }
    return CYCLES_NONE;
}

/* Keep the circle that `closing` closes. */
static void keep_circle(struct cycles *c, uint32_t group_number, uint32_t root, uint32_t closing) {
    uint32_t first = c->steps.count, count = 0, number = c->circles.count;
    for (uint32_t e = closing;; e = cycles_node(c, cycles_edge(c, e)->from)->from) {
        uint32_t *step = cycles_append(c, &c->steps, sizeof *step);
        if (step == NULL)
            return;
        *step = e;
        count++;
        if (cycles_edge(c, e)->from == root)
            break;
    }
    uint32_t *steps = (uint32_t *)c->steps.items + first;
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t step = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = step;
    }
    struct cycles_circle *circle = cycles_append(c, &c->circles, sizeof *circle);
    if (circle == NULL)
        return;
    *circle = (struct cycles_circle){group_number, first, count, CYCLES_NONE};
    struct cycles_group *group = cycles_group(c, group_number);
    if (group->circles == CYCLES_NONE)
        group->circles = number;
    else
        cycles_circle(c, group->last)->next = number;
    group->last = number;
}

/* Take the edges of the members as weak that are of the same field and type as `closing`. */
static void weaken(struct cycles *c, const uint32_t *members, uint32_t count, uint32_t closing) {
    const struct cycles_edge *like = cycles_edge(c, closing);
    const wr_type *type = wr_read(&cycles_node(c, like->from)->slot->type);
    const char *field = cycles_field(like);
    cycles_edge(c, closing)->closes = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct cycles_node *node = cycles_node(c, members[i]);
        for (uint32_t e = node->first; wr_read(&node->slot->type) == type && e < end_of(c, members[i]); e++) {
            struct cycles_edge *edge = cycles_edge(c, e);
            if (stays(c, edge) && strcmp(cycles_field(edge), field) == 0)
                edge->weak = true;
        }
    }
}

/* Look at a strongly connected part: one circle of it, if there is any. */
static void part_found(struct round *round, const uint32_t *members, uint32_t count) {
    struct cycles *c = round->c;
    uint32_t part = ++*round->parts;
    for (uint32_t i = 0; i < count; i++) {
        cycles_node(c, members[i])->part = part;
        cycles_node(c, members[i])->from = CYCLES_NONE;
    }
    bool circular = count > 1;
    for (uint32_t e = cycles_node(c, members[0])->first; !circular && e < end_of(c, members[0]); e++)
        circular = stays(c, cycles_edge(c, e));
    if (!circular)
        return;
    uint32_t group = cycles_node(c, members[0])->group;
    if (group == 0)
        group = new_group(c, members, count);
    if (group == 0)
        return;
    uint32_t root = root_of(c, members, count);
    uint32_t closing = closing_edge(c, root, round->path + round->on_path);
    if (closing == CYCLES_NONE)
        return;
    round->found = true;
    keep_circle(c, group, root, closing);
    weaken(c, members, count, closing);
}

/* ---- all of them: Tarjan's algorithm ---- */

static void come_to(struct round *round, uint32_t number) {
    struct cycles_node *node = cycles_node(round->c, number);
    node->order = node->low = ++round->orders;
    node->next = node->first;
    node->part = 0; /* on the stack */
    round->stack[round->on_stack++] = number;
    round->path[round->on_path++] = number;
}

/* Go back from a node whose edges were all looked at. */
static void go_back(struct round *round, uint32_t number) {
    struct cycles_node *node = cycles_node(round->c, number);
    round->on_path--;
    if (round->on_path > 0) {
        struct cycles_node *before = cycles_node(round->c, round->path[round->on_path - 1]);
        if (node->low < before->low)
            before->low = node->low;
    }
    if (node->low != node->order)
        return;
    uint32_t top = round->on_stack;
    do
        round->on_stack--;
    while (round->stack[round->on_stack] != number);
    part_found(round, round->stack + round->on_stack, top - round->on_stack);
}

static void search_from(struct round *round, uint32_t start) {
    struct cycles *c = round->c;
    come_to(round, start);
    while (round->on_path > 0 && !c->no_memory) {
        uint32_t number = round->path[round->on_path - 1];
        struct cycles_node *node = cycles_node(c, number);
        if (node->next == end_of(c, number)) {
            go_back(round, number);
            continue;
        }
        const struct cycles_edge *edge = cycles_edge(c, node->next++);
        const struct cycles_node *to = cycles_node(c, edge->to);
        if (edge->weak)
            continue;
        if (to->order == 0)
            come_to(round, edge->to);
        else if (to->part == 0 && to->order < node->low)
            node->low = to->order;
    }
}

void cycles_find(struct cycles *c) {
    uint32_t parts = 0;
    struct round round = {.c = c, .parts = &parts, .found = true};
    (void)cycles_append(c, &c->groups, sizeof(struct cycles_group)); /* number 0 */
    if (c->no_memory || c->objects == 0)
        return;
    round.stack = alloc_zeroed(c->objects * sizeof *round.stack);
    /* Twice: a part is looked at while the path to it is kept, and neither is longer than all nodes. */
    round.path = alloc_zeroed(2 * (size_t)c->objects * sizeof *round.path);
    if (round.stack == NULL || round.path == NULL)
        c->no_memory = true;
    while (round.found && !c->no_memory) {
        round.found = false;
        round.orders = round.on_stack = round.on_path = 0;
        for (uint32_t i = 0; i < c->objects; i++)
            cycles_node(c, i)->order = 0;
        for (uint32_t i = 0; i < c->objects; i++)
            if (cycles_node(c, i)->order == 0)
                search_from(&round, i);
    }
    alloc_free(round.stack);
    alloc_free(round.path);
}
