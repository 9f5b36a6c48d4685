/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "item.h"
#include "suite.h"
#include "view.h"

/* After the end of its time a scenario has this long; then its threads are stuck. Generous: a sanitizer on
 * a busy machine is slow. */
#define STUCK_SECONDS 300

/* What a run may leave resident besides: trails, marks in tables of scenarios, threads' stacks, malloc's own. */
#define HARNESS_BYTES ((uint64_t)(16 + run.threads) << 20)

/* How often the watching thread looks: often enough for perturbations, and not so that it is in the way. */
#define WATCH_MS 2

/* The run of this process. */
struct run run;
const struct options *run_options;
struct outcome *run_outcome;
static struct timespec started;

double run_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - started.tv_sec) + (double)(now.tv_nsec - started.tv_nsec) * 1e-9;
}

/* ---- paths, and perturbations ---- */

bool scenario_takes(const struct scenario *scenario, enum path path) {
    const char *name = path_name(path);
    size_t length = strlen(name);
    for (const char *at = scenario->takes; (at = strstr(at, name)) != NULL; at += length)
        if ((at == scenario->takes || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static bool all_taken(void) {
    for (unsigned i = 0; i < PATH_COUNT; i++)
        if (path_taken((enum path)i) == 0 && scenario_takes(run.scenario, (enum path)i))
            return false;
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (perturb_lacks((enum perturbation)i))
            return false;
    return true;
}

/* Looked at seldom: it goes over the counters of all threads. */
static bool complete(double now) {
    static double next;
    if (now < next)
        return false;
    next = now + 0.05;
    return all_taken();
}

/* ---- progress ---- */

static uint64_t resident_bytes(void) {
    unsigned long long all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Note how far it is; when there is no room left, every second note goes, and from there on they come half as often. */
static void take_sample(double now) {
    static double next, every = 0.05;
    struct outcome *o = run_outcome;
    if (now < next)
        return;
    if (o->sample_count == MAX_SAMPLES) {
        for (unsigned i = 0; i < MAX_SAMPLES / 2; i++)
            o->samples[i] = o->samples[2 * i + 1];
        o->sample_count = MAX_SAMPLES / 2;
        every *= 2;
    }
    next = now + every;
    o->samples[o->sample_count++] = (struct sample){now, workers_steps(), resident_bytes()};
}

/* Trails by turns; steps and seconds without them and with them. */
#define TRAIL_TURN_SECONDS 0.05
static struct {
    double seconds[2];
    uint64_t steps[2];
} trail_turns;

static void turn_trails(double now) {
    static double began, next;
    static uint64_t steps_then;
    static bool with = true;
    if (!run_options->trail_cost || now < next || now >= run.seconds)
        return;
    uint64_t steps = workers_steps();
    trail_turns.seconds[with] += now - began;
    trail_turns.steps[with] += steps - steps_then;
    with = !with;
    if (with)
        trail_go_on();
    else
        trail_stop();
    began = now;
    steps_then = steps;
    next = now + TRAIL_TURN_SECONDS;
}

static void print_trail_cost(void) {
    double rates[2];
    for (unsigned i = 0; i < 2; i++)
        rates[i] = trail_turns.seconds[i] > 0 ? (double)trail_turns.steps[i] / trail_turns.seconds[i] : 0;
    if (run_options->trail_cost && rates[0] > 0)
        printf("%-14s trails: %.3f M steps/s with, %.3f without, ratio %.2f\n", run.scenario->name,
               rates[1] * 1e-6, rates[0] * 1e-6, rates[1] / rates[0]);
}

/* Wait until the workers have ended, telling them when the time is over. */
static void watch(void) {
    double longest = run.seconds + run_options->patience;
    while (workers_wait(WATCH_MS)) {
        double now = run_seconds();
        take_sample(now);
        perturb_tick(now);
        turn_trails(now);
        if (suite_stop_asked())
            atomic_store_explicit(&run.stop, true, memory_order_relaxed);
        if (now >= run.seconds && (now >= longest || complete(now)))
            atomic_store_explicit(&run.stop, true, memory_order_relaxed);
        if (now >= longest + STUCK_SECONDS)
            violation("its threads are stuck");
        view_tick(now);
    }
    view_clear();
}

/* ---- the whole ---- */

static void check_ledger(const struct ledger *sum) {
    if (sum->made != sum->destroyed)
        violation("%" PRIu64 " objects were made, %" PRIu64 " destroyed, and nobody holds any", sum->made,
                  sum->destroyed);
    if (sum->made_sum != sum->destroyed_sum)
        violation("of %" PRIu64 " objects some were destroyed twice and some never", sum->made);
    if (sum->marked != sum->marks_seen)
        violation("holders left %" PRIu64 " marks, destroys saw %" PRIu64, sum->marked, sum->marks_seen);
}

/* Memory that objects had, and memory at all, is back at what it was before the scenario began. */
static void check_memory(const wr_stats *before, const wr_stats *after, const struct outcome *outcome) {
    if (after->live != before->live)
        violation("%" PRIu64
                  " objects are alive that were not before, of the library's own or without destroy",
                  after->live - before->live);
#ifndef WR_DEBUG /* which keeps slots in quarantine */
    if (!items_aged() && after->used_bytes > before->used_bytes)
        violation("%" PRIu64 " bytes are in use for objects after wr_trim, %" PRIu64 " before",
                  after->used_bytes, before->used_bytes);
#endif
    if (!SANITIZED && outcome->resident_bytes > outcome->resident_before + HARNESS_BYTES)
        violation("%" PRIu64 " KiB are resident after wr_trim, %" PRIu64 " before",
                  outcome->resident_bytes >> 10, outcome->resident_before >> 10);
}

/* What the run leaves to be told. */
static void fill_outcome(struct outcome *outcome, const struct ledger *sum, const wr_stats *stats) {
    outcome->steps = workers_steps();
    outcome->made = sum->made;
    outcome->destroyed = sum->destroyed;
    outcome->seconds = run_seconds();
    outcome->live_bytes = stats->live_bytes;
    outcome->committed_bytes = stats->committed_bytes;
    outcome->resident_bytes = resident_bytes();
    outcome->ticks_per_ns = trail_ticks_per_ns();
    for (unsigned i = 0; i < PATH_COUNT; i++)
        outcome->taken[i] = path_taken((enum path)i);
    for (unsigned i = 0; i < MAX_COUNTS; i++)
        outcome->counts[i] = run_counted(&run, i);
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        outcome->perturbed[i] = perturb_count((enum perturbation)i);
    for (unsigned i = 0; i < OP_COUNT; i++)
        trail_latencies((enum operation)i, &outcome->latencies[i]);
}

static void print_outcome(const struct outcome *outcome) {
    const struct scenario *scenario = run.scenario;
    printf("%-14s %5.1f s  %9.3f M steps  %" PRIu64 " objects", scenario->name, outcome->seconds,
           (double)outcome->steps * 1e-6, outcome->made);
    for (unsigned i = 0; i < MAX_COUNTS && scenario->counted[i] != NULL; i++)
        printf(", %" PRIu64 " %s", outcome->counts[i], scenario->counted[i]);
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (i != PERTURB_YIELDS && outcome->perturbed[i] != 0)
            printf(", %s %" PRIu64, perturb_name((enum perturbation)i), outcome->perturbed[i]);
    printf("\n");
}

enum verdict run_scenario(struct scenario *scenario, const struct options *given, struct outcome *outcome) {
    run_options = given;
    run_outcome = outcome;
    run = (struct run){
        .scenario = scenario, .threads = given->threads, .seconds = given->seconds, .raw = given->raw};
    run.seed = given->seed;
    for (const char *c = scenario->name; *c != '\0'; c++)
        run.seed = random_mix(run.seed ^ (uint64_t)*c);
    (void)clock_gettime(CLOCK_MONOTONIC, &started);
    violations_catch();
    perturb_begin(given->perturb & ~scenario->spared, run.seed, run.seconds);
    wr_stats before, after;
    wr_stats_get(&before, sizeof before);
    outcome->resident_before = resident_bytes();
    workers_make();
    scenario->begin(&run);
    workers_start();
    watch();
    perturb_end();
    workers_join();
    scenario->end(&run);
    (void)wr_trim(); /* runs the deaths of orphans */

    struct ledger sum = {0};
    workers_sum(&sum);
    check_ledger(&sum);
    wr_stats_get(&after, sizeof after);
    fill_outcome(outcome, &sum, &after);
    check_memory(&before, &after, outcome);
    print_outcome(outcome);
    print_trail_cost();
    for (unsigned i = 0; i < PATH_COUNT; i++)
        if (outcome->taken[i] == 0 && scenario_takes(scenario, (enum path)i))
            run_lacks(&run, "the path %s was never taken (%s)", path_name((enum path)i),
                      path_text((enum path)i));
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (perturb_lacks((enum perturbation)i))
            run_lacks(&run, "the perturbation %s never came (%s)", perturb_name((enum perturbation)i),
                      perturb_text((enum perturbation)i));
    (void)fflush(stdout);
    free(run.workers);
    return run.lacks && !suite_stop_asked() ? NOT_TAKEN : SOUND;
}
