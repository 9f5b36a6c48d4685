/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "poison.h"

#define ROOM_AT_FIRST 64u

const char *survey_name(const wr_type *type) {
    return type->name != NULL ? type->name : "object";
}

bool survey_look(const struct wr_slot *slot, uint64_t *word, const wr_type **type) {
    /* order: acquire [PUBLISH], with the birth: the type is that of this object, or of one after it. */
    *word = wr_load_acquire(&slot->word);
    if (!word_alive(*word))
        return false;
    /* order: acquire [TYPE], with its store at birth: its fields are there, also if the slot has its next object by
     *        now. */
    *type = wr_load_acquire(&slot->type);
    return true;
}

/* Return the earlier of two times, of which 0 is none. */
static uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void add(struct survey_row *row, struct wr_slot *slot, uint64_t word) {
    uint32_t payload_size = class_payload(arena_class(slot));
    row->alive++;
    row->killed += (word & WR_KILL) != 0;
    row->references += word_count(word);
    row->bytes += payload_size + WR_GRANULE;
    if (!class_is_special(arena_class(slot)))
        row->oldest = earlier(row->oldest, poison_born(wr_payload_of(slot), payload_size));
}

/* A weakref has the flag from its birth, for what nobody has of it: weak values. */
static uint64_t without_own_kill(uint64_t word, const wr_type *type) {
    return type->base == &wr_weakref_type ? word & ~WR_KILL : word;
}

void survey_total(struct survey *survey) {
    uint64_t word;
    const wr_type *type;
    memset(survey, 0, sizeof *survey);
    for (struct wr_slot *slot = NULL; (slot = arena_next(slot)) != NULL;)
        if (survey_look(slot, &word, &type))
            add(&survey->total, slot, without_own_kill(word, type));
}

/* ---- by type: a hash table while looking, by address; then a list, by name ---- */

static struct survey_row *place(struct survey *survey, const wr_type *type) {
    uint32_t at =
        (uint32_t)((uintptr_t)type / sizeof(void *) * UINT32_C(0x9e3779b1)); /* 2^32 / golden ratio */
    while (survey->rows[at & (survey->room - 1)].type != NULL &&
           survey->rows[at & (survey->room - 1)].type != type)
        at++;
    return &survey->rows[at & (survey->room - 1)];
}

/* Make the table larger. Returns whether there was memory. */
static bool grow(struct survey *survey) {
    struct survey old = *survey;
    survey->room = old.room ? 2 * old.room : ROOM_AT_FIRST;
    survey->rows = alloc_zeroed(survey->room * sizeof *survey->rows);
    if (survey->rows == NULL) {
        survey->rows = old.rows;
        return false;
    }
    for (uint32_t i = 0; i < old.room; i++)
        if (old.rows[i].type != NULL)
            *place(survey, old.rows[i].type) = old.rows[i];
    alloc_free(old.rows);
    return true;
}

static int by_name(const void *a, const void *b) {
    const struct survey_row *x = a, *y = b;
    if (x->type == NULL || y->type == NULL) /* free places last */
        return (x->type == NULL) - (y->type == NULL);
    return strcmp(survey_name(x->type), survey_name(y->type));
}

static int by_weight(const void *a, const void *b) {
    const struct survey_row *x = a, *y = b;
    if (x->killed != y->killed)
        return x->killed < y->killed ? 1 : -1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return by_name(a, b);
}

/* Put the rows in order, those of one name together: a report names types, and some formats want each name once. */
static void arrange(struct survey *survey) {
    uint32_t count = 0;
    qsort(survey->rows, survey->room, sizeof *survey->rows, by_name);
    for (uint32_t i = 0; i < survey->row_count; i++) {
        struct survey_row *row = &survey->rows[i];
        if (count > 0 && by_name(&survey->rows[count - 1], row) == 0) {
            struct survey_row *same = &survey->rows[count - 1];
            same->alive += row->alive;
            same->killed += row->killed;
            same->references += row->references;
            same->bytes += row->bytes;
            same->oldest = earlier(same->oldest, row->oldest);
        } else {
            survey->rows[count++] = *row;
        }
    }
    survey->row_count = count;
    qsort(survey->rows, count, sizeof *survey->rows, by_weight);
}

static bool note(struct survey *survey, struct wr_slot *slot, uint64_t word, const wr_type *type) {
    if (2 * survey->row_count >= survey->room && !grow(survey))
        return false;
    word = without_own_kill(word, type);
    struct survey_row *row = place(survey, type);
    survey->row_count += row->type == NULL;
    row->type = type;
    add(row, slot, word);
    if ((word & WR_KILL) && survey->total.killed < SURVEY_KILLED)
        survey->killed[survey->total.killed] =
            (struct survey_killed){type, word_value(slot, word), word_count(word)};
    add(&survey->total, slot, word);
    return true;
}

int survey_take(struct survey *survey) {
    uint64_t word;
    const wr_type *type;
    memset(survey, 0, sizeof *survey);
    if (!grow(survey))
        return -ENOMEM;
    for (struct wr_slot *slot = NULL; (slot = arena_next(slot)) != NULL;)
        if (survey_look(slot, &word, &type) && !note(survey, slot, word, type)) {
            survey_free(survey);
            return -ENOMEM;
        }
    arrange(survey);
    return 0;
}

void survey_free(struct survey *survey) {
    alloc_free(survey->rows);
    survey->rows = NULL;
}
