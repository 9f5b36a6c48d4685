/* SPDX-License-Identifier: MIT */
/*
 * What records of references (holders.h) leave when they end: the last few ends, and how many references that were held
 * at one place were given up at which other. In tables of a fixed size, under a lock of their own.
 */
#ifndef WR_PAST_H
#define WR_PAST_H

#include "holders.h"

/* A record that ended. */
struct end {
    uint64_t holder; /* the weak value of the record; 0: no end */
    uint32_t slot;   /* of the object */
    uint32_t closed; /* its tag once it was dead; 0: not yet */
    const char *held;
    const char *dropped; /* NULL: with the object's death */
};
#define PAST_ENDS 128u /* that many are remembered: a bug shows sooner or not for this */

/* References that were held at one place and given up at another. */
struct route {
    const char *held;
    const char *dropped; /* NULL: with the object's death */
    uint64_t count;
};
#define PAST_ROUTES 256u

struct past_counts {
    uint64_t recorded;
    uint64_t ended;    /* by a drop, or handed on */
    uint64_t died;     /* their object died while they were there */
    uint64_t refused;  /* references that had to go without a record: no memory */
    uint64_t left_out; /* ends there was no route left for */
};

/* Note that a record was made, or that there was no memory for it. */
void past_recorded(bool made);

/* Note that a record ends, which the caller has a reference to: at a place, or NULL: with the object's death. */
void past_ended(const struct holder *holder, const char *dropped);

/* Note for the ends of a dead slot's object with which tag it is dead, so that they are told from those of the next. */
void past_died(const struct wr_slot *slot);

/* Return the end of a record, by its weak value; one without a `holder`: it is not known any more. */
struct end past_end_of(uint64_t holder);

/* Copy the last ends of what is in the slot, or of what died there, newest first. Returns how many; none, too, when the
 * lock is not free. */
uint32_t past_ends(const struct wr_slot *slot, struct end *out, uint32_t most);

/* Copy the routes, up to PAST_ROUTES of them. Returns how many. */
uint32_t past_routes(struct route *out);

struct past_counts past_counts(void);

/* Take and give back the lock, for fork. */
void past_lock(void);
void past_unlock(void);

#endif /* WR_PAST_H */
