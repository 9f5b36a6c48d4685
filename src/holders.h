/* SPDX-License-Identifier: MIT */
/*
 * Who holds what: a record for a reference, made by wr_hold or wr_track and ended by wr_drop or wr_untrack. A record is
 * an object on the list of its object's annex. Its weak value is what the caller keeps, so that a second drop finds it
 * dead. An object that has no record has no annex for it, and nothing here is on its way.
 *
 * What records leave when they end is in past.h.
 */
#ifndef WR_HOLDERS_H
#define WR_HOLDERS_H

#include "annex.h"

#define HOLDERS_FRAMES 16u /* of a backtrace, at the most; a record has room for those asked for */
#define HOLDERS_NAMED 6u   /* places that one line of text names */

struct holder {
    struct wr_entry entry; /* first; the referent without its tag */
    const char *place;     /* this and the rest: constant */
    const wr_type *type;   /* of the object */
    uint32_t frame_count;
    uint32_t
        ready; /* atomic: what is above, and the frames, are there; a stranger may find the record before */
    void *frames[];
};

/* Who holds one object at one moment, by place. */
struct holders {
    struct {
        const char *place;
        uint32_t count;
    } places[HOLDERS_NAMED];
    uint32_t place_count;
    uint32_t count;      /* references with a record */
    uint32_t references; /* all, with one or without */
    const wr_type *type;
};

/* Record one reference in `every`, 0: none, with so many frames of a backtrace. */
void holders_choose(uint32_t every, uint32_t frames);

/* See who holds the object in `slot`, if one is alive there. */
void holders_collect(struct wr_slot *slot, struct holders *holders, struct lock *stripe) REQUIRES(*stripe);

/* The same, without the stripe. */
void holders_look(struct wr_slot *slot, struct holders *holders);

/* End the records on an annex that is off its object's list: the object is destroyed. */
void holders_forget(struct wr_slot *slot, struct annex *annex);

/* For a message about misuse: write who holds the object in `slot`, or who held the one that died there. Waits for no
 * lock. */
void holders_places(struct wr_slot *slot, char *text, size_t size);

/* If references are recorded: write to stderr that an object was not destroyed in time, and who holds it. */
void holders_complain(const void *obj, int64_t timeout_ms, const struct holders *holders);

/* Write who holds the object in `slot`, by place; nothing, when no reference to it has a record. */
void holders_write(FILE *f, struct wr_slot *slot);

/* Write who holds what, by place, and where other references that were held there were given up; nothing, when none was
 * ever recorded. Returns 0 or -ENOMEM. */
int holders_report(FILE *f);

/* Tell whether a type is that of the records. */
bool holders_is(const wr_type *type);

#endif /* WR_HOLDERS_H */
