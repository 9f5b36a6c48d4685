/* SPDX-License-Identifier: MIT */
/*
 * Counting of what happens seldom enough to be counted: nothing on the way of retain, release, get, wr_new and a death
 * without user code. What there is at a moment, by type, is found by looking (survey.h) and not counted.
 *
 * Each thread counts in its own record, by plain stores that order nothing; a sum over all records is right up to what
 * is under way. Threads without a record share one set.
 */
#ifndef WR_STATS_H
#define WR_STATS_H

#include "weakrt.h"

struct survey_row;

enum statistic {
    STAT_STALE_REFS, /* look-ups through a weakref or proxy whose referent is dead */
    STAT_KILLED,
    STAT_CLEARED,
    STAT_FIRED,     /* callbacks run */
    STAT_CANCELLED, /* callbacks that were armed and never will run */
    STAT_QUEUED,    /* callbacks given to a queue; each is fired or cancelled later */
    STAT_FINALIZERS,
    STAT_FINALIZED, /* objects whose type's finalize has run */
    STAT_RESURRECTED,
    STAT_RETIRED,     /* slots */
    STAT_HANDED_OVER, /* ends of objects, to their last borrower */
    STAT_COUNT
};

/* What one thread counted. Written by that thread alone, read by all. Atomic, in no order. */
struct counts {
    uint64_t of[STAT_COUNT];
    uint64_t longest; /* deaths that one outermost release, or what else runs them, had to run in a row */
};

/* Count one, on this thread. */
void stats_count(enum statistic what);

/* Note that this thread ran that many deaths in a row. */
void stats_row(uint64_t deaths);

/* Add what a record counted to `sum`. */
void stats_add(struct counts *sum, const struct counts *counts);

/* Keep what the record of a thread that is no more counted, which is about to be used anew. */
void stats_keep(const struct counts *counts);

/* Sum up, with what a survey found. */
void stats_collect(wr_stats *stats, const struct survey_row *total);

#endif /* WR_STATS_H */
