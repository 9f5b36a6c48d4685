/* SPDX-License-Identifier: MIT */
/*
 * Is a history of one object linearizable: is there an order of its operations, with each at one moment between its
 * start and its end, in which all results are right? The search is Wing and Gong's, with a memo of the sets of
 * operations from which there is no way on: what state the object is in follows from the set alone.
 *
 * The object, one at a time: a number of references, and whether it is killed. A get succeeds while there are
 * references and no kill was; a kill by a holder gives 1 the first time and 0 from then on; is_dead is what get is not.
 */
#ifndef STRESS_LINEAR_H
#define STRESS_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#define LINEAR_MOST 64u /* operations in a history */

enum linear_kind { LINEAR_GET, LINEAR_RELEASE, LINEAR_KILL, LINEAR_IS_DEAD };

struct linear_step {
    uint64_t start,
        end; /* of one clock: one operation came before another if it ended before that one's start */
    enum linear_kind kind;
    uint32_t result; /* 1 or 0; of a release nothing */
    uint32_t thread; /* for the reader */
};

/* Tell whether there is such an order. `references`: held when it begins. */
bool linear_check(const struct linear_step *steps, unsigned count, unsigned references);

const char *linear_name(enum linear_kind kind);

#endif /* STRESS_LINEAR_H */
