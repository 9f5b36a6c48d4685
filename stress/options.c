/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

static enum verdict usage(FILE *out) {
    (void)fputs(
        "usage: wr-stress [options]\n"
        "  --list              name the scenarios and the perturbations\n"
        "  --scenario NAME     only this one; may be given again\n"
        "  --seconds N         for each scenario (2)\n"
        "  --patience N        seconds that a scenario goes on for at most while it has not met all that it\n"
        "                      is to meet (60)\n"
        "  --threads N         for each scenario, at least 2 (2 for each processor, 4 to 16)\n"
        "  --seed N            what randomness starts from (from the clock)\n"
        "  --perturb LIST      names with commas between, all, or none; --list tells them (yields)\n"
        "  --raw               over raw pointers, for the scenarios that can: shows that the race is\n"
        "                      real, by losing it\n"
        "  --mix               the scenarios named, or all that can, at once over shared objects\n"
        "  --soak HOURS        turns of all scenarios, with each perturbation, until that is over;\n"
        "                      SIGINT ends it early, with its report\n"
        "  --seeds FILE        list a soak's turns there; a soak with that file goes on after the last\n"
        "  --trail-cost        have trails by turns, and tell how many steps there are with and without;\n"
        "                      a violation may then lack its last operations\n"
        "  --json FILE         leave all results there\n"
        "  --html FILE         leave a page with plots there\n"
        "exit status: 0 sound, 1 a violation, 2 wrong usage, 3 a path was never taken, or a perturbation\n"
        "             that was asked for never came\n",
        out);
    return out == stdout ? SOUND : USAGE;
}

/* Parse all of `text` as a number from `least` to `most`. */
static bool number(const char *text, double least, double most, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= least && *out <= most;
}

enum verdict options_parse(struct options *options, int argc, char **argv) {
    static const struct option long_options[] = {{"list", no_argument, NULL, 'l'},
                                                 {"scenario", required_argument, NULL, 'c'},
                                                 {"threads", required_argument, NULL, 't'},
                                                 {"seconds", required_argument, NULL, 's'},
                                                 {"patience", required_argument, NULL, 'a'},
                                                 {"seed", required_argument, NULL, 'r'},
                                                 {"perturb", required_argument, NULL, 'p'},
                                                 {"raw", no_argument, NULL, 'w'},
                                                 {"json", required_argument, NULL, 'j'},
                                                 {"html", required_argument, NULL, 'm'},
                                                 {"mix", no_argument, NULL, 'x'},
                                                 {"trail-cost", no_argument, NULL, 'o'},
                                                 {"soak", required_argument, NULL, 'k'},
                                                 {"seeds", required_argument, NULL, 'd'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *options = (struct options){.program = argv[0],
                                .threads = processors <= 2   ? 4
                                           : processors >= 8 ? 16
                                                             : 2 * (unsigned)processors,
                                .seconds = 2,
                                .patience = 60,
                                .perturb = 1u << PERTURB_YIELDS,
                                .seed = random_mix((uint64_t)now.tv_sec ^ (uint64_t)now.tv_nsec << 20) >> 16,
                                .terminal = isatty(STDOUT_FILENO) != 0};
    double value = 0;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        char *end;
        switch (option) {
        case 'l':
            options->only_list = true;
            break;
        case 'h':
            exit(usage(stdout));
        case 'c':
            if (options->name_count == sizeof options->names / sizeof options->names[0])
                return usage(stderr);
            options->names[options->name_count++] = optarg;
            break;
        case 't':
            if (!number(optarg, 2, MAX_THREADS, &value))
                return usage(stderr);
            options->threads = (unsigned)value;
            break;
        case 's':
            if (!number(optarg, 0.01, 1e9, &options->seconds))
                return usage(stderr);
            break;
        case 'a':
            if (!number(optarg, 0, 1e9, &options->patience))
                return usage(stderr);
            break;
        case 'r':
            errno = 0;
            options->seed = strtoull(optarg, &end, 0);
            if (errno != 0 || end == optarg || *end != '\0')
                return usage(stderr);
            break;
        case 'p':
            if (!perturb_parse(optarg, &options->perturb))
                return usage(stderr);
            break;
        case 'j':
            options->json = optarg;
            break;
        case 'm':
            options->html = optarg;
            break;
        case 'x':
            options->mix = true;
            break;
        case 'o':
            options->trail_cost = true;
            break;
        case 'k':
            if (!number(optarg, 0.0001, 1e5, &options->soak_hours))
                return usage(stderr);
            break;
        case 'd':
            options->seeds = optarg;
            break;
        case 'w':
            options->raw = true;
            break;
        default:
            return usage(stderr);
        }
    }
    if (optind != argc)
        return usage(stderr);
    return SOUND;
}
