/* SPDX-License-Identifier: MIT */
/* What is said of a violation, wherever it was noticed: by an oracle, by the library, by a sanitizer. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mix.h"
#include "run.h"
#include "view.h"

void run_repeat(const struct scenario *scenario, const struct options *o, char *line, size_t size) {
    char perturb[PERTURB_TEXT];
    perturb_format(o->perturb, perturb, sizeof perturb);
    size_t used = 0;
    bool mix = strcmp(scenario->name, MIX_NAME) == 0;
    (void)snprintf(line, size, "%s%s", o->program, mix ? " --mix" : "");
    for (unsigned i = 0; i < (mix ? o->name_count : 1); i++) {
        used = strlen(line);
        (void)snprintf(line + used, size - used, " --scenario %s", mix ? o->names[i] : scenario->name);
    }
    used = strlen(line);
    (void)snprintf(line + used, size - used, " --threads %u --seconds %g --perturb %s --seed 0x%" PRIx64 "%s",
                   o->threads, o->seconds, perturb, o->seed, o->raw ? " --raw" : "");
}

static void report(const char *what, uint64_t about) {
    const struct options *options = run_options;
    trail_stop();
    (void)snprintf(run_outcome->violation, sizeof run_outcome->violation, "%s", what);
    view_clear();
    (void)fprintf(stderr,
                  "wr-stress: VIOLATION in %s after %.2f s, on thread %u: %s\n"
                  "  seed    0x%" PRIx64 "\n"
                  "  repeat  %s\n",
                  run.scenario->name, run_seconds(), worker_self != NULL ? worker_self->number : 0, what,
                  options->seed, run_outcome->repeat);
    trail_print(stderr, about);
    (void)fflush(stderr);
}

static _Noreturn void stop_with(const char *what, uint64_t about) {
    static atomic_bool reported;
    trail_stop();
    if (atomic_exchange(&reported, true))
        for (;;)
            (void)pause(); /* the first one is at it */
    report(what, about);
    _exit(VIOLATED);
}

static _Noreturn void stop_with_args(uint64_t about, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static _Noreturn void stop_with_args(uint64_t about, const char *format, va_list args) {
    char what[512];
    trail_stop();
    (void)vsnprintf(what, sizeof what, format, args);
    stop_with(what, about);
}

void violation(const char *format, ...) {
    va_list args;
    va_start(args, format);
    stop_with_args(0, format, args);
}

void violation_of(uint64_t about, const char *format, ...) {
    va_list args;
    va_start(args, format);
    stop_with_args(about, format, args);
}

static void fatal_in_library(const char *message) {
    stop_with(message, 0);
}

#if SANITIZED
/* A report of the sanitizer ends the process: have it say how to repeat that too. */
void __sanitizer_set_death_callback(void (*callback)(void));
static void sanitizer_reported(void) {
    report("the sanitizer has reported the above", 0);
}

/* Called before the report is written, which takes its time. */
void __tsan_on_report(void *about);
void __tsan_on_report(void *about) {
    (void)about;
    trail_stop();
}
void __asan_on_error(void);
void __asan_on_error(void) {
    trail_stop();
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "halt_on_error=1:exitcode=1:second_deadlock_stack=1";
}
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "exitcode=1:detect_leaks=1:detect_stack_use_after_return=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "print_stacktrace=1:halt_on_error=1";
}
#endif

void violations_catch(void) {
    (void)wr_set_fatal_handler(fatal_in_library);
#if SANITIZED
    __sanitizer_set_death_callback(sanitizer_reported);
#endif
}

void run_lacks(struct run *r, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    printf("  lacks   %s: %s\n", r->scenario->name, what);
    size_t used = strlen(run_outcome->lacks);
    (void)snprintf(run_outcome->lacks + used, sizeof run_outcome->lacks - used, "%s%s", used ? "; " : "",
                   what);
    r->lacks = true;
}
