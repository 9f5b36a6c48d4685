/* SPDX-License-Identifier: MIT */
/* Values of weak maps that are counted: as many are to be destroyed as were made. */
#ifndef WR_TESTS_VALUES_H
#define WR_TESTS_VALUES_H

#include "containers.h"

static atomic_uint made, destroyed;

static inline void *value_new(uint64_t key) {
    uint64_t *value = malloc(sizeof *value);
    REQUIRE(value != NULL);
    *value = key;
    made++;
    return value;
}

static inline void value_destroy(void *value) {
    destroyed++;
    free(value);
}

#endif
