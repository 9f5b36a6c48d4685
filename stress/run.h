/* SPDX-License-Identifier: MIT */
/* One run of one scenario, for main.c; and what it reports. */
#ifndef STRESS_RUN_H
#define STRESS_RUN_H

#include "stress.h"

enum pauses { PAUSES_HALF, PAUSES_ON, PAUSES_OFF };
enum verdict { SOUND = 0, VIOLATED = 1, USAGE = 2, NOT_TAKEN = 3 }; /* exit codes too */

struct options {
    const char *program;
    unsigned threads;
    double seconds; /* for each scenario */
    uint64_t seed;
    enum pauses pauses;
    bool raw;
    bool terminal; /* there is one to keep a line on */
};

/* What the process of a scenario tells the one that started it; in shared memory. */
struct outcome {
    uint64_t taken[PATH_COUNT];
    uint64_t steps, made, destroyed;
    double seconds;
};

/* Run a scenario in this process. Returns SOUND or NOT_TAKEN; a violation ends the process with VIOLATED. */
enum verdict run_scenario(struct scenario *scenario, const struct options *options, struct outcome *outcome);

/* Tell whether a scenario requires a path. */
bool scenario_takes(const struct scenario *scenario, enum path path);

/* Write the command that runs this scenario again. */
void run_repeat(const struct scenario *scenario, const struct options *options, char *line, size_t size);

#endif /* STRESS_RUN_H */
