/* SPDX-License-Identifier: MIT */
#include "perturb.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* With and without yields take turns of this length. */
#define YIELDS_TURN_SECONDS 0.1
/* Threads are replaced, and made to hold something, at most that often. */
#define REPLACE_SECONDS 0.01
#define HOLD_MOST_SECONDS 2.0
#define HOLD_PART 0.25 /* of the run, at most */

static const struct {
    const char *name, *text;
} perturbations[] = {
#define X(name, word, text) {#word, text},
    PERTURBATIONS(X)
#undef X
};

atomic_bool perturb_due[PERTURB_COUNT];
static _Atomic uint64_t happened[PERTURB_COUNT];
static _Atomic uint32_t switched_on;
static struct {
    uint32_t set; /* what was switched on at the begin */
    double hold_seconds;
    double next_replace, next_hold; /* the watching thread's */
} plan;

const char *perturb_name(enum perturbation p) {
    return perturbations[p].name;
}

const char *perturb_text(enum perturbation p) {
    return perturbations[p].text;
}

bool perturb_parse(const char *text, uint32_t *set) {
    *set = 0;
    if (strcmp(text, "none") == 0)
        return true;
    if (strcmp(text, "all") == 0) {
        *set = PERTURB_ALL;
        return true;
    }
    for (;;) {
        size_t length = strcspn(text, ",");
        unsigned p = 0;
        while (p < PERTURB_COUNT &&
               (strlen(perturbations[p].name) != length || strncmp(perturbations[p].name, text, length) != 0))
            p++;
        if (p == PERTURB_COUNT)
            return false;
        *set |= 1u << p;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

void perturb_format(uint32_t set, char *text, size_t size) {
    (void)snprintf(text, size, "%s", set == 0 ? "none" : set == PERTURB_ALL ? "all" : "");
    if (set == 0 || set == PERTURB_ALL)
        return;
    for (unsigned p = 0; p < PERTURB_COUNT; p++)
        if (set >> p & 1) {
            size_t used = strlen(text);
            (void)snprintf(text + used, size - used, "%s%s", used != 0 ? "," : "", perturbations[p].name);
        }
}

bool perturb_is_on(enum perturbation p) {
    return atomic_load_explicit(&switched_on, memory_order_relaxed) >> p & 1;
}

void perturb_happened(enum perturbation p) {
    atomic_fetch_add_explicit(&happened[p], 1, memory_order_relaxed);
}

uint64_t perturb_count(enum perturbation p) {
    return atomic_load_explicit(&happened[p], memory_order_relaxed);
}

bool perturb_lacks(enum perturbation p) {
    return (plan.set >> p & 1) != 0 && perturb_count(p) == 0;
}

void perturb_begin(uint32_t set, uint64_t seed, double seconds) {
    double part = seconds * HOLD_PART;
    if (perturb_processors() == 1) /* there is nowhere to move to */
        set &= ~(1u << PERTURB_MIGRATE);
    plan.set = set;
    plan.hold_seconds = part < HOLD_MOST_SECONDS ? part : HOLD_MOST_SECONDS;
    atomic_store_explicit(&switched_on, set, memory_order_relaxed);
    perturb_steps_install();
    perturb_process_begin(seed);
}

void perturb_end(void) {
    atomic_store_explicit(&switched_on, 0, memory_order_relaxed);
    perturb_yields_turn(false);
    perturb_process_end();
}

void perturb_tick(double now) {
    if (perturb_is_on(PERTURB_YIELDS))
        perturb_yields_turn((unsigned)(now / YIELDS_TURN_SECONDS) % 2 == 1);
    if (perturb_is_on(PERTURB_REPLACE) && now >= plan.next_replace) {
        plan.next_replace = now + REPLACE_SECONDS;
        atomic_store_explicit(&perturb_due[PERTURB_REPLACE], true, memory_order_relaxed);
    }
    if (perturb_is_on(PERTURB_HOLD) && now >= plan.next_hold) {
        plan.next_hold = now + 2 * plan.hold_seconds; /* as long without */
        atomic_store_explicit(&perturb_due[PERTURB_HOLD], true, memory_order_relaxed);
    }
    perturb_process_tick(now);
}

/* Until its time is over, or the run. */
void perturb_hold(void) {
    perturb_happened(PERTURB_HOLD);
    for (int ms = (int)(plan.hold_seconds * 1000); ms > 0 && perturb_is_on(PERTURB_HOLD); ms -= 10)
        (void)poll(NULL, 0, 10);
}
