/* SPDX-License-Identifier: MIT */
/*
 * Whole histories. In each round there are some items with a few holders each; every thread does a few operations on
 * each of them, in the same order of items, waiting for each other before each, and giving way in the middle of
 * operations, so that most overlap: gets by the weak value, asks whether it is dead, and kills and lets go if
 * it holds a reference. It notes when each began and ended and what it gave. After the round a checker looks for an
 * order of all operations on one item in which all results are right (linear.h). What no single thread can see to be
 * wrong shows there: a get that succeeded between two that failed on other threads, or that failed for no reason.
 */
#include <sched.h>
#include <time.h>

#include "item.h"
#include "linear.h"

#define ITEMS 64u
#define LEAST_OVERLAPPING 10u /* of a hundred operations, with yields; there are 50 and more */
#define MOST_YIELDS 1000u     /* until who waits for others goes on without */
#define MOST_EACH 12u         /* operations of one thread on one item */

struct place {
    struct post post;
    unsigned holders; /* workers 0 ... holders - 1, from a first one on */
};

static struct {
    struct place places[ITEMS];
    /* Plain, by each thread: the round's end is between. */
    struct linear_step steps[MAX_THREADS][ITEMS][MOST_EACH];
    unsigned counts[MAX_THREADS][ITEMS];
    _Atomic unsigned at[MAX_THREADS]; /* which item each thread has come to: relaxed, it orders nothing */
} histories;

/* A clock that all processors agree on, and that nothing passes. */
static uint64_t clock_now(void) {
    struct timespec now;
#if defined(__x86_64__)
    __builtin_ia32_lfence();
#endif
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
#if defined(__x86_64__)
    __builtin_ia32_lfence();
#endif
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* How many operations a thread may do on an item, so that all fit a history. Even: who gets lets go. */
static unsigned each_of(const struct run *run) {
    unsigned each = LINEAR_MOST / run->threads & ~1u;
    return each < MOST_EACH ? each : MOST_EACH;
}

static void note(const struct worker *worker, unsigned i, uint64_t start, enum linear_kind kind,
                 bool result) {
    histories.steps[worker->number][i][histories.counts[worker->number][i]++] =
        (struct linear_step){start, clock_now(), kind, result, worker->number};
}

static void prepare(struct worker *worker) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct place *place = &histories.places[i];
        struct item *item = item_new(worker, &item_type, 0);
        place->holders = 1 + random_below(worker, worker->run->threads < 3 ? worker->run->threads : 3);
        for (unsigned n = 1; n < place->holders; n++)
            (void)wr_retain(item);
        atomic_store_explicit(&place->post.weak, item_weak(item).bits, memory_order_release);
        atomic_store_explicit(&place->post.strong, item, memory_order_release);
    }
}

static void let_go(struct worker *worker, unsigned i, struct item *item) {
    item_mark(worker, item);
    uint64_t start = clock_now();
    wr_release(item);
    note(worker, i, start, LINEAR_RELEASE, false);
}

/* Come to an item, and wait a while for the others: what is done on it should overlap. */
static void arrive(struct worker *worker, unsigned i) {
    atomic_store_explicit(&histories.at[worker->number], i, memory_order_relaxed);
    for (unsigned t = 0, tries = 0; t < worker->run->threads && tries < MOST_YIELDS;)
        if (atomic_load_explicit(&histories.at[t], memory_order_relaxed) >= i)
            t++;
        else if (tries++ % 16 == 0)
            (void)sched_yield();
}

