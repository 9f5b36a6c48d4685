/* SPDX-License-Identifier: MIT */
/*
 * kill_wait from many threads on one item, while others take and drop references to it. Whoever waited with
 * success must see what destroy did, by a plain store; whoever timed out left nothing behind on a stack that
 * is used again at once. A look-up that was under way when the item was killed may give the last reference
 * back, and then only those who wait are there to end it.
 */
#include <errno.h>

#include "item.h"

#define TARGETS 64u

struct target {
    struct item item;
    uint64_t *ended; /* where destroy notes the round */
    uint64_t round;
};

struct table {
    struct post posts[TARGETS];
    uint64_t ended[TARGETS]; /* plain: who waited reads what destroy wrote */
    uint64_t round;
};

static void destroy_target(void *self) {
    struct target *target = self;
    *target->ended = target->round;
    item_destroy(self);
}

static const wr_type target_type = {
    .abi = WR_TYPE_ABI, .name = "target", .size = sizeof(struct target), .destroy = destroy_target};

/* Every second worker, and two at the least, wait. */
static bool waits(const struct worker *worker) {
    return worker->number % 2 == 0 || worker->number == 1;
}

static void prepare(struct worker *worker, struct table *table) {
    table->round++;
    for (unsigned i = 0; i < TARGETS; i++) {
        struct target *target = item_new(worker, &target_type, 0);
        target->ended = &table->ended[i];
        target->round = table->round;
        for (unsigned w = 1; w < worker->run->threads; w++)
            if (waits(&worker->run->workers[w]))
                (void)wr_retain(target); /* the first is worker 0's */
        atomic_store_explicit(&table->posts[i].weak, item_weak(&target->item).bits, memory_order_release);
        atomic_store_explicit(&table->posts[i].strong, &target->item, memory_order_release);
    }
}

static void wait_for(struct worker *worker, struct table *table, unsigned i) {
    struct item *item = atomic_load_explicit(&table->posts[i].strong, memory_order_acquire);
    item_mark(worker, item);
    int64_t timeout = random_below(worker, 2) == 0 ? -1 : (int64_t)random_below(worker, 2);
    int result = wr_kill_wait(item, timeout);
    if (result != 0 && (result != -ETIMEDOUT || timeout < 0))
        violation("kill_wait: %d with a timeout of %d", result, (int)timeout);
    worker_count(worker, result == 0 ? 0 : 1, 1);
    if (result == 0 && table->ended[i] != table->round)
        violation("kill_wait returned before destroy had");
}

static void race(struct worker *worker, struct table *table) {
    for (unsigned i = 0; i < TARGETS; i++) {
        struct post *post = &table->posts[i];
        for (unsigned tries = random_below(worker, 20); tries > 0; tries--) {
            struct item *item = post_get(worker, post);
            worker_count(worker, item != NULL ? 2 : 3, 1);
            if (item == NULL)
                break;
            item_mark(worker, item);
            wr_release(item);
        }
        if (waits(worker))
            wait_for(worker, table, i);
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
        if (worker->number != 0)
            continue;
        (void)wr_trim(); /* an orphan that nobody waited for without end */
        for (unsigned i = 0; i < TARGETS; i++)
            if (table->ended[i] != table->round)
                violation("an item that all let go of was not destroyed");
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < TARGETS; i++) /* the last round was prepared and not run */
        for (unsigned w = 0; w < run->threads; w++)
            if (waits(&run->workers[w]))
                wr_release(table->posts[i].strong);
}

SCENARIO(.hunts = "kill_wait from many threads on one object, with references taken and dropped",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(bell_woke, cut_won, cut_late, get_alive, look_below, close_won),
         .counted = {"waited", "timed out", "gets", "found dead"}, .begin = begin, .work = work, .end = end)
