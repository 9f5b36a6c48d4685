/* SPDX-License-Identifier: MIT */
/* How a run reads. */
#include "checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "word.h"

static const char *const order_names[] = {"relaxed", "acquire", "release", "acq_rel", "seq_cst"};
static const char *const rmw_names[] = {"add", "sub", "or", "and", "xor", "exchange"};

/* Texts for the arguments of one printf. */
static char *buffer(void) {
    static char buffers[8][128];
    static unsigned next;
    return buffers[next++ % 8];
}

const char *trace_thread(uint8_t thread) {
    char *text = buffer();
    if (thread == 0)
        return "main";
    (void)snprintf(text, 128, "T%d", thread - 1);
    return text;
}

/* Fields of a slot by the slot's index, others by how the source writes them. */
const char *trace_address(const volatile void *at, const char *text) {
    char *result = buffer();
    const char *field = strrchr(text, '>');
    uintptr_t offset = (uintptr_t)at - (uintptr_t)checker->arena;
    while (*text == '&' || *text == '(')
        text++;
    if (offset >= WR_CHUNK_BYTES * WR_RESERVE_CHUNKS)
        (void)snprintf(result, 128, "%s", text);
    else if (field == NULL)
        (void)snprintf(result, 128, "%s at granule %u", text, (unsigned)(offset / WR_GRANULE));
    else
        (void)snprintf(result, 128, "slot %u %s", (unsigned)(offset / WR_GRANULE), field + 1);
    return result;
}

const char *trace_place(const struct place *place) {
    return trace_address(place->at, place->text);
}

static const char *value_text(const struct place *place, uint64_t value) {
    char *text = buffer();
    const char *field = strrchr(place->text, '>');
    if (field == NULL || strcmp(field, ">word") != 0 || place->size != 8) {
        (void)snprintf(text, 128, value < 100000 ? "%llu" : "%#llx", (unsigned long long)value);
        return text;
    }
    (void)snprintf(text, 128, "{%u,%s%s%s%s tag %u}", word_count(value), value & WR_DONE ? " DONE" : "",
                   value & WR_KILL ? " KILL" : "", value & WR_REG ? " REG" : "", value & WR_FIN ? " FIN" : "",
                   word_tag(value));
    return text;
}

void trace_line(const char *format, ...) {
    if (!checker->tracing)
        return;
    va_list args;
    va_start(args, format);
    printf("  %3u  %-5s ", ++checker->lines, trace_thread(checker->current));
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static const char *whose(const struct place *place, uint8_t store) {
    char *text = buffer();
    const struct store *s = &place->stores[store];
    if (store == 0)
        return "the first";
    (void)snprintf(text, 128, "%s's, number %u", trace_thread(s->thread), s->stamp);
    return text;
}

void trace_operation(const struct operation *o, uint8_t store, uint64_t value) {
    if (!checker->tracing)
        return;
    const struct place *place = o->place;
    const char *at = place ? trace_place(place) : "";
    const char *order = order_names[o->order];
    const char *in = o->site.function;
    char stale[64] = "";
    if (place != NULL && place->count > 0 && place->stores[store].position < place->last)
        (void)snprintf(stale, sizeof stale, ", %d before the last",
                       place->last - place->stores[store].position);
    uint64_t found = place && place->count > 0 ? place->stores[store].value : 0;
    switch (o->kind) {
    case LOAD:
        trace_line("%s: load %s %s = %s (%s%s)", in, order, at, value_text(place, found), whose(place, store),
                   stale);
        break;
    case STORE:
    case DISCARD:
        trace_line("%s: store %s %s <- %s (number %u, behind %s%s)", in, order, at, value_text(place, value),
                   checker->stamp + 1, whose(place, store), stale);
        break;
    case RMW:
        trace_line("%s: %s %s %s: %s -> %s (number %u, from %s%s)", in, rmw_names[o->rmw], order, at,
                   value_text(place, found), value_text(place, value), checker->stamp + 1,
                   whose(place, store), stale);
        break;
    case CAS:
        if (found == o->expected)
            trace_line("%s: cas %s %s: %s -> %s (number %u, from %s%s)", in, order, at,
                       value_text(place, found), value_text(place, value), checker->stamp + 1,
                       whose(place, store), stale);
        else
            trace_line("%s: cas %s %s fails (%s): expected %s, found %s (%s%s)", in, order, at,
                       order_names[o->order_of_failure], value_text(place, o->expected),
                       value_text(place, found), whose(place, store), stale);
        break;
    case FENCE:
        trace_line("%s: fence %s", in, order);
        break;
    case MEMBARRIER:
        trace_line("%s: membarrier", in);
        break;
    case LOCK:
        trace_line("%s: lock %d", in, (int)(place - checker->places));
        break;
    case SLEEP:
        trace_line("%s: sleep while %s is %s", in, at, value_text(place, value));
        break;
    case START:
    case YIELD:
    case WAKE:
        break;
    }
}
