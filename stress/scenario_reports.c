/* SPDX-License-Identifier: MIT */
/*
 * Reports on a process that goes on: one worker writes statistics, what is alive, and who holds what, and looks at
 * every slot for that while the others make, hold, track and let go of objects with all references recorded. What is
 * steady must be in each report as it is: some objects that are there all the time. Objects die and slots are used
 * again under the report's eyes; places of objects that are no more are asked for. The report on circles, which needs
 * quiet, comes at the end, and finds the one that was made for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"

#define POSTS 16u
#define STEADY 7u

struct table {
    struct post posts[POSTS];
    _Atomic(void *) places[POSTS]; /* of objects that may be no more */
    void *steady[STEADY];
    _Atomic uint64_t boxed, unboxed, reports;
};

struct ring {
    struct item item;  /* first */
    struct ring *next; /* a reference */
};

static void trace_ring(void *self, wr_visit visit, void *arg) {
    visit(((struct ring *)self)->next, "next", arg);
}

static const wr_type steady_type = {.abi = WR_TYPE_ABI, .name = "steady", .size = 8};
static const wr_type ring_type = {.abi = WR_TYPE_ABI,
                                  .name = "ring",
                                  .size = sizeof(struct ring),
                                  .destroy = item_destroy,
                                  .trace = trace_ring};

static struct table table;

static void unbox(void *pointer) {
    if (pointer != &table)
        violation("a box had another pointer in it");
    atomic_fetch_add_explicit(&table.unboxed, 1, memory_order_relaxed);
}

/* A reference with a name, or one that is given one, to an item that others take meanwhile. */
static void hold(struct worker *worker, struct post *post) {
    wr_holder first = {0}, second = {0};
    struct item *item = post_get(worker, post);
    if (item == NULL)
        return;
    wr_track(item, &first);
    if (wr_hold(item, &second) != item || wr_refcount(item) < 2)
        violation_of(trail_about(item), "two references were counted as %u", wr_refcount(item));
    if (random_below(worker, 2) == 0)
        wr_drop(item, &second);
    else
        wr_untrack(item, &second), wr_release(item);
    if (random_below(worker, 8) == 0)
        (void)wr_kill(item);
    wr_drop(item, &first);
    worker_count(worker, 0, 1);
}

static void replace(struct worker *worker, unsigned i) {
    struct item *item = item_new(worker, &item_type, random_below(worker, 100));
    uint64_t bits = item_weak(item).bits;
    atomic_store_explicit(&table.places[i], item, memory_order_relaxed);
    wr_release(atomic_exchange_explicit(&table.posts[i].strong, item, memory_order_acq_rel));
    atomic_store_explicit(&table.posts[i].weak, bits, memory_order_release);
}

static void box(void) {
    void *made = wr_box_new(&table, unbox);
    wr_weak weak;
    if (made == NULL || wr_box_get(made) != &table ||
        wr_weak_check(wr_weak_to_u64(wr_weak_of(made)), &weak) != 0)
        violation("a box is not as it was made");
    atomic_fetch_add_explicit(&table.boxed, 1, memory_order_relaxed);
    wr_release(made);
}

/* Write one kind of report. Returns its text, to be freed, or NULL if there was no memory for it. */
static char *report(unsigned kind, const void *place) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        violation("open_memstream failed");
    int result = kind < 3    ? wr_stats_write(file, (wr_format)kind)
                 : kind == 3 ? wr_report_live(file)
                             : wr_report_holders(file, place);
    (void)fclose(file);
    bool refused = result == -ENOMEM && perturb_is_on(PERTURB_MEMORY);
    if (result != 0 && !refused && !(kind == 4 && result == -ESTALE))
        violation("a report of kind %u: %d", kind, result);
    if (result == 0 && (size == 0 || text[size - 1] != '\n'))
        violation("a report of kind %u does not end in a line", kind);
    if (result != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static void look(struct worker *worker) {
    wr_stats stats;
    unsigned kind = random_below(worker, 5);
    void *place = atomic_load_explicit(&table.places[random_below(worker, POSTS)], memory_order_relaxed);
    wr_stats_get(&stats, sizeof stats);
    if (stats.live < STEADY || stats.live_bytes < STEADY * 32 || stats.committed_bytes < stats.live_bytes)
        violation("of %u objects that stay, the statistics count %" PRIu64, STEADY, stats.live);
    char *text = report(kind, place);
    if (text != NULL && kind < 4 && strstr(text, "steady") == NULL)
        violation("a report of kind %u does not name the type of objects that stay:\n%s", kind, text);
    worker_count(worker, 1, text != NULL);
    atomic_fetch_add_explicit(&table.reports, text != NULL, memory_order_relaxed);
    free(text);
}

static void work(struct worker *worker) {
    while (worker->number == 0 &&
           table.reports == 0) /* at least one, however short the run, or refused the memory */
        look(worker);
    while (worker_goes_on(worker)) {
        unsigned i = random_below(worker, POSTS);
        if (worker->number == 0 && random_below(worker, 2) == 0)
            look(worker);
        else if (random_below(worker, 8) == 0)
            replace(worker, i);
        else if (random_below(worker, 8) == 0)
            box();
        else
            hold(worker, &table.posts[i]);
    }
}

static void begin(struct run *run) {
    run->shared = &table;
    if (wr_debug("holders=1") != 0 || wr_version() != WR_VERSION)
        violation("no records, or another library");
    for (unsigned i = 0; i < STEADY; i++)
        table.steady[i] = wr_new(&steady_type);
    for (unsigned i = 0; i < POSTS; i++)
        replace(worker_self, i);
}

static void find_circle(struct worker *worker) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct ring *one = item_new(worker, &ring_type, 0), *other = item_new(worker, &ring_type, 0);
    one->next = other;
    other->next = one;
    if (wr_report_cycles(file, WR_TEXT) != 0 || fclose(file) != 0 || strstr(text, "ring") == NULL)
        violation("a circle of two was not found:\n%s", text);
    free(text);
    wr_release(one);
    wr_release(other);
}

static void end(struct run *run) {
    if (table.reports == 0)
        run_lacks(run, "no report was written");
    find_circle(worker_self);
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(table.posts[i].strong);
    for (unsigned i = 0; i < STEADY; i++)
        wr_release(table.steady[i]);
    if (table.boxed != table.unboxed)
        violation("%" PRIu64 " boxes were made, %" PRIu64 " ended", table.boxed, table.unboxed);
    (void)wr_debug("holders=0");
}

SCENARIO(.hunts = "reports and records of references while everything changes",
         .takes = TAKES(get_alive, retain, close_won, cut_won), .counted = {"held by name", "reports"},
         .mixes = true, .begin = begin, .work = work, .end = end)
