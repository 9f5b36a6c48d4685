/* SPDX-License-Identifier: MIT */
/*
 * Counters of the paths that were taken, for stress tests: wr_path(name) on a branch. Nothing unless WR_COUNT_PATHS.
 * Each thread counts in a row of its own, by plain relaxed stores: counting orders nothing. Threads beyond PATH_ROWS
 * share rows, and may lose counts.
 */
#ifndef WR_PATH_H
#define WR_PATH_H

#ifdef WR_COUNT_PATHS

#include "atomic.h"

enum path {
#define X(name, text) PATH_##name,
#include "paths.h"
#undef X
    PATH_COUNT
};

#define PATH_ROWS 256u

extern uint64_t path_rows[PATH_ROWS][PATH_COUNT];
extern _Thread_local uint64_t *path_row;

/* Give this thread a row. */
uint64_t *path_row_claim(void);

/* Return how often a path was taken so far. */
uint64_t path_taken(enum path path);

/* Return the name of a path, and what it is. */
const char *path_name(enum path path);
const char *path_text(enum path path);

#define wr_path(name) atomic_count((path_row ? path_row : path_row_claim()) + PATH_##name)

#endif /* WR_COUNT_PATHS */
#endif /* WR_PATH_H */
