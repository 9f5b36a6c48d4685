/* SPDX-License-Identifier: MIT */
/*
 * wr-stress: runs scenarios one after the other, each in a process of its own, and says what became of
 * them. `wr-stress --help` lists the options.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

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

static int usage(FILE *out) {
    (void)fputs(
        "usage: wr-stress [options]\n"
        "  --list              name the scenarios and what each hunts\n"
        "  --scenario NAME     only this one; may be given again\n"
        "  --seconds N         for each scenario (5)\n"
        "  --threads N         for each scenario, at least 2 (2 for each processor, 4 to 16)\n"
        "  --seed N            what randomness starts from (from the clock)\n"
        "  --pauses half|on|off  pause at random at the library's atomic operations: half of the\n"
        "                      time, by turns; all the time; never (half)\n"
        "  --raw               over raw pointers, for the scenarios that can: shows that the race is\n"
        "                      real, by losing it\n"
        "exit status: 0 sound, 1 a violation, 2 wrong usage, 3 a path was never taken\n",
        out);
    return out == stdout ? SOUND : USAGE;
}

static void list(bool raw) {
    for (struct scenario *s = scenarios; s != NULL; s = s->next) {
        if (raw && !s->raw)
            continue;
        printf("%-14s %s\n", s->name, s->hunts);
        printf("%-14s   takes: %s\n", "", s->takes);
    }
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
        (void)fprintf(stderr, "wr-stress: VIOLATION in %s: %s\n  seed    0x%" PRIx64 "\n  repeat  %s\n",
                      scenario->name, strsignal(WTERMSIG(status)), options->seed, line);
    else
        (void)fprintf(stderr,
                      "wr-stress: VIOLATION in %s: exit status %d\n  seed    0x%" PRIx64 "\n  repeat  %s\n",
                      scenario->name, WEXITSTATUS(status), options->seed, line);
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

struct choice {
    const char *names[32];
    unsigned count;
};

static bool chosen(const struct choice *choice, const struct scenario *scenario,
                   const struct options *options) {
    if (options->raw && !scenario->raw)
        return false;
    for (unsigned i = 0; i < choice->count; i++)
        if (strcmp(choice->names[i], scenario->name) == 0)
            return true;
    return choice->count == 0 && !scenario->planted;
}

static int run_all(const struct choice *choice, const struct options *options) {
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED) {
        perror("wr-stress: mmap");
        return USAGE;
    }
    static struct outcome sum;
    bool required[PATH_COUNT] = {false};
    enum verdict verdict = SOUND;
    unsigned ran = 0;
    unsigned skipped = 0;
    printf("wr-stress: %u threads, %g s for each scenario, seed 0x%" PRIx64 "\n", options->threads,
           options->seconds, options->seed);
    for (struct scenario *s = scenarios; s != NULL && verdict != VIOLATED; s = s->next) {
        if (!chosen(choice, s, options))
            continue;
        const char *reason = s->skip ? s->skip() : NULL;
        if (reason != NULL) {
            printf("%-14s SKIPPED: %s\n", s->name, reason);
            skipped++;
            continue;
        }
        memset(outcome, 0, sizeof *outcome);
        enum verdict now = run_apart(s, options, outcome);
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
    return (int)verdict;
}

/* Parse all of `text` as a number from `least` to `most`. */
static bool number(const char *text, double least, double most, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {{"list", no_argument, NULL, 'l'},
                                                 {"scenario", required_argument, NULL, 'c'},
                                                 {"threads", required_argument, NULL, 't'},
                                                 {"seconds", required_argument, NULL, 's'},
                                                 {"seed", required_argument, NULL, 'r'},
                                                 {"pauses", required_argument, NULL, 'p'},
                                                 {"raw", no_argument, NULL, 'w'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct options options = {.program = argv[0],
                              .threads = processors <= 2   ? 4
                                         : processors >= 8 ? 16
                                                           : 2 * (unsigned)processors,
                              .seconds = 5,
                              .seed = random_mix((uint64_t)now.tv_sec ^ (uint64_t)now.tv_nsec << 20) >> 16,
                              .terminal = isatty(STDOUT_FILENO) != 0};
    struct choice choice = {{NULL}, 0};
    double value = 0;
    bool only_list = false;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        char *end;
        switch (option) {
        case 'l':
            only_list = true;
            break;
        case 'h':
            return usage(stdout);
        case 'c':
            if (choice.count == sizeof choice.names / sizeof choice.names[0])
                return usage(stderr);
            choice.names[choice.count++] = optarg;
            break;
        case 't':
            if (!number(optarg, 2, MAX_THREADS, &value))
                return usage(stderr);
            options.threads = (unsigned)value;
            break;
        case 's':
            if (!number(optarg, 0.01, 1e9, &options.seconds))
                return usage(stderr);
            break;
        case 'r':
            errno = 0;
            options.seed = strtoull(optarg, &end, 0);
            if (errno != 0 || end == optarg || *end != '\0')
                return usage(stderr);
            break;
        case 'p':
            if (strcmp(optarg, "half") == 0)
                options.pauses = PAUSES_HALF;
            else if (strcmp(optarg, "on") == 0)
                options.pauses = PAUSES_ON;
            else if (strcmp(optarg, "off") == 0)
                options.pauses = PAUSES_OFF;
            else
                return usage(stderr);
            break;
        case 'w':
            options.raw = true;
            break;
        default:
            return usage(stderr);
        }
    }
    if (optind != argc)
        return usage(stderr);
    if (only_list) {
        list(options.raw);
        return SOUND;
    }
    for (unsigned i = 0; i < choice.count; i++) {
        const struct scenario *s = scenarios;
        while (s != NULL && strcmp(s->name, choice.names[i]) != 0)
            s = s->next;
        if (s == NULL) {
            (void)fprintf(stderr, "wr-stress: no scenario is called %s; --list names them\n",
                          choice.names[i]);
            return USAGE;
        }
    }
    return run_all(&choice, &options);
}
