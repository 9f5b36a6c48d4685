/* SPDX-License-Identifier: MIT */
/*
 * No race of weakrt's: a path that is never taken, on purpose, and no atomic operation at which anything could be
 * perturbed, so that it can be seen that such a run does not pass.
 */
#include "stress.h"

static void nothing(struct run *run) {
    (void)run;
}

static void work(struct worker *worker) {
    while (worker_goes_on(worker))
        ;
}

SCENARIO(.hunts = "nothing: a path that is never taken on purpose, run only when it is named",
         .takes = TAKES(retire), .planted = true, .begin = nothing, .work = work, .end = nothing)
