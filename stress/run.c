/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "item.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* A scenario that has not taken all of its paths goes on for up to so much longer: on a busy machine, and in a short
 * run, the rarest meetings take their time. */
#define PATIENCE_SECONDS 60

/* After the end of its time a scenario has this long; then its threads are stuck. Generous: a sanitizer on
 * a busy machine is slow. */
#define STUCK_SECONDS 300

/* With and without pauses take turns of this length. */
#define PAUSE_SECONDS 0.1

_Thread_local struct worker *worker_self;

/* The run of this process. */
static struct run run;
static const struct options *options;
static pthread_barrier_t barrier;
static struct timespec started;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned working; /* workers that did not end yet */
} ending = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

/* ---- randomness ---- */

uint64_t random_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t random_next(struct worker *worker) {
    worker->random += UINT64_C(0x9e3779b97f4a7c15);
    return random_mix(worker->random);
}

uint32_t random_below(struct worker *worker, uint32_t bound) {
    return (uint32_t)((random_next(worker) >> 32) * bound >> 32);
}

/* ---- time ---- */

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* ---- violations ---- */

void run_repeat(const struct scenario *scenario, const struct options *o, char *line, size_t size) {
    static const char *const pauses[] = {"half", "on", "off"};
    (void)snprintf(line, size,
                   "%s --scenario %s --threads %u --seconds %g --pauses %s --seed 0x%" PRIx64 "%s",
                   o->program, scenario->name, o->threads, o->seconds, pauses[o->pauses], o->seed,
                   o->raw ? " --raw" : "");
}

static void report(const char *what) {
    char line[512];
    run_repeat(run.scenario, options, line, sizeof line);
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "%swr-stress: VIOLATION in %s after %.2f s: %s\n"
                  "  seed    0x%" PRIx64 "\n"
                  "  repeat  %s\n",
                  options->terminal ? "\r\033[K" : "", run.scenario->name, seconds_since(&started), what,
                  options->seed, line);
    (void)fflush(stderr);
}

static void stop_with(const char *what) {
    static atomic_bool reported;
    if (atomic_exchange(&reported, true))
        for (;;)
            (void)pause(); /* the first one is at it */
    report(what);
    _exit(VIOLATED);
}

void violation(const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    stop_with(what);
    abort();
}

#ifdef SANITIZED
/* A report of the sanitizer ends the process: have it say how to repeat that too. */
void __sanitizer_set_death_callback(void (*callback)(void));
static void sanitizer_reported(void) {
    report("the sanitizer has reported the above");
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

static void fatal_in_library(const char *message) {
    stop_with(message);
}

void run_lacks(struct run *r, const char *format, ...) {
    va_list args;
    printf("  lacks   %s: ", r->scenario->name);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
    r->lacks = true;
}

/* ---- counters ---- */

void worker_stepped(struct worker *worker, uint64_t steps) {
    counter_add(&worker->steps, steps);
}

bool worker_goes_on(struct worker *worker) {
    worker_stepped(worker, 1);
    return !atomic_load_explicit(&worker->run->stop, memory_order_relaxed);
}

void worker_count(struct worker *worker, unsigned which, uint64_t more) {
    counter_add(&worker->counts[which], more);
}

uint64_t run_counted(struct run *r, unsigned which) {
    uint64_t sum = 0;
    for (unsigned i = 0; i <= r->threads; i++)
        sum += counter_read(&r->workers[i].counts[which]);
    return sum;
}

static uint64_t steps_so_far(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < run.threads; i++)
        sum += counter_read(&run.workers[i].steps);
    return sum;
}

/* ---- rounds ---- */

static void meet(void) {
    (void)pthread_barrier_wait(&barrier);
}

bool round_begins(struct worker *worker) {
    if (worker->number == 0)
        worker->run->last_round = atomic_load_explicit(&worker->run->stop, memory_order_relaxed);
    meet();
    return !worker->run->last_round;
}

void round_ends(struct worker *worker) {
    (void)worker;
    meet();
}

/* ---- workers ---- */

static void worker_prepare(struct worker *worker, unsigned number) {
    worker->run = &run;
    worker->number = number;
    worker->random = random_mix(run.seed + number);
}

static void worker_enter(struct worker *worker) {
    worker_self = worker;
    pause_seed(random_mix(worker->random ^ 1));
}

static void ledger_add(struct ledger *sum, const struct ledger *more) {
    sum->made += more->made;
    sum->made_sum += more->made_sum;
    sum->destroyed += more->destroyed;
    sum->destroyed_sum += more->destroyed_sum;
    sum->marked += more->marked;
    sum->marks_seen += more->marks_seen;
}

static void *worker_thread(void *arg) {
    struct worker *worker = arg;
    worker_enter(worker);
    meet();
    run.scenario->work(worker);
    (void)pthread_mutex_lock(&ending.lock);
    ending.working--;
    (void)pthread_cond_signal(&ending.changed);
    (void)pthread_mutex_unlock(&ending.lock);
    return NULL;
}

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg) {
    int error = pthread_create(thread, NULL, fn, arg);
    if (error != 0) {
        (void)fprintf(stderr, "wr-stress: no thread: %s\n", strerror(error));
        _exit(USAGE);
    }
}

struct child {
    struct worker worker;
    void (*fn)(struct worker *child, void *arg);
    void *arg;
};

static void *child_thread(void *arg) {
    struct child *child = arg;
    worker_enter(&child->worker);
    child->fn(&child->worker, child->arg);
    return NULL;
}

