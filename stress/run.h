/* SPDX-License-Identifier: MIT */
/* One run of one scenario, for main.c; and what it reports. */
#ifndef STRESS_RUN_H
#define STRESS_RUN_H

#include "stress.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum verdict { SOUND = 0, VIOLATED = 1, USAGE = 2, NOT_TAKEN = 3 }; /* exit codes too */

struct options {
    const char *program;
    unsigned threads;
    double seconds;  /* for each scenario */
    double patience; /* seconds that one which lacks a path goes on for */
    uint64_t seed;
    uint32_t perturb; /* set of perturbations */
    bool raw;
    bool terminal;   /* there is one to keep a line on */
    bool mix;        /* the scenarios at once */
    bool trail_cost; /* measure what trails cost */
    bool only_list;
    const char *names[32]; /* of scenarios; none: all */
    unsigned name_count;
    double soak_hours;       /* 0: each scenario once */
    const char *seeds;       /* file of a soak, or NULL */
    const char *json, *html; /* files to leave results in, or NULL */
};

#define MAX_SAMPLES 512u

struct sample {
    double seconds;
    uint64_t steps;
    uint64_t resident_bytes;
};

/* What the process of a scenario tells the one that started it; in shared memory. */
struct outcome {
    uint64_t taken[PATH_COUNT];
    uint64_t counts[MAX_COUNTS];
    uint64_t perturbed[PERTURB_COUNT];
    uint64_t steps, made, destroyed;
    double seconds;
    uint64_t resident_before;
    uint64_t live_bytes, committed_bytes, resident_bytes; /* at the end */
    uint64_t standstills;                                 /* how often a worker made no step for some time */
    double longest_standstill;
    unsigned number,
        of; /* which run of the program's this is, of how many; 0: of as many as there is time for */
    unsigned sample_count;
    struct sample samples[MAX_SAMPLES];
    double ticks_per_ns;
    struct histogram latencies[OP_COUNT]; /* ticks */
    char violation[512];                  /* empty: none that the scenario's process told of */
    char lacks[1024];
    char repeat[512]; /* the command that runs it again */
};

/* The run of this process. */
extern struct run run;
extern const struct options *run_options;
extern struct outcome *run_outcome;
double run_seconds(void);

/* Read the command line. Returns SOUND or USAGE, which it has explained; does not come back from --help. */
enum verdict options_parse(struct options *options, int argc, char **argv);

/* Run a scenario in this process. Returns SOUND or NOT_TAKEN; a violation ends the process with VIOLATED. */
enum verdict run_scenario(struct scenario *scenario, const struct options *options, struct outcome *outcome);

/* Tell whether a scenario requires a path. */
bool scenario_takes(const struct scenario *scenario, enum path path);

/* Write the command that runs this scenario again. */
void run_repeat(const struct scenario *scenario, const struct options *options, char *line, size_t size);

/* Workers (worker.c): make them, with the one of the calling thread; start them; wait for some time, and tell whether
 * any is still at work; wait for all; count steps. */
void workers_make(void);
void workers_start(void);
bool workers_wait(unsigned ms);
void workers_join(void);
uint64_t workers_steps(void);

/* Have the library's and the sanitizer's complaints told as violations (violation.c). */
void violations_catch(void);

#endif /* STRESS_RUN_H */
