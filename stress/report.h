/* SPDX-License-Identifier: MIT */
/* What wr-stress leaves in files: all results as JSON, and as a page to look at. */
#ifndef STRESS_REPORT_H
#define STRESS_REPORT_H

#include <stdio.h>

#include "run.h"

struct result {
    const struct scenario *scenario;
    enum verdict verdict;
    const char *skipped; /* why it was not run, or NULL */
    struct outcome outcome;
};

struct report {
    const struct options *options;
    enum verdict verdict;
    struct result *results;
    unsigned count;
};

/* Write what the options ask for. Returns whether that went well; says so if not. */
bool report_write(const struct report *report);

/* Write everything as one JSON object. */
void report_json(FILE *out, const struct report *report);

/* What a verdict is called in reports. */
const char *verdict_name(enum verdict verdict);

#endif /* STRESS_REPORT_H */
