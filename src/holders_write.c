/* SPDX-License-Identifier: MIT */
/* Who holds what, in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arena.h"
#include "backtrace.h"
#include "past.h"
#include "report.h"
#include "survey.h"

/* ---- one object, in one line ---- */

/* Append to a text of `size` bytes as much as fits. */
static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...) {
    size_t length = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + length, size - length, format, args);
    va_end(args);
}

static void append_holders(char *text, size_t size, const struct holders *holders) {
    uint32_t named = 0;
    for (uint32_t i = 0; i < holders->place_count; i++) {
        append(text, size, "%s%s (%" PRIu32 ")", i == 0 ? "; held at " : ", ", holders->places[i].place,
               holders->places[i].count);
        named += holders->places[i].count;
    }
    if (named < holders->count)
        append(text, size, ", and elsewhere (%" PRIu32 ")", holders->count - named);
}

void holders_places(struct wr_slot *slot, char *text, size_t size) {
    struct holders holders = {.count = 0};
    struct end ends[HOLDERS_NAMED];
    struct lock *stripe = registry_stripe(slot);
    text[0] = '\0';
    if (lock_try(stripe)) {
        holders_collect(slot, &holders, stripe);
        lock_give(stripe);
    }
    append_holders(text, size, &holders);
    uint32_t count = past_ends(slot, ends, HOLDERS_NAMED);
    for (uint32_t i = 0; i < count; i++)
        append(text, size, "%s%s%s%s", i == 0 ? "; given up, last first: held at " : ", held at ",
               ends[i].held, ends[i].dropped != NULL ? " and given up at " : " when the object died",
               ends[i].dropped != NULL ? ends[i].dropped : "");
}

void holders_complain(const void *obj, int64_t timeout_ms, const struct holders *holders) {
    char text[512] = "";
    if (wr_load_relaxed(&wr_holders_every) == 0) /* relaxed: a switch */
        return;
    append_holders(text, sizeof text, holders);
    (void)fprintf(stderr,
                  "weakrt: wr_kill_wait(%p): type '%s': not destroyed after %" PRId64
                  " ms, references: %" PRIu32 "%s\n",
                  obj, holders->type != NULL ? survey_name(holders->type) : "object", timeout_ms,
                  holders->references, text);
}

void holders_write(FILE *f, struct wr_slot *slot) {
    struct holders holders;
    holders_look(slot, &holders);
    uint32_t named = 0;
    for (uint32_t i = 0; i < holders.place_count; i++) {
        (void)fprintf(f, "    held at %s: %" PRIu32 "\n", holders.places[i].place, holders.places[i].count);
        named += holders.places[i].count;
    }
    if (named < holders.count)
        (void)fprintf(f, "    held elsewhere: %" PRIu32 "\n", holders.count - named);
    if (holders.count > 0 && holders.count < holders.references)
        (void)fprintf(f, "    held without a record: %" PRIu32 "\n", holders.references - holders.count);
}

int wr_report_holders(FILE *f, const void *obj) {
    if (f == NULL || obj == NULL || !arena_is_slot(obj))
        return -EINVAL;
    struct holders holders;
    holders_look(wr_slot_of(obj), &holders);
    if (holders.type == NULL)
        return -ESTALE;
    (void)fprintf(f, "%s %p, references: %" PRIu32 "\n", survey_name(holders.type), obj, holders.references);
    holders_write(f, wr_slot_of(obj));
    return report_end(f);
}

/* ---- all of them, by place ---- */

struct holder_row {
    const char *place;
    const wr_type *type;
    uint64_t count;
    uint32_t frame_count; /* of one of them */
    void *frames[HOLDERS_FRAMES];
};

struct holder_rows {
    struct holder_row *rows;
    uint32_t count;
    uint32_t room;
};

static bool same(const struct holder_row *row, const char *place, const wr_type *type) {
    return strcmp(row->place, place) == 0 && strcmp(survey_name(row->type), survey_name(type)) == 0;
}

