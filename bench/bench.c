/* SPDX-License-Identifier: MIT */
/* The main program of every benchmark: `program --list`, or `program [--ms N] [--batches N] ROW`. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- rows ---- */

static struct bench_row *rows;
static const char *row_name = "";

void bench_register(struct bench_row *row) {
    row->next = rows;
    rows = row;
}

static void list_rows(void) {
    printf("peer\t%s\n", bench_peer);
    if (bench_missing)
        printf("missing\t%s\n", bench_missing);
    for (struct bench_row *row = rows; row != NULL; row = row->next)
        printf("row\t%s\n", row->name);
}

void bench_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s: %s:%d: the check failed: %s\n", row_name, file, line, condition);
    exit(1);
}

static void report(double value, const char *unit) {
    printf("%s\t%.3f\t%s\n", row_name, value, unit);
}

void bench_bytes(double bytes) {
    report(bytes, "bytes");
}

double bench_resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    BENCH_CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void *bench_array(size_t count, size_t size) {
    void *array = malloc(count * size);
    BENCH_CHECK(array != NULL);
    return memset(array, 1, count * size);
}

/* ---- time ---- */

static double budget = 0.15;      /* seconds for a row */
static unsigned long batch_limit; /* exactly this many batches; 0: as many as the budget allows */

static double seconds(clockid_t clock) {
    struct timespec now;
    BENCH_CHECK(clock_gettime(clock, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- one thread ---- */

enum { LEAST_BATCHES = 10 };

static struct {
    unsigned long batches;
    double first; /* when the first batch started */
    double start; /* when this one did */
    double best;  /* nanoseconds of one run, in the fastest batch so far */
    uint64_t done;
} loop = {.best = 1e18};

bool bench_batch(uint64_t times) {
    double now = seconds(CLOCK_MONOTONIC);
    if (loop.first == 0) {
        loop.first = now;
    } else {
        double each = (now - loop.start) * 1e9 / (double)times;
        loop.best = each < loop.best ? each : loop.best;
        loop.done += times;
        loop.batches++;
        bool over = batch_limit ? loop.batches == batch_limit
                                : loop.batches >= LEAST_BATCHES && now - loop.first > budget;
        if (over) {
            report(loop.best, "ns");
            return false;
        }
    }
    loop.start = seconds(CLOCK_MONOTONIC);
    return true;
}

uint64_t bench_done(void) {
    return loop.done;
}

/* ---- several threads ---- */

enum { MOST_THREADS = 64, MOST_INTERVALS = 1000, LEAST_INTERVALS = 15 };
static const double interval = 0.004;     /* seconds: shorter than a turn of the scheduler mostly is */
static const double had_processor = 0.97; /* share of an interval that a thread must have run to count */
static const double patience = 0.75;      /* seconds at the most, to see enough that count */

struct worker {
    pthread_t thread;
    clockid_t clock;
    unsigned number;
    void (*body)(unsigned thread);
    uint64_t chunks; /* atomic: by the worker, read by the main thread */
} __attribute__((aligned(128)));

static bool stop; /* atomic */
static pthread_barrier_t barrier;
static cpu_set_t allowed; /* processors this process was started with */

/* Keep this thread on one processor: threads of different numbers on different ones, while there are enough. */
static void pin(unsigned number) {
    cpu_set_t one;
    int skip = (int)(number % (unsigned)CPU_COUNT(&allowed));
    int cpu = 0;
    while (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    BENCH_CHECK(pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0);
}

static void *work(void *arg) {
    struct worker *worker = arg;
    pin(worker->number);
    pthread_barrier_wait(&barrier);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        worker->body(worker->number);
        __atomic_store_n(&worker->chunks, worker->chunks + 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Let the workers run for an interval. Returns the time of an operation; *all: whether each had a processor. */
static double sample(struct worker *workers, unsigned threads, bool *all) {
    double ran[MOST_THREADS];
    uint64_t chunks[MOST_THREADS], sum = 0;
    double start = seconds(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < threads; i++) {
        ran[i] = seconds(workers[i].clock);
        chunks[i] = __atomic_load_n(&workers[i].chunks, __ATOMIC_RELAXED);
    }
    nanosleep(&(struct timespec){.tv_nsec = (long)(interval * 1e9)}, NULL);
    *all = true;
    double length = seconds(CLOCK_MONOTONIC) - start;
    for (unsigned i = 0; i < threads; i++) {
        *all &= seconds(workers[i].clock) - ran[i] > had_processor * length;
        sum += __atomic_load_n(&workers[i].chunks, __ATOMIC_RELAXED) - chunks[i];
    }
    return sum == 0 ? 0 : length * 1e9 * threads / ((double)sum * BENCH_CHUNK);
}

void bench_threads(unsigned threads, void (*body)(unsigned thread)) {
    static struct worker workers[MOST_THREADS];
    double good[MOST_INTERVALS], any[MOST_INTERVALS];
    size_t good_count = 0, any_count = 0;
    BENCH_CHECK(threads <= MOST_THREADS);
    pthread_barrier_init(&barrier, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        workers[i].number = i;
        workers[i].body = body;
        BENCH_CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
        BENCH_CHECK(pthread_getcpuclockid(workers[i].thread, &workers[i].clock) == 0);
    }
    pthread_barrier_wait(&barrier);
    bool all;
    double start = seconds(CLOCK_MONOTONIC);
    (void)sample(workers, threads, &all); /* warm-up */
    for (double past = 0;
         any_count < MOST_INTERVALS && (past < budget || (past < patience && good_count < LEAST_INTERVALS));
         past = seconds(CLOCK_MONOTONIC) - start) {
        double value = sample(workers, threads, &all);
        if (value == 0)
            continue;
        any[any_count++] = value;
        if (all)
            good[good_count++] = value;
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < threads; i++)
        BENCH_CHECK(pthread_join(workers[i].thread, NULL) == 0);
    if (good_count < LEAST_INTERVALS)
        fprintf(stderr, "%s: only %zu of %zu intervals were undisturbed\n", row_name, good_count, any_count);
    double *from = good_count != 0 ? good : any;
    size_t count = good_count != 0 ? good_count : any_count;
    BENCH_CHECK(count != 0);
    qsort(from, count, sizeof *from, compare);
    report(from[count / 2], "ns");
}

/* ---- main ---- */

static void *keep_company(void *arg) {
    pause();
    return arg;
}

static int usage(void) {
    fprintf(stderr, "usage: program --list | [--ms N] [--batches N] ROW\n");
    return 2;
}

int main(int argc, char **argv) {
    const char *wanted = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list_rows();
            return 0;
        }
        if (strcmp(argv[i], "--ms") == 0 && i + 1 < argc)
            budget = strtod(argv[++i], NULL) * 1e-3;
        else if (strcmp(argv[i], "--batches") == 0 && i + 1 < argc)
            batch_limit = strtoul(argv[++i], NULL, 10);
        else if (wanted == NULL)
            wanted = argv[i];
        else
            return usage();
    }
    struct bench_row *row = rows;
    while (wanted != NULL && row != NULL && strcmp(row->name, wanted) != 0)
        row = row->next;
    if (wanted == NULL || row == NULL)
        return usage();
    pthread_t company;
    BENCH_CHECK(pthread_create(&company, NULL, keep_company, NULL) == 0);
    BENCH_CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    pin(1);
    row_name = row->name;
    row->run();
    fflush(stdout);
    _exit(0); /* a row may leave millions of objects: taking them down is not what is measured */
}
