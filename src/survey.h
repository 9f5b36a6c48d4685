/* SPDX-License-Identifier: MIT */
/*
 * A look at every slot: what is alive, by type. It reads words only and pins nothing: an object that never had a weak
 * value cannot be pinned by a stranger (rule 9). So it takes part in nothing, may run at any time beside everything
 * else, and is right up to what is under way.
 */
#ifndef WR_SURVEY_H
#define WR_SURVEY_H

#include "arena.h"

/* The objects of types of one name. */
struct survey_row {
    const wr_type *type; /* one of them */
    uint64_t alive;
    uint64_t killed;     /* of these, killed and still held */
    uint64_t references; /* strong ones, to all of them */
    uint64_t bytes;      /* of memory: header, payload, rounding */
    uint64_t oldest;     /* when the first of them was made (poison_born); 0: not noted */
};

/* An object that was killed and is still held. */
struct survey_killed {
    const wr_type *type;
    wr_weak value; /* as it would be: dead */
    uint32_t references;
};

#define SURVEY_KILLED 16u /* a page has room for more, but who reads that far knows enough */

struct survey {
    struct survey_row total;
    struct survey_row *rows; /* those with killed ones first, most of them first; then most bytes first */
    uint32_t row_count;
    uint32_t room;                              /* a power of two */
    struct survey_killed killed[SURVEY_KILLED]; /* the first total.killed of them */
};

/* Tell whether there is a live object in the slot, and if so set its word and type, the type's fields being seen. */
bool survey_look(const struct wr_slot *slot, uint64_t *word, const wr_type **type);

/* Look at all objects; the caller's `survey` gets the total alone. */
void survey_total(struct survey *survey);

/* Look at all objects, by type. Returns 0, and survey_free is to follow; -ENOMEM. */
int survey_take(struct survey *survey);
void survey_free(struct survey *survey);

/* Return the name of a type. */
const char *survey_name(const wr_type *type);

#endif /* WR_SURVEY_H */
