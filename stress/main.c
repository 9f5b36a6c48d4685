/* SPDX-License-Identifier: MIT */
/*
 * wr-stress: runs scenarios one after the other, each in a process of its own, and says what became of
 * them. `wr-stress --help` lists the options.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "suite.h"

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
        if (s->mixes)
            printf("%-14s   can be mixed\n", "");
    }
    if (raw)
        return;
    printf("\nperturbations:\n");
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        printf("  %-12s %s\n", perturb_name((enum perturbation)i), perturb_text((enum perturbation)i));
    printf("built in: %s, %s\n", STRIPES_TEXT, BATCH_TEXT);
}

static bool chosen(const struct scenario *scenario, const struct options *options) {
    if (options->raw && !scenario->raw)
        return false;
    for (unsigned i = 0; i < options->name_count; i++)
        if (strcmp(options->names[i], scenario->name) == 0)
            return true;
    return options->name_count == 0 && !scenario->planted;
}

/* Of those that were named, or all that can. */
static struct scenario *mix_of(const struct options *options, struct scenario *const *list_of,
                               unsigned count) {
    struct scenario *parts[SUITE_MOST];
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++)
        if (options->name_count != 0 || list_of[i]->mixes)
            parts[found++] = list_of[i];
    return mix_make(parts, found);
}

static enum verdict run_all(struct options *options) {
    static struct suite suite;
    struct scenario *list_of[SUITE_MOST];
    unsigned count = 0;
    for (struct scenario *s = scenarios; s != NULL; s = s->next)
        if (chosen(s, options) && count < SUITE_MOST)
            list_of[count++] = s;
    if (options->mix || (options->soak_hours > 0 && options->name_count == 0)) {
        struct scenario *mix = mix_of(options, list_of, count);
        if (mix == NULL)
            return USAGE;
        if (options->mix)
            count = 0;
        if (count < SUITE_MOST)
            list_of[count++] = mix;
    }
    suite_begin(&suite, options);
    printf("wr-stress: %u threads, %g s for each scenario, seed 0x%" PRIx64 "\n", options->threads,
           options->seconds, options->seed);
    if (options->soak_hours > 0) {
        if (soak(&suite, list_of, count, options) == USAGE)
            return USAGE;
    } else {
        suite.planned = count;
        for (unsigned i = 0; i < count && !suite_stop_asked(); i++)
            if (suite_run(&suite, list_of[i], options) == VIOLATED)
                break;
    }
    return suite_end(&suite);
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
    return (int)run_all(&options);
}
