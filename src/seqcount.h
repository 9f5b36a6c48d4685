/* SPDX-License-Identifier: MIT */
/*
 * Sequence counts: how data that one lock guards is also read without it. The count is odd while the holder of the lock
 * changes the data; who reads it, then the data, then the count again and finds it even and the same, has read what was
 * there all at once. What it read of the data until then may be anything that was ever stored there, so that memory
 * which is found by it must never be used for anything else (arena.h: steady classes), or stay as long as who reads it.
 */
#ifndef WR_SEQCOUNT_H
#define WR_SEQCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/* ---- the data: every field that is read without the lock is stored and loaded by these ---- */

/* order: release [SEQ], with the load below: who reads what was stored here also sees the count that was odd before. */
#define seqcount_store(p, v) wr_store_release(p, v)

/* order: acquire [SEQ], with the store above: a count looked at after this is no older than what this read. */
#define seqcount_load(p) wr_load_acquire(p)

/* ---- who changes the data, under the lock ---- */

static inline void seqcount_change(uint64_t *count) {
    wr_store_relaxed(count, wr_load_relaxed(count) + 1); /* relaxed: the stores to the data show it */
}

static inline void seqcount_changed(uint64_t *count) {
    /* order: release [SEQ], with seqcount_begin: who starts from here sees all that was changed. */
    wr_store_release(count, wr_load_relaxed(count) + 1);
}

/* ---- who reads without ---- */

/* Begin to read. Returns false: somebody is changing the data. */
static inline bool seqcount_begin(const uint64_t *count, uint64_t *begun) {
    /* order: acquire [SEQ], with seqcount_changed. */
    *begun = wr_load_acquire(count);
    return (*begun & 1) == 0;
}

/* Tell whether all that was read since began to be read is true together. */
static inline bool seqcount_holds(const uint64_t *count, uint64_t begun) {
    return wr_load_relaxed(count) == begun; /* relaxed: after the loads of the data, which are acquires */
}

#endif /* WR_SEQCOUNT_H */
