/* SPDX-License-Identifier: MIT */
/* Runs of scenarios one after the other, each in a process of its own, and what became of them all. */
#ifndef STRESS_SUITE_H
#define STRESS_SUITE_H

#include "report.h"

#define SUITE_MOST 128u /* scenarios */

struct suite {
    struct report report;    /* of each scenario that ran, all its runs added up */
    struct outcome *outcome; /* shared with the process that runs one */
    struct outcome sum;
    bool required[PATH_COUNT];
    bool violated;
    unsigned ran, skipped;
    unsigned planned; /* how many there will be; 0: not known */
};

/* SIGINT and SIGTERM ask for an end from here on, of the scenario that runs and of the rest. */
void suite_begin(struct suite *suite, const struct options *options);

/* Run a scenario as `options` say, and add it. */
enum verdict suite_run(struct suite *suite, struct scenario *scenario, const struct options *options);

/* Tell what became of all, also in the files that the options ask for. A scenario counts as not proved if none of its
 * runs was. */
enum verdict suite_end(struct suite *suite);

bool suite_stop_asked(void);

/* Run the chosen scenarios in turns, with one perturbation after the other, for as long as the options say. Their
 * seed becomes that of the file of seeds, if an earlier soak began it. */
enum verdict soak(struct suite *suite, struct scenario *const *scenarios, unsigned count,
                  struct options *options);

#endif /* STRESS_SUITE_H */
