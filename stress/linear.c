/* SPDX-License-Identifier: MIT */
#include "linear.h"

#define MEMO 4096u /* sets; when it is full, some are looked at again */

struct search {
    const struct linear_step *steps;
    unsigned count;
    uint64_t memo[MEMO]; /* sets that lead nowhere; 0: none */
};

const char *linear_name(enum linear_kind kind) {
    static const char *const names[] = {"get", "release", "kill", "is_dead"};
    return names[kind];
}

static uint64_t *memo_at(struct search *search, uint64_t set) {
    return &search->memo[(set * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
}

/* Do a step, if its result is right in this state. */
static bool apply(const struct linear_step *step, unsigned *references, bool *killed) {
    bool alive = *references != 0 && !*killed;
    switch (step->kind) {
    case LINEAR_GET:
        *references += step->result;
        return step->result == alive;
    case LINEAR_RELEASE:
        return (*references)-- != 0;
    case LINEAR_KILL:
        if (*references == 0 || step->result == *killed)
            return false;
        *killed = true;
        return true;
    default:
        return step->result == !alive;
    }
}

/* Go on from a set of steps that are done. */
static bool go_on(struct search *search, uint64_t set, unsigned references, bool killed) {
    uint64_t first_end = UINT64_MAX; /* of what is left: what starts later cannot be next */
    bool left = false;
    for (unsigned i = 0; i < search->count; i++)
        if ((set >> i & 1) == 0) {
            left = true;
            if (search->steps[i].end < first_end)
                first_end = search->steps[i].end;
        }
    if (!left)
        return true;
    if (set != 0 && *memo_at(search, set) == set)
        return false;
    for (unsigned i = 0; i < search->count; i++) {
        unsigned then = references;
        bool then_killed = killed;
        if ((set >> i & 1) == 0 && search->steps[i].start <= first_end &&
            apply(&search->steps[i], &then, &then_killed) &&
            go_on(search, set | UINT64_C(1) << i, then, then_killed))
            return true;
    }
    *memo_at(search, set) = set;
    return false;
}

bool linear_check(const struct linear_step *steps, unsigned count, unsigned references) {
    struct search search = {.steps = steps, .count = count};
    return go_on(&search, 0, references, false);
}
