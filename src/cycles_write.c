/* SPDX-License-Identifier: MIT */
/* The cycle report, written: as text, as JSON, and as a graph for Graphviz. */
#include <string.h>

#include "alloc.h"
#include "cycles.h"
#include "report.h"
#include "survey.h"

/* In text: a page of groups, and of each circle the steps next to its ends. */
#define GROUPS_SHOWN 20u
#define STEPS_SHOWN 16u

static const wr_type *type_of(const struct cycles *c, uint32_t node) {
    return wr_read(&cycles_node(c, node)->slot->type);
}

static const char *name_of(const struct cycles *c, uint32_t node) {
    return survey_name(type_of(c, node));
}

/* The object's weak value as it is, or would be. */
static wr_weak value_of(const struct cycles *c, uint32_t node) {
    const struct wr_slot *slot = cycles_node(c, node)->slot;
    return word_value(slot, wr_load_relaxed(&slot->word));
}

/* ---- text ---- */

static void write_circle(FILE *f, const struct cycles *c, const struct cycles_circle *circle) {
    for (uint32_t i = 0; i < circle->count; i++) {
        if (circle->count > 2 * STEPS_SHOWN && i == STEPS_SHOWN) {
            uint32_t left_out = circle->count - 2 * STEPS_SHOWN;
            (void)fprintf(f, "    ... %" PRIu32 " more ...\n", left_out);
            i += left_out;
        }
        const struct cycles_edge *edge = cycles_step(c, circle->first + i);
        (void)fprintf(f, "    %s " WR_WEAK_FMT " .%s -> %s " WR_WEAK_FMT "\n", name_of(c, edge->from),
                      WR_WEAK_ARGS(value_of(c, edge->from)), cycles_field(edge), name_of(c, edge->to),
                      WR_WEAK_ARGS(value_of(c, edge->to)));
    }
    const struct cycles_edge *last = cycles_step(c, circle->first + circle->count - 1);
    (void)fprintf(f, "  make weak: %s.%s\n", name_of(c, last->from), cycles_field(last));
}

static void write_text(FILE *f, const struct cycles *c) {
    uint32_t groups = c->groups.count - 1;
    (void)fprintf(
        f, "weakrt: groups of objects that own each other: %" PRIu32 ", objects in them: %" PRIu32 "\n",
        groups, c->members);
    (void)fprintf(f, "looked at: %" PRIu32 ", with no trace: %" PRIu32 "\n", c->objects, c->opaque);
    if (c->strange != 0)
        (void)fprintf(f, "trace visited what is no live object: %" PRIu32 " times\n", c->strange);
    for (uint32_t g = 1; g <= groups && g <= GROUPS_SHOWN; g++) {
        const struct cycles_group *group = cycles_group(c, g);
        (void)fprintf(f, "group %" PRIu32 ": objects: %" PRIu32 ", references from outside: %" PRIu64 "%s\n",
                      g, group->objects, group->outside, group->outside == 0 ? ", leaked" : "");
        for (uint32_t i = group->circles; i != CYCLES_NONE; i = cycles_circle(c, i)->next)
            write_circle(f, c, cycles_circle(c, i));
    }
    if (groups > GROUPS_SHOWN)
        (void)fprintf(f, "groups not shown: %" PRIu32 "\n", groups - GROUPS_SHOWN);
}

/* ---- JSON ---- */

static void write_json_circle(FILE *f, const struct cycles *c, const struct cycles_circle *circle) {
    (void)fputs("{\"path\":[", f);
    for (uint32_t i = 0; i < circle->count; i++) {
        const struct cycles_edge *edge = cycles_step(c, circle->first + i);
        (void)fputs(i ? ",{\"type\":" : "{\"type\":", f);
        report_quoted(f, name_of(c, edge->from), WR_JSON);
        (void)fprintf(f, ",\"object\":\"" WR_WEAK_FMT "\",\"field\":", WR_WEAK_ARGS(value_of(c, edge->from)));
        report_quoted(f, cycles_field(edge), WR_JSON);
        (void)fputc('}', f);
    }
    const struct cycles_edge *last = cycles_step(c, circle->first + circle->count - 1);
    (void)fputs("],\"make_weak\":{\"type\":", f);
    report_quoted(f, name_of(c, last->from), WR_JSON);
    (void)fputs(",\"field\":", f);
    report_quoted(f, cycles_field(last), WR_JSON);
    (void)fputs("}}", f);
}

