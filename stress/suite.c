/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_bool stop_asked; /* by a handler, on whatever thread */
static _Atomic pid_t running;  /* the process of a scenario; 0: none, or this is it */

bool suite_stop_asked(void) {
    return atomic_load_explicit(&stop_asked, memory_order_relaxed);
}

/* A terminal signals the process of the scenario too, and kill does not. */
static void ask_to_stop(int number) {
    int saved = errno;
    (void)number;
    atomic_store_explicit(&stop_asked, true, memory_order_relaxed);
    if (running != 0)
        (void)kill(running, SIGINT);
    errno = saved;
}

/* Run a scenario in a process of its own. */
static enum verdict run_apart(struct scenario *scenario, const struct options *options,
                              struct outcome *outcome) {
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("wr-stress: fork");
        exit(USAGE);
    }
    if (pid == 0)
        exit(run_scenario(scenario, options, outcome));
    running = pid;
    if (stop_asked)
        (void)kill(pid, SIGINT);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    running = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= NOT_TAKEN)
        return (enum verdict)WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        (void)snprintf(outcome->violation, sizeof outcome->violation, "%s", strsignal(WTERMSIG(status)));
    else
        (void)snprintf(outcome->violation, sizeof outcome->violation, "exit status %d", WEXITSTATUS(status));
    (void)fprintf(stderr, "wr-stress: VIOLATION in %s: %s\n  seed    0x%" PRIx64 "\n  repeat  %s\n",
                  scenario->name, outcome->violation, options->seed, outcome->repeat);
    return VIOLATED;
}

void suite_begin(struct suite *suite, const struct options *options) {
    struct sigaction action = {.sa_handler = ask_to_stop};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    *suite = (struct suite){.report.options = options};
    suite->outcome =
        mmap(NULL, sizeof *suite->outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    suite->report.results = calloc(SUITE_MOST, sizeof *suite->report.results);
    if (suite->outcome == MAP_FAILED || suite->report.results == NULL) {
        perror("wr-stress: memory");
        exit(USAGE);
    }
}

static struct result *result_of(struct suite *suite, const struct scenario *scenario) {
    for (unsigned i = 0; i < suite->report.count; i++)
        if (suite->report.results[i].scenario == scenario)
            return &suite->report.results[i];
    if (suite->report.count == SUITE_MOST)
        abort();
    struct result *result = &suite->report.results[suite->report.count++];
    *result = (struct result){.scenario = scenario, .verdict = NOT_TAKEN};
    return result;
}

/* Add one run to what there is of a scenario: numbers are summed; what is of a moment is the last run's. */
static void add_outcome(struct outcome *sum, const struct outcome *more) {
    for (unsigned i = 0; i < PATH_COUNT; i++)
        sum->taken[i] += more->taken[i];
    for (unsigned i = 0; i < MAX_COUNTS; i++)
        sum->counts[i] += more->counts[i];
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        sum->perturbed[i] += more->perturbed[i];
    for (unsigned i = 0; i < OP_COUNT; i++)
        histogram_merge(&sum->latencies[i], &more->latencies[i]);
    sum->steps += more->steps;
    sum->made += more->made;
    sum->destroyed += more->destroyed;
    sum->seconds += more->seconds;
    sum->standstills += more->standstills;
    if (more->longest_standstill > sum->longest_standstill)
        sum->longest_standstill = more->longest_standstill;
    sum->resident_before = more->resident_before;
    sum->live_bytes = more->live_bytes;
    sum->committed_bytes = more->committed_bytes;
    sum->resident_bytes = more->resident_bytes;
    sum->sample_count = more->sample_count;
    memcpy(sum->samples, more->samples, sizeof sum->samples);
    sum->ticks_per_ns = more->ticks_per_ns;
    memcpy(sum->violation, more->violation, sizeof sum->violation);
    memcpy(sum->repeat, more->repeat, sizeof sum->repeat);
    memcpy(sum->lacks, more->lacks, sizeof sum->lacks);
}

enum verdict suite_run(struct suite *suite, struct scenario *scenario, const struct options *options) {
    struct result *result = result_of(suite, scenario);
    result->skipped = scenario->skip != NULL ? scenario->skip() : NULL;
    if (result->skipped != NULL) {
        printf("%-14s SKIPPED: %s\n", scenario->name, result->skipped);
        suite->skipped++;
        return SOUND;
    }
    memset(suite->outcome, 0, sizeof *suite->outcome);
    suite->outcome->number = suite->ran + suite->skipped + 1;
    suite->outcome->of = suite->planned;
    run_repeat(scenario, options, suite->outcome->repeat, sizeof suite->outcome->repeat);
    enum verdict verdict = run_apart(scenario, options, suite->outcome);
    add_outcome(&result->outcome, suite->outcome);
    add_outcome(&suite->sum, suite->outcome);
    suite->ran++;
    suite->violated |= verdict == VIOLATED;
    if (verdict != NOT_TAKEN) /* what one run lacks another may have had */
        result->verdict = verdict;
    for (unsigned i = 0; i < PATH_COUNT; i++)
        suite->required[i] |= scenario_takes(scenario, (enum path)i);
    return verdict;
}

static void print_table(const struct suite *suite) {
    printf("\n%-18s %14s  %s\n", "path", "taken", "what happened");
    for (unsigned i = 0; i < PATH_COUNT; i++)
        printf("%-18s %14" PRIu64 "  %s%s\n", path_name((enum path)i), suite->sum.taken[i],
               path_text((enum path)i),
               suite->sum.taken[i] != 0 ? ""
               : suite->required[i]     ? "  <- NEVER"
                                        : "  (not in this run)");
    printf("\n");
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (suite->sum.perturbed[i] != 0)
            printf("%-18s %14" PRIu64 "  %s\n", perturb_name((enum perturbation)i), suite->sum.perturbed[i],
                   perturb_text((enum perturbation)i));
}

enum verdict suite_end(struct suite *suite) {
    enum verdict verdict = suite->ran == 0 ? NOT_TAKEN : SOUND;
    for (unsigned i = 0; i < suite->report.count; i++)
        if (suite->report.results[i].skipped == NULL && suite->report.results[i].verdict == NOT_TAKEN)
            verdict = NOT_TAKEN;
    if (suite->violated)
        verdict = VIOLATED;
    else if (suite->ran != 0)
        print_table(suite);
    static const char *const words[] = {"SOUND", "VIOLATION", "",
                                        "NOT PROVED: a path was never taken, or nothing ran"};
    printf("wr-stress: %s%s: %u scenarios, %u skipped, %.1f s, %.1f M steps, %" PRIu64
           " objects, seed 0x%" PRIx64 "\n",
           words[verdict], stop_asked ? " (ended early, as asked)" : "", suite->ran, suite->skipped,
           suite->sum.seconds, (double)suite->sum.steps * 1e-6, suite->sum.made, suite->report.options->seed);
    suite->report.verdict = verdict;
    bool written = report_write(&suite->report);
    free(suite->report.results);
    (void)munmap(suite->outcome, sizeof *suite->outcome);
    return written || verdict != SOUND ? verdict : USAGE;
}
