/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "run.h"

#define TERMINAL_SECONDS 0.1
#define LINE_SECONDS 10.0
#define STILL_SECONDS 0.1 /* a worker that makes no step for so long stands still */

static struct {
    double next;    /* when it is shown again */
    double rate_at; /* how fast it goes is taken from here on */
    uint64_t rate_steps;
    double moved_at[MAX_THREADS]; /* when each worker was last seen to have made a step */
    uint64_t steps[MAX_THREADS];
    bool still[MAX_THREADS];
} view;

/* ---- who stands still ---- */

static unsigned look_at_workers(double now) {
    unsigned still = 0;
    for (unsigned i = 0; i < run.threads; i++) {
        uint64_t steps = counter_read(&run.workers[i].steps);
        double since = now - view.moved_at[i];
        if (steps != view.steps[i]) {
            view.steps[i] = steps;
            view.moved_at[i] = now;
            view.still[i] = false;
            continue;
        }
        if (since > STILL_SECONDS) {
            run_outcome->standstills += !view.still[i];
            view.still[i] = true;
            still++;
        }
        if (since > run_outcome->longest_standstill)
            run_outcome->longest_standstill = since;
    }
    return still;
}

/* ---- lines ---- */

#define LINE 400u

static void put(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(char *line, const char *format, ...) {
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + used, LINE - used, format, args);
    va_end(args);
}

static void put_progress(char *line, double now) {
    uint64_t steps = workers_steps();
    put(line, "%-14s %5.1f of %g s  %9.3f M steps/s", run.scenario->name, now, run.seconds,
        now > view.rate_at ? (double)(steps - view.rate_steps) * 1e-6 / (now - view.rate_at) : 0);
    view.rate_at = now;
    view.rate_steps = steps;
    if (run_outcome->of != 0)
        put(line, "  scenario %u of %u", run_outcome->number, run_outcome->of);
    else
        put(line, "  turn %u", run_outcome->number);
}

static void put_paths(char *line) {
    unsigned wanted = 0, taken = 0;
    for (unsigned i = 0; i < PATH_COUNT; i++)
        if (scenario_takes(run.scenario, (enum path)i)) {
            wanted++;
            taken += path_taken((enum path)i) != 0;
        }
    put(line, "  paths %u of %u", taken, wanted);
    for (unsigned i = 0; i < PATH_COUNT; i++)
        if (path_taken((enum path)i) == 0 && scenario_takes(run.scenario, (enum path)i))
            put(line, ", not yet %s", path_name((enum path)i));
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (perturb_lacks((enum perturbation)i))
            put(line, ", not yet %s", perturb_name((enum perturbation)i));
}

static void put_counters(char *line) {
    for (unsigned i = 0; i < MAX_COUNTS && run.scenario->counted[i] != NULL; i++)
        put(line, "%s%" PRIu64 " %s", i == 0 ? "  " : ", ", run_counted(&run, i), run.scenario->counted[i]);
}

static void put_stalls(char *line, unsigned still) {
    put(line, "  stalls %" PRIu64 ", the longest %.2f s, %u of %u workers now", run_outcome->standstills,
        run_outcome->longest_standstill, still, run.threads);
}

/* The cursor is left at the first of the lines, so that whatever is printed next takes their place. */
static void draw(char lines[][LINE], unsigned count) {
    struct winsize size = {.ws_col = 0};
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    int width = size.ws_col > 1 ? size.ws_col - 1 : 79;
    printf("\r\033[J");
    for (unsigned i = 0; i < count; i++)
        printf("%.*s\n", width, lines[i]);
    printf("\033[%uA", count);
}

void view_tick(double now) {
    char lines[4][LINE] = {""};
    unsigned still = look_at_workers(now);
    if (view.next == 0)
        view.next = run_options->terminal ? TERMINAL_SECONDS : LINE_SECONDS;
    if (now < view.next)
        return;
    view.next = now + (run_options->terminal ? TERMINAL_SECONDS : LINE_SECONDS);
    put_progress(lines[0], now);
    put_paths(lines[1]);
    put_counters(lines[2]);
    put_stalls(lines[3], still);
    if (run_options->terminal)
        draw(lines, 4);
    else
        printf("  ... %s%s%s%s\n", lines[0], lines[1], lines[3], lines[2]);
    (void)fflush(stdout);
}

void view_clear(void) {
    if (run_options->terminal)
        printf("\r\033[J");
    (void)fflush(stdout);
}