static void use(struct worker *worker, unsigned i) {
    struct place *place = &histories.places[i];
    unsigned each = each_of(worker->run);
    wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&place->post.weak, memory_order_acquire));
    unsigned rank = (worker->number + worker->run->threads - i % worker->run->threads) % worker->run->threads;
    if (each == 0)
        violation("histories hold operations of at most %u threads", LINEAR_MOST / 2);
    struct item *held =
        rank < place->holders ? atomic_load_explicit(&place->post.strong, memory_order_acquire) : NULL;
    histories.counts[worker->number][i] = 0;
    /* One operation is kept for letting go. */
    while (histories.counts[worker->number][i] + (held != NULL) + 1 < each) {
        uint64_t start;
        uint32_t way = random_below(worker, 8);
        if (held != NULL && way < 3) {
            let_go(worker, i, held);
            held = NULL;
        } else if (held != NULL && way == 3) {
            start = clock_now();
            int won = wr_kill(held);
            note(worker, i, start, LINEAR_KILL, won == 1);
        } else if (held != NULL || way == 4) {
            start = clock_now();
            bool dead = wr_weak_is_dead(weak);
            note(worker, i, start, LINEAR_IS_DEAD, dead);
        } else {
            start = clock_now();
            held = wr_weak_get(weak);
            note(worker, i, start, LINEAR_GET, held != NULL);
            if (held != NULL)
                item_check(held, weak);
        }
    }
    if (held != NULL)
        let_go(worker, i, held);
    worker_stepped(worker, 1);
}

static _Noreturn void tell(const struct linear_step *steps, unsigned count, unsigned i) {
    for (unsigned n = 0; n < count; n++)
        (void)fprintf(stderr, "    thread %2u  %8" PRIu64 " to %8" PRIu64 " ns  %s: %u\n", steps[n].thread,
                      steps[n].start - steps[0].start, steps[n].end - steps[0].start,
                      linear_name(steps[n].kind), steps[n].result);
    violation_of(histories.places[i].post.weak,
                 "the history above, of an object with %u references, is not linearizable",
                 histories.places[i].holders);
}

/* How many of them were under way while one of another thread was. */
static unsigned overlapping(const struct linear_step *steps, unsigned count) {
    unsigned found = 0;
    for (unsigned n = 0; n < count; n++)
        for (unsigned m = 0; m < count; m++)
            if (steps[m].thread != steps[n].thread && steps[m].start <= steps[n].end &&
                steps[n].start <= steps[m].end) {
                found++;
                break;
            }
    return found;
}

static void check(struct worker *worker, unsigned i) {
    struct linear_step steps[LINEAR_MOST] = {{.start = 0}};
    unsigned count = 0;
    for (unsigned t = 0; t < worker->run->threads; t++)
        for (unsigned n = 0; n < histories.counts[t][i];
             n++) { /* by start, which the search does well with */
            unsigned at = count++;
            for (; at > 0 && steps[at - 1].start > histories.steps[t][i][n].start; at--)
                steps[at] = steps[at - 1];
            steps[at] = histories.steps[t][i][n];
        }
    if (!linear_check(steps, count, histories.places[i].holders))
        tell(steps, count, i);
    worker_count(worker, 0, 1);
    worker_count(worker, 1, count);
    worker_count(worker, 2, overlapping(steps, count));
}

static void work(struct worker *worker) {
    perturb_steps_often(true);
    for (;;) {
        atomic_store_explicit(&histories.at[worker->number], 0, memory_order_relaxed);
        if (worker->number == 0)
            prepare(worker);
        if (!round_begins(worker))
            break;
        for (unsigned i = 0; i < ITEMS; i++) {
            arrive(worker, i);
            use(worker, i);
        }
        round_ends(worker);
        for (unsigned i = 0; worker->number == 0 && i < ITEMS; i++)
            check(worker, i);
    }
}

static void begin(struct run *run) {
    (void)run;
}

static void end(struct run *run) {
    uint64_t all = run_counted(run, 1), met = run_counted(run, 2);
    if (met == 0 || (perturb_count(PERTURB_YIELDS) != 0 && met < all / 100 * LEAST_OVERLAPPING))
        run_lacks(run, "of %" PRIu64 " operations only %" PRIu64 " overlapped with one of another thread",
                  all, met);
    for (unsigned i = 0; i < ITEMS; i++) /* the last round was prepared and not run */
        for (unsigned n = 0; n < histories.places[i].holders; n++)
            wr_release(histories.places[i].post.strong);
}

SCENARIO(.hunts = "whole histories of get, is_dead, kill and release: is there an order that explains them",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(get_alive, get_stray, look_below, release_last, close_won, cut_won, cut_late),
         .counted = {"histories", "operations", "overlapping"}, .begin = begin, .work = work, .end = end)