/* Count a record. Returns whether there was memory. */
static bool count(struct holder_rows *rows, const struct holder *holder) {
    uint32_t i = 0;
    while (i < rows->count && !same(&rows->rows[i], holder->place, holder->type))
        i++;
    if (i == rows->room) {
        uint32_t room = rows->room ? 2 * rows->room : 16;
        struct holder_row *larger = alloc_zeroed(room * sizeof *larger);
        if (larger == NULL)
            return false;
        if (rows->rows != NULL)
            memcpy(larger, rows->rows, rows->count * sizeof *larger);
        alloc_free(rows->rows);
        rows->rows = larger;
        rows->room = room;
    }
    struct holder_row *row = &rows->rows[i];
    if (i == rows->count) {
        rows->count++;
        row->place = holder->place;
        row->type = holder->type;
        row->frame_count = holder->frame_count;
        memcpy(row->frames, holder->frames, holder->frame_count * sizeof(void *));
    }
    row->count++;
    return true;
}

/* Take a reference to the record in a slot, if there is one whose reference is still held. */
static struct holder *pin(struct wr_slot *slot) {
    uint64_t word;
    const wr_type *type;
    if (!survey_look(slot, &word, &type) || !holders_is(type))
        return NULL;
    struct holder *holder = wr_weak_get(word_value(slot, word));
    /* order: acquire [RECORD], as in make. `at` relaxed: it may be given up at any moment. */
    if (holder != NULL && (!holders_is(wr_read(&slot->type)) || wr_load_acquire(&holder->ready) == 0 ||
                           wr_load_relaxed(&holder->entry.at) == NULL)) {
        wr_release(holder);
        return NULL;
    }
    return holder;
}

static int by_count(const void *a, const void *b) {
    const struct holder_row *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->place, y->place);
}

/* Write where the other references that were held at a place were given up. */
static void write_routes(FILE *f, const char *place) {
    struct route *routes = alloc_zeroed(PAST_ROUTES * sizeof *routes);
    uint32_t route_count = routes != NULL ? past_routes(routes) : 0;
    for (uint32_t i = 0; i < route_count; i++)
        if (strcmp(routes[i].held, place) == 0)
            (void)fprintf(f, "    others, given up %s%s: %" PRIu64 "\n",
                          routes[i].dropped ? "at " : "with the object's death",
                          routes[i].dropped ? routes[i].dropped : "", routes[i].count);
    alloc_free(routes);
}

static void write_rows(FILE *f, const struct holder_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct holder_row *row = &rows->rows[i];
        (void)fprintf(f, "%s held at %s: %" PRIu64 "\n", survey_name(row->type), row->place, row->count);
        backtrace_write(f, row->frames, row->frame_count);
        write_routes(f, row->place);
    }
}

int holders_report(FILE *f) {
    struct past_counts counts = past_counts();
    struct holder_rows rows = {NULL, 0, 0};
    bool complete = true;
    if (counts.recorded + counts.refused == 0)
        return 0;
    for (struct wr_slot *slot = NULL; complete && (slot = arena_next(slot)) != NULL;) {
        struct holder *holder = pin(slot);
        complete = holder == NULL || count(&rows, holder);
        wr_release(holder);
    }
    (void)fprintf(f,
                  "references recorded: %" PRIu64 ", given up: %" PRIu64 ", with their object: %" PRIu64
                  ", without memory for a record: %" PRIu64 "\n",
                  counts.recorded, counts.ended, counts.died, counts.refused);
    if (rows.count > 0)
        qsort(rows.rows, rows.count, sizeof *rows.rows, by_count);
    write_rows(f, &rows);
    if (counts.left_out > 0)
        (void)fprintf(f, "given up at more places than are remembered: %" PRIu64 "\n", counts.left_out);
    alloc_free(rows.rows);
    return complete ? 0 : -ENOMEM;
}
