/* SPDX-License-Identifier: MIT */
/* The graph of what owns what, as trace tells it. */
#include "cycles.h"

#include <string.h>

#include "alloc.h"
#include "registry.h"
#include "survey.h"

void *cycles_append(struct cycles *c, struct cycles_array *array, size_t size) {
    if (c->no_memory)
        return NULL;
    if (array->count == array->room) {
        uint32_t room = array->room ? 2 * array->room : 64;
        void *items = room > array->room && room <= SIZE_MAX / size ? alloc_zeroed(room * size) : NULL;
        if (items == NULL) {
            c->no_memory = true;
            return NULL;
        }
        if (array->count != 0)
            memcpy(items, array->items, array->count * size);
        alloc_free(array->items);
        array->items = items;
        array->room = room;
    }
    return (char *)array->items + array->count++ * size;
}

const char *cycles_field(const struct cycles_edge *edge) {
    return edge->field != NULL ? edge->field : "?";
}

/* Return the number of the node in a slot, or CYCLES_NONE. They are in the order of addresses. */
static uint32_t find(const struct cycles *c, const struct wr_slot *slot) {
    uint32_t low = 0;
    for (uint32_t high = c->objects; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (cycles_node(c, middle)->slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->objects && cycles_node(c, low)->slot == slot ? low : CYCLES_NONE;
}

struct visitor {
    struct cycles *c;
    uint32_t node;
};

/* Note a reference to a live object. Returns the number of its node, or CYCLES_NONE. */
static uint32_t add_edge(const struct visitor *visitor, const struct wr_slot *child, const char *field) {
    struct cycles *c = visitor->c;
    uint32_t to = find(c, child);
    struct cycles_edge *edge = to != CYCLES_NONE ? cycles_append(c, &c->edges, sizeof *edge) : NULL;
    if (edge != NULL)
        *edge = (struct cycles_edge){.from = visitor->node, .to = to, .field = field};
    return to;
}

static void visit(void *child, const char *field, void *arg) {
    const struct visitor *visitor = arg;
    if (child == NULL)
        return;
    /* relaxed: nobody changes it, so says the caller of the report */
    if (!arena_is_slot(child) || !word_alive(wr_load_relaxed(&wr_slot_of(child)->word))) {
        visitor->c->strange++;
        return;
    }
    (void)add_edge(visitor, wr_slot_of(child), field);
}

/* Return the next entry behind `last` (NULL: the first) that an object's list owns and that owns something itself: the
 * value that a weak map has for the object, if it is one too. Nobody changes the list, so says the caller. */
static struct wr_entry *next_owned(struct wr_slot *slot, const struct wr_entry *last) {
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    struct wr_entry *entry = last != NULL ? last->next : *registry_behind_front(slot, stripe);
    while (entry != NULL && !(entry->kind == ENTRY_NODE && wr_type_of(entry)->trace != NULL))
        entry = entry->next;
    lock_give(stripe);
    return entry;
}

static void trace_entries(struct wr_slot *slot, const struct visitor *visitor) {
    for (struct wr_entry *entry = NULL; (entry = next_owned(slot, entry)) != NULL;) {
        uint32_t to = add_edge(visitor, wr_slot_of(entry), "(map)");
        if (to != CYCLES_NONE)
            cycles_node(visitor->c, to)->entry = true;
    }
}

void cycles_trace(struct cycles *c) {
    uint64_t word;
    const wr_type *type;
    for (struct wr_slot *slot = NULL; (slot = arena_next(slot)) != NULL;) {
        if (!survey_look(slot, &word, &type))
            continue;
        bool owns = type->trace != NULL || ((word & WR_REG) && next_owned(slot, NULL) != NULL);
        struct cycles_node *node = owns ? cycles_append(c, &c->nodes, sizeof *node) : NULL;
        if (node == NULL) {
            c->opaque++;
            continue;
        }
        node->slot = slot;
        node->outside = word_count(word);
        c->objects++;
    }
    lock_none_held();
    for (uint32_t i = 0; i < c->objects && !c->no_memory; i++) {
        struct visitor visitor = {c, i};
        struct wr_slot *slot = cycles_node(c, i)->slot;
        type = wr_read(&slot->type);
        cycles_node(c, i)->first = c->edges.count;
        if (type->trace != NULL)
            type->trace(wr_payload_of(slot), visit, &visitor);
        if (wr_load_relaxed(&slot->word) & WR_REG) /* relaxed: nobody changes it */
            trace_entries(slot, &visitor);
    }
    struct cycles_node *end = cycles_append(c, &c->nodes, sizeof *end);
    if (end != NULL)
        end->first = c->edges.count;
}
