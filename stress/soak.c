/* SPDX-License-Identifier: MIT */
/*
 * A soak: turns until the time is over. Each turn runs one scenario with a seed of its own; when all scenarios had
 * theirs, the next perturbation follows: each of them beside yields, then all at once. With --seeds each turn that
 * ended leaves a line in a file, and a later soak with that file goes on with the turn after the last one there.
 * What is kept of a turn is added up, so that memory does not grow with the time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "suite.h"

#define STATUS_SECONDS 60

static double clock_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint32_t perturbations_of(uint64_t round) {
    unsigned p = (unsigned)(round % (PERTURB_COUNT + 1));
    return p == PERTURB_COUNT ? PERTURB_ALL : 1u << p | 1u << PERTURB_YIELDS;
}

/* Read where an earlier soak was. Returns false if the file is none of a soak's; one that is not there is a new one. */
static bool read_seeds(const char *name, uint64_t *seed, uint64_t *next) {
    char line[256];
    bool good = true;
    FILE *file = fopen(name, "r");
    if (file == NULL)
        return errno == ENOENT;
    for (unsigned number = 0; good && fgets(line, sizeof line, file) != NULL; number++) {
        char *end = line;
        if (number == 0) {
            good = strncmp(line, "soak 0x", 7) == 0;
            *seed = good ? strtoull(line + 5, NULL, 16) : 0;
            continue;
        }
        uint64_t turn = strtoull(line, &end, 10);
        if (end != line && *end == ' ' && strchr(line, '\n') != NULL) /* a line cut short did not count */
            *next = turn + 1;
    }
    (void)fclose(file);
    return good;
}

static FILE *open_seeds(const char *name, uint64_t *seed, uint64_t *next) {
    if (!read_seeds(name, seed, next)) {
        (void)fprintf(stderr, "wr-stress: %s is not the list of a soak's seeds\n", name);
        return NULL;
    }
    FILE *file = fopen(name, "a");
    if (file == NULL)
        perror(name);
    else if (ftell(file) == 0)
        (void)fprintf(file, "soak 0x%" PRIx64 "  (turn, seed, perturbations, scenario, exit status)\n",
                      *seed);
    return file;
}

static void print_status(const struct suite *suite, uint64_t turn, double passed, double whole) {
    printf("soak: %.0f of %.0f s, turn %" PRIu64 ", %u runs, %.1f M steps, %" PRIu64 " objects, %" PRIu64
           " MiB resident in the last run, no violation\n",
           passed, whole, turn, suite->ran, (double)suite->sum.steps * 1e-6, suite->sum.made,
           suite->sum.resident_bytes >> 20);
    (void)fflush(stdout);
}

enum verdict soak(struct suite *suite, struct scenario *const *scenarios, unsigned count,
                  struct options *given) {
    struct options options = *given;
    uint64_t base = given->seed, turn = 0;
    FILE *file = NULL;
    if (count == 0)
        return NOT_TAKEN;
    if (given->seeds != NULL && (file = open_seeds(given->seeds, &base, &turn)) == NULL)
        return USAGE;
    given->seed = base;
    given->perturb = 0;
    if (turn != 0)
        printf("soak: goes on with turn %" PRIu64 " of seed 0x%" PRIx64 "\n", turn, base);
    double start = clock_seconds(), whole = given->soak_hours * 3600, next_status = STATUS_SECONDS;
    enum verdict verdict = SOUND;
    for (; verdict != VIOLATED && !suite_stop_asked() && clock_seconds() - start < whole; turn++) {
        struct scenario *scenario = scenarios[turn % count];
        char perturb[PERTURB_TEXT];
        options.seed = random_mix(base + turn) >> 16;
        options.perturb = perturbations_of(turn / count);
        given->perturb |= options.perturb; /* for the report of the whole */
        perturb_format(options.perturb, perturb, sizeof perturb);
        if (turn % count == 0)
            printf("soak: perturbed by %s\n", perturb);
        verdict = suite_run(suite, scenario, &options);
        if (file != NULL && !(suite_stop_asked() && verdict != VIOLATED)) {
            (void)fprintf(file, "%" PRIu64 " 0x%" PRIx64 " %s %s %d\n", turn, options.seed, perturb,
                          scenario->name, (int)verdict);
            (void)fflush(file);
        }
        if (verdict != VIOLATED && clock_seconds() - start >= next_status) {
            next_status += STATUS_SECONDS;
            print_status(suite, turn, clock_seconds() - start, whole);
        }
    }
    if (verdict != VIOLATED)
        print_status(suite, turn, clock_seconds() - start, whole);
    if (file != NULL)
        (void)fclose(file);
    return verdict;
}
