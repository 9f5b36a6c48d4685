/* SPDX-License-Identifier: MIT */
/*
 * wr-stress: runs scenarios one after the other, each in a process of its own, and says what became of
 * them. `wr-stress --help` lists the options.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static struct scenario *scenarios; /* by name */

void scenario_register(struct scenario *scenario, const char *file) {
    static const char prefix[] = "scenario_";
    const char *name = strrchr(file, '/');
    name = name ? name + 1 : file;
    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    (void)snprintf(scenario->name, sizeof scenario->name, "%.*s", (int)strcspn(name, "."), name);
    struct scenario **at = &scenarios;
    while (*at != NULL && strcmp((*at)->name, scenario->name) < 0)
        at = &(*at)->next;
    scenario->next = *at;
    *at = scenario;
}

/* Perturbations that are chosen when the program is built: `make stress VARIANT=...`. */
#ifdef WR_STRIPES
#define STRIPES_TEXT "one stripe (VARIANT=stress1)"
#else
#define STRIPES_TEXT "as many stripes as usual (one: make stress VARIANT=stress1)"
#endif
#ifdef WR_BATCH_SLOTS
#define BATCH_TEXT "tiny caches (VARIANT=stress-tiny)"
#else
#define BATCH_TEXT "caches as usual (tiny: make stress VARIANT=stress-tiny)"
#endif

static void list(bool raw) {
    for (struct scenario *s = scenarios; s != NULL; s = s->next) {
        if (raw && !s->raw)
            continue;
        printf("%-14s %s\n", s->name, s->hunts);
        printf("%-14s   takes: %s\n", "", s->takes);
    }
    if (raw)
        return;
    printf("\nperturbations:\n");
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        printf("  %-12s %s\n", perturb_name((enum perturbation)i), perturb_text((enum perturbation)i));
    printf("built in: %s, %s\n", STRIPES_TEXT, BATCH_TEXT);
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
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= NOT_TAKEN)
        return (enum verdict)WEXITSTATUS(status);
    char line[512];
    run_repeat(scenario, options, line, sizeof line);
    if (WIFSIGNALED(status))
        (void)snprintf(outcome->violation, sizeof outcome->violation, "%s", strsignal(WTERMSIG(status)));
    else
        (void)snprintf(outcome->violation, sizeof outcome->violation, "exit status %d", WEXITSTATUS(status));
    (void)fprintf(stderr, "wr-stress: VIOLATION in %s: %s\n  seed    0x%" PRIx64 "\n  repeat  %s\n",
                  scenario->name, outcome->violation, options->seed, line);
    return VIOLATED;
}

static void print_table(const struct outcome *sum, const bool *required) {
    printf("\n%-18s %14s  %s\n", "path", "taken", "what happened");
    for (unsigned i = 0; i < PATH_COUNT; i++)
        printf("%-18s %14" PRIu64 "  %s%s\n", path_name((enum path)i), sum->taken[i], path_text((enum path)i),
               sum->taken[i] != 0 ? ""
               : required[i]      ? "  <- NEVER"
                                  : "  (not in this run)");
    printf("\n");
}

static bool chosen(const struct scenario *scenario, const struct options *options) {
    if (options->raw && !scenario->raw)
        return false;
    for (unsigned i = 0; i < options->name_count; i++)
        if (strcmp(options->names[i], scenario->name) == 0)
            return true;
    return options->name_count == 0 && !scenario->planted;
}

static int run_all(const struct options *options) {
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) {
        perror("wr-stress: mmap");
        return USAGE;
    }
    static struct outcome sum;
    bool required[PATH_COUNT] = {false};
    enum verdict verdict = SOUND;
    struct report report = {.options = options};
    for (const struct scenario *s = scenarios; s != NULL; s = s->next)
        report.count += chosen(s, options);
    report.results = calloc(report.count + 1, sizeof *report.results);
    if (report.results == NULL)
        abort();
    report.count = 0;
    unsigned ran = 0;
    unsigned skipped = 0;
    printf("wr-stress: %u threads, %g s for each scenario, seed 0x%" PRIx64 "\n", options->threads,
           options->seconds, options->seed);
    for (struct scenario *s = scenarios; s != NULL && verdict != VIOLATED; s = s->next) {
        if (!chosen(s, options))
            continue;
        const char *reason = s->skip ? s->skip() : NULL;
        struct result *result = &report.results[report.count++];
        *result = (struct result){.scenario = s, .skipped = reason};
        if (reason != NULL) {
            printf("%-14s SKIPPED: %s\n", s->name, reason);
            skipped++;
            continue;
        }
        memset(outcome, 0, sizeof *outcome);
        enum verdict now = run_apart(s, options, outcome);
        result->verdict = now;
        memcpy(&result->outcome, outcome, sizeof *outcome);
        ran++;
        if (now != SOUND)
            verdict = now;
        for (unsigned i = 0; i < PATH_COUNT; i++) {
            sum.taken[i] += outcome->taken[i];
            required[i] |= scenario_takes(s, (enum path)i);
        }
        sum.seconds += outcome->seconds;
        sum.steps += outcome->steps;
        sum.made += outcome->made;
    }
    if (verdict != VIOLATED && ran != 0)
        print_table(&sum, required);
    if (ran == 0)
        verdict = NOT_TAKEN;
    static const char *const words[] = {"SOUND", "VIOLATION", "",
                                        "NOT PROVED: a path was never taken, or nothing ran"};
    printf("wr-stress: %s: %u scenarios, %u skipped, %.1f s, %.1f M steps, %" PRIu64
           " objects, seed 0x%" PRIx64 "\n",
           words[verdict], ran, skipped, sum.seconds, (double)sum.steps * 1e-6, sum.made, options->seed);
    report.verdict = verdict;
    bool written = report_write(&report);
    free(report.results);
    return (int)(written || verdict != SOUND ? verdict : USAGE);
}

int main(int argc, char **argv) {
    struct options options;
    enum verdict parsed = options_parse(&options, argc, argv);
    if (parsed != SOUND)
        return parsed;
    if (options.only_list) {
        list(options.raw);
        return SOUND;
    }
    for (unsigned i = 0; i < options.name_count; i++) {
        const struct scenario *s = scenarios;
        while (s != NULL && strcmp(s->name, options.names[i]) != 0)
            s = s->next;
        if (s == NULL) {
            (void)fprintf(stderr, "wr-stress: no scenario is called %s; --list names them\n",
                          options.names[i]);
            return USAGE;
        }
    }
    return run_all(&options);
}