static void write_json(FILE *f, const struct cycles *c) {
    (void)fprintf(
        f, "{\"objects\":%" PRIu32 ",\"without_trace\":%" PRIu32 ",\"strange\":%" PRIu32 ",\"groups\":[",
        c->objects, c->opaque, c->strange);
    for (uint32_t g = 1; g < c->groups.count; g++) {
        const struct cycles_group *group = cycles_group(c, g);
        (void)fprintf(f, "%s{\"objects\":%" PRIu32 ",\"outside\":%" PRIu64 ",\"circles\":[", g > 1 ? "," : "",
                      group->objects, group->outside);
        for (uint32_t i = group->circles; i != CYCLES_NONE; i = cycles_circle(c, i)->next) {
            if (i != group->circles)
                (void)fputc(',', f);
            write_json_circle(f, c, cycles_circle(c, i));
        }
        (void)fputs("]}", f);
    }
    (void)fputs("]}\n", f);
}

/* ---- Graphviz ---- */

/* Tell whether an edge is in a group, and so in a circle. */
static bool in_group(const struct cycles *c, const struct cycles_edge *edge) {
    uint32_t group = cycles_node(c, edge->from)->group;
    return group != 0 && group == cycles_node(c, edge->to)->group;
}

/* Note what the graph shows: members of groups, and what owns one or is owned by one. */
static void choose(const struct cycles *c) {
    for (uint32_t i = 0; i < c->objects; i++)
        cycles_node(c, i)->order = cycles_node(c, i)->group != 0;
    for (uint32_t e = 0; e < c->edges.count; e++) {
        const struct cycles_edge *edge = cycles_edge(c, e);
        struct cycles_node *from = cycles_node(c, edge->from), *to = cycles_node(c, edge->to);
        if (from->group != 0 || to->group != 0)
            from->order = to->order = 1;
    }
}

static void write_graph(FILE *f, const struct cycles *c) {
    (void)fputs("digraph weakrt {\n    node [shape=box];\n", f);
    choose(c);
    for (uint32_t i = 0; i < c->objects; i++) {
        char text[32];
        if (cycles_node(c, i)->order == 0)
            continue;
        (void)fprintf(f, "    n%" PRIu32 " [label=", i);
        report_quoted(f, name_of(c, i), WR_GRAPHVIZ);
        (void)snprintf(text, sizeof text, WR_WEAK_FMT, WR_WEAK_ARGS(value_of(c, i)));
        (void)fprintf(f, ",xlabel=\"%s\"%s];\n", text, cycles_node(c, i)->group ? ",color=red" : "");
    }
    for (uint32_t e = 0; e < c->edges.count; e++) {
        const struct cycles_edge *edge = cycles_edge(c, e);
        if (cycles_node(c, edge->from)->group == 0 && cycles_node(c, edge->to)->group == 0)
            continue;
        (void)fprintf(f, "    n%" PRIu32 " -> n%" PRIu32 " [label=", edge->from, edge->to);
        report_quoted(f, cycles_field(edge), WR_GRAPHVIZ);
        (void)fprintf(f, "%s%s];\n", in_group(c, edge) ? ",color=red" : "",
                      edge->closes ? ",style=dashed" : "");
    }
    (void)fputs("}\n", f);
}

int wr_report_cycles(FILE *f, wr_format fmt) {
    if (f == NULL || (fmt != WR_TEXT && fmt != WR_JSON && fmt != WR_GRAPHVIZ))
        return -EINVAL;
    struct cycles c = {.objects = 0};
    cycles_trace(&c);
    cycles_find(&c);
    bool no_memory = c.no_memory;
    if (!no_memory && fmt == WR_TEXT)
        write_text(f, &c);
    else if (!no_memory && fmt == WR_JSON)
        write_json(f, &c);
    else if (!no_memory)
        write_graph(f, &c);
    alloc_free(c.nodes.items);
    alloc_free(c.edges.items);
    alloc_free(c.groups.items);
    alloc_free(c.circles.items);
    alloc_free(c.steps.items);
    return no_memory ? -ENOMEM : report_end(f);
}