void worker_child(struct worker *parent, void (*fn)(struct worker *child, void *arg), void *arg) {
    struct child child = {.fn = fn, .arg = arg};
    pthread_t thread;
    worker_prepare(&child.worker, parent->number + run.threads);
    child.worker.random = random_next(parent);
    child.worker.serial = parent->serial; /* ids go on where the last child's ended */
    start_thread(&thread, child_thread, &child);
    (void)pthread_join(thread, NULL);
    parent->serial = child.worker.serial;
    ledger_add(&parent->items, &child.worker.items);
}

/* ---- paths ---- */

bool scenario_takes(const struct scenario *scenario, enum path path) {
    const char *name = path_name(path);
    size_t length = strlen(name);
    for (const char *at = scenario->takes; (at = strstr(at, name)) != NULL; at += length)
        if ((at == scenario->takes || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static bool paths_complete(void) {
    for (unsigned i = 0; i < PATH_COUNT; i++)
        if (path_taken((enum path)i) == 0 && scenario_takes(run.scenario, (enum path)i))
            return false;
    return true;
}

/* ---- progress ---- */

static void show_progress(double now) {
    printf("%s%-14s %5.1f s  %9.3f M steps", options->terminal ? "\r\033[K" : "  ... ", run.scenario->name,
           now, (double)steps_so_far() * 1e-6);
    for (unsigned i = 0; i < MAX_COUNTS && run.scenario->counted[i] != NULL && i < 3; i++)
        printf("  %" PRIu64 " %s", run_counted(&run, i), run.scenario->counted[i]);
    printf(options->terminal ? "" : "\n");
    (void)fflush(stdout);
}

/* Wait until the workers have ended, telling them when the time is over. */
static void watch(void) {
    double next_line = options->terminal ? 0.1 : 10;
    (void)pthread_mutex_lock(&ending.lock);
    while (ending.working != 0) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&ending.changed, &ending.lock, &until);
        double now = seconds_since(&started);
        if (options->pauses == PAUSES_HALF)
            pause_switch((unsigned)(now / PAUSE_SECONDS) % 2 == 1);
        if (now >= run.seconds && (now >= run.seconds + PATIENCE_SECONDS || paths_complete()))
            atomic_store_explicit(&run.stop, true, memory_order_relaxed);
        if (now >= run.seconds + PATIENCE_SECONDS + STUCK_SECONDS)
            stop_with("its threads are stuck");
        if (now >= next_line) {
            show_progress(now);
            next_line = now + (options->terminal ? 0.1 : 10);
        }
    }
    (void)pthread_mutex_unlock(&ending.lock);
    if (options->terminal)
        printf("\r\033[K");
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

enum verdict run_scenario(struct scenario *scenario, const struct options *given, struct outcome *outcome) {
    options = given;
    run = (struct run){
        .scenario = scenario, .threads = given->threads, .seconds = given->seconds, .raw = given->raw};
    run.seed = given->seed;
    for (const char *c = scenario->name; *c != '\0'; c++)
        run.seed = random_mix(run.seed ^ (uint64_t)*c);
    run.workers = aligned_alloc(128, (run.threads + 1) * sizeof *run.workers);
    pthread_t *threads = calloc(run.threads, sizeof *threads);
    if (run.workers == NULL || threads == NULL || pthread_barrier_init(&barrier, NULL, run.threads) != 0)
        abort();
    memset(run.workers, 0, (run.threads + 1) * sizeof *run.workers);
    (void)clock_gettime(CLOCK_MONOTONIC, &started);
    (void)wr_set_fatal_handler(fatal_in_library);
#ifdef SANITIZED
    __sanitizer_set_death_callback(sanitizer_reported);
#endif
    pause_install();
    pause_switch(given->pauses == PAUSES_ON);

    struct worker *last = &run.workers[run.threads];
    worker_prepare(last, 2 * run.threads);
    worker_enter(last);
    scenario->begin(&run);
    ending.working = run.threads;
    for (unsigned i = 0; i < run.threads; i++) {
        worker_prepare(&run.workers[i], i);
        start_thread(&threads[i], worker_thread, &run.workers[i]);
    }
    watch();
    for (unsigned i = 0; i < run.threads; i++)
        (void)pthread_join(threads[i], NULL);
    pause_switch(false);
    scenario->end(&run);
    (void)wr_trim(); /* runs the deaths of orphans */

    struct ledger sum = {0};
    for (unsigned i = 0; i <= run.threads; i++)
        ledger_add(&sum, &run.workers[i].items);
    check_ledger(&sum);

    outcome->steps = steps_so_far();
    outcome->made = sum.made;
    outcome->destroyed = sum.destroyed;
    outcome->seconds = seconds_since(&started);
    for (unsigned i = 0; i < PATH_COUNT; i++)
        outcome->taken[i] = path_taken((enum path)i);
    printf("%-14s %5.1f s  %9.3f M steps  %" PRIu64 " objects", scenario->name, outcome->seconds,
           (double)outcome->steps * 1e-6, sum.made);
    for (unsigned i = 0; i < MAX_COUNTS && scenario->counted[i] != NULL; i++)
        printf(", %" PRIu64 " %s", run_counted(&run, i), scenario->counted[i]);
    printf("\n");
    enum verdict verdict = run.lacks ? NOT_TAKEN : SOUND;
    for (unsigned i = 0; i < PATH_COUNT; i++) {
        if (outcome->taken[i] == 0 && scenario_takes(scenario, (enum path)i)) {
            printf("  lacks   %s: the path %s was never taken (%s)\n", scenario->name,
                   path_name((enum path)i), path_text((enum path)i));
            verdict = NOT_TAKEN;
        }
    }
    (void)fflush(stdout);
    free(threads);
    free(run.workers);
    return verdict;
}
