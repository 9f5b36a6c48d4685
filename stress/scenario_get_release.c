/* SPDX-License-Identifier: MIT */
/*
 * The last release against get. In each round there are some hundred items, each with one to four holders;
 * all threads go through them in the same order. A holder gives up its reference when it comes by;
 * everybody gets by the weak value until it is dead. So releases race for the closing, and gets arrive
 * before it, in the middle of it (the count is 0 and the word not closed: they revive the object, and the
 * closing is theirs), after it (a stray unit on a dead word), and when `below` tells already.
 */
#include "item.h"

#define ITEMS 256u

struct table {
    struct post posts[ITEMS];
    unsigned holders[ITEMS]; /* written by worker 0 between rounds */
};

static void prepare(struct worker *worker, struct table *table) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = item_new(worker, &item_type, random_below(worker, 40));
        table->holders[i] = 1 + random_below(worker, worker->run->threads < 4 ? worker->run->threads : 4);
        for (unsigned n = 1; n < table->holders[i]; n++)
            if (wr_retain(item) != item)
                violation("wr_retain returned something else");
        atomic_store_explicit(&table->posts[i].weak, item_weak(item).bits, memory_order_release);
        atomic_store_explicit(&table->posts[i].strong, item, memory_order_release);
    }
}

/* Tell whether a worker holds a reference to item i. */
static bool holds(const struct worker *worker, const struct table *table, unsigned i) {
    unsigned threads = worker->run->threads;
    return (worker->number + threads - i % threads) % threads < table->holders[i];
}

static void race(struct worker *worker, struct table *table) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct post *post = &table->posts[i];
        unsigned tries = 1 + random_below(worker, 8);
        if (holds(worker, table, i)) {
            struct item *item = atomic_load_explicit(&post->strong, memory_order_acquire);
            item_check(item, wr_weak_from_u64(item->self));
            item_mark(worker, item);
            wr_release(item);
        }
        while (tries-- > 0) {
            struct item *item = post_get(worker, post);
            worker_count(worker, item != NULL ? 0 : 1, 1);
            if (item == NULL)
                break;
            wr_release(item);
        }
        worker_stepped(worker, 1);
    }
}

static void work(struct worker *worker) {
    struct table *table = worker->run->shared;
    for (;;) {
        if (worker->number == 0)
            prepare(worker, table);
        if (!round_begins(worker))
            break;
        race(worker, table);
        round_ends(worker);
        if (worker->number == 0) {
            for (unsigned i = 0; i < ITEMS; i++)
                item_check_dead(wr_weak_from_u64(table->posts[i].weak));
            worker_count(worker, 2, 1);
        }
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < ITEMS; i++) /* the last round was prepared and not run */
        for (unsigned n = 0; n < table->holders[i]; n++)
            wr_release(table->posts[i].strong);
}

SCENARIO(.hunts = "get against the last release: both sides of the closing, and in the middle of it",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(retain, look_below, get_alive, get_stray, release_some, release_last, close_won,
                        close_lost, below_raised, death_now, refill_depot, carve, grow, record_new),
         .counted = {"gets", "found dead", "rounds"}, .begin = begin, .work = work, .end = end)
