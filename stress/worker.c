/* SPDX-License-Identifier: MIT */
/* Workers: their threads, their randomness, their counters, and where they meet. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "item.h"
#include "run.h"

_Thread_local struct worker *worker_self;

static pthread_barrier_t barrier;
static pthread_t threads[MAX_THREADS];
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

/* ---- counters ---- */

void worker_stepped(struct worker *worker, uint64_t steps) {
    counter_add(&worker->steps, steps);
}

/* At a step of a worker proper that is not in a round, its thread may be told to end: another goes on. */
bool worker_goes_on(struct worker *worker) {
    worker_stepped(worker, 1);
    if (atomic_load_explicit(&run.stop, memory_order_relaxed) ||
        (worker->turn_steps != 0 && --worker->turn_steps == 0))
        return false;
    if (perturb_take(PERTURB_REPLACE) && worker->number < worker->run->threads)
        worker->replaced = true;
    return !worker->replaced;
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

uint64_t workers_steps(void) {
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
    trail_enter(worker->number);
}

/* One that races: it is perturbed. Not so the thread that watches, which would be late for all that it does. */
static void worker_enter_race(struct worker *worker) {
    worker_enter(worker);
    perturb_steps_thread(random_mix(worker->random ^ 1));
}

static void ledger_add(struct ledger *sum, const struct ledger *more) {
    sum->made += more->made;
    sum->made_sum += more->made_sum;
    sum->destroyed += more->destroyed;
    sum->destroyed_sum += more->destroyed_sum;
    sum->marked += more->marked;
    sum->marks_seen += more->marks_seen;
}

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg) {
    int error = pthread_create(thread, NULL, fn, arg);
    if (error != 0) {
        (void)fprintf(stderr, "wr-stress: no thread: %s\n", strerror(error));
        _exit(USAGE);
    }
}

static void *successor_thread(void *arg);

/* One that is told to end starts the next and leaves its handle to it, to be joined: then all of its own ends have
 * run, and what it did comes before what the next does. */
static void *worker_runs(struct worker *worker) {
    worker_enter_race(worker);
    perturb_thread_signalled(true);
    run.scenario->work(worker);
    perturb_thread_signalled(false);
    if (worker->replaced) {
        worker->replaced = false;
        worker->before = pthread_self();
        perturb_happened(PERTURB_REPLACE);
        start_thread(&threads[worker->number], successor_thread, worker);
        return NULL;
    }
    (void)pthread_mutex_lock(&ending.lock);
    ending.working--;
    (void)pthread_cond_signal(&ending.changed);
    (void)pthread_mutex_unlock(&ending.lock);
    return NULL;
}

static void *worker_thread(void *arg) {
    meet();
    return worker_runs(arg);
}

static void *successor_thread(void *arg) {
    struct worker *worker = arg;
    (void)pthread_join(worker->before, NULL);
    return worker_runs(worker);
}

struct child {
    struct worker worker;
    void (*fn)(struct worker *child, void *arg);
    void *arg;
};

static void *child_thread(void *arg) {
    struct child *child = arg;
    worker_enter_race(&child->worker);
    child->fn(&child->worker, child->arg);
    return NULL;
}

void worker_child(struct worker *parent, void (*fn)(struct worker *child, void *arg), void *arg) {
    struct child child = {.fn = fn, .arg = arg};
    pthread_t thread;
    worker_prepare(&child.worker, parent->number + run.threads);
    child.worker.run = parent->run;
    child.worker.random = random_next(parent);
    child.worker.serial = parent->serial; /* ids go on where the last child's ended */
    start_thread(&thread, child_thread, &child);
    (void)pthread_join(thread, NULL);
    parent->serial = child.worker.serial;
    ledger_add(&parent->items, &child.worker.items);
}

void workers_make(void) {
    run.workers = aligned_alloc(128, (run.threads + 1) * sizeof *run.workers);
    if (run.workers == NULL || pthread_barrier_init(&barrier, NULL, run.threads) != 0)
        abort();
    memset(run.workers, 0, (run.threads + 1) * sizeof *run.workers);
    struct worker *last = &run.workers[run.threads];
    worker_prepare(last, 2 * run.threads);
    worker_enter(last);
}

void workers_start(void) {
    ending.working = run.threads;
    for (unsigned i = 0; i < run.threads; i++) {
        worker_prepare(&run.workers[i], i);
        start_thread(&threads[i], worker_thread, &run.workers[i]);
    }
}

bool workers_wait(unsigned ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ms * 1000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&ending.lock);
    if (ending.working != 0)
        (void)pthread_cond_timedwait(&ending.changed, &ending.lock, &until);
    bool working = ending.working != 0;
    (void)pthread_mutex_unlock(&ending.lock);
    return working;
}

void workers_join(void) {
    for (unsigned i = 0; i < run.threads; i++)
        (void)pthread_join(threads[i], NULL);
}

void workers_sum(struct ledger *sum) {
    for (unsigned i = 0; i <= run.threads; i++)
        ledger_add(sum, &run.workers[i].items);
}
