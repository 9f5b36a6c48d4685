/* SPDX-License-Identifier: MIT */
#include "path.h"

#ifdef WR_COUNT_PATHS

uint64_t path_rows[PATH_ROWS][PATH_COUNT];
_Thread_local uint64_t *path_row;
static uint32_t rows_claimed;

uint64_t *path_row_claim(void) {
    path_row = path_rows[wr_add_relaxed(&rows_claimed, 1u) % PATH_ROWS];
    return path_row;
}

uint64_t path_taken(enum path path) {
    uint64_t sum = 0;
    for (uint32_t row = 0; row < PATH_ROWS; row++)
        sum += wr_load_relaxed(&path_rows[row][path]);
    return sum;
}

static const struct {
    const char *name;
    const char *text;
} names[] = {
#define X(name, text) {#name, text},
#include "paths.h"
#undef X
};

const char *path_name(enum path path) {
    return names[path].name;
}

const char *path_text(enum path path) {
    return names[path].text;
}

#else
typedef int path_nothing; /* a translation unit may not be empty */
#endif
