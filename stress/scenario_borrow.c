/* SPDX-License-Identifier: MIT */
/*
 * Borrow against death. In each round there are some hundred items, each with a holder; all threads go through them
 * in the same order and borrow: one at a time, nested, or many at once, up to more than there are hazards. The holder
 * lets go when it comes by, at times of several one after the other. Borrowers write their mark by a plain store while
 * they have the item; a destroy that comes too early loses marks or is a race. Now and then a thread that borrows ends
 * while others look at its hazards, and the next has them.
 */
#include "item.h"

#define ITEMS 256u
#define MOST 70u /* at once; there are 64 hazards */

struct table {
    struct post posts[ITEMS];
};

static const wr_type shy_type = {.abi = WR_TYPE_ABI,
                                 .flags = WR_BORROWABLE,
                                 .name = "shy item",
                                 .size = sizeof(struct item),
                                 .destroy = item_destroy};

static void prepare(struct worker *worker, struct table *table) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = item_new(worker, random_below(worker, 8) ? &shy_type : &item_type, 16);
        atomic_store_explicit(&table->posts[i].weak, item_weak(item).bits, memory_order_release);
        atomic_store_explicit(&table->posts[i].strong, item, memory_order_release);
    }
}

static void use(struct worker *worker, struct item *item, wr_weak weak) {
    if (item != NULL) {
        item_check(item, weak);
        item_mark(worker, item);
    }
}

/* Borrow items from i on, `many` of them or often one item, and return them in some order. Returns how many there
 * were. */
static unsigned borrow(struct worker *worker, struct table *table, unsigned i, unsigned many, bool same) {
    wr_borrowed borrowed[MOST];
    struct item *items[MOST];
    wr_weak weak[MOST];
    unsigned found = 0;
    for (unsigned n = 0; n < many; n++) {
        struct post *post = &table->posts[(same ? i : i + n) % ITEMS];
        weak[n] = wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire));
        bool dead = wr_weak_is_dead(weak[n]);
        items[n] = wr_borrow(weak[n], &borrowed[n]);
        if (items[n] != NULL && dead)
            violation("a borrow of " WR_WEAK_FMT " succeeded after is_dead said true", WR_WEAK_ARGS(weak[n]));
        if (items[n] == NULL)
            item_check_dead(weak[n]);
        use(worker, items[n], weak[n]);
        found += items[n] != NULL;
    }
    for (volatile uint32_t times = random_below(worker, 64); times > 0; times--)
        ; /* and have them for a moment: who destroys them now is found out */
    unsigned first = random_below(worker, many);
    for (unsigned n = 0; n < many; n++) {
        unsigned k = (first + n) % many;
        use(worker, items[k], weak[k]);
        wr_return(&borrowed[k]);
    }
    return found;
}

static void borrow_and_end(struct worker *child, void *arg) {
    (void)borrow(child, arg, random_below(child, ITEMS), 1 + random_below(child, 4), random_below(child, 2));
}

static void race(struct worker *worker, struct table *table) {
    for (unsigned i = 0; i < ITEMS; i++) {
        if ((i / 3) % worker->run->threads == worker->number)
            wr_release(atomic_exchange_explicit(&table->posts[i].strong, NULL, memory_order_acq_rel));
        unsigned kind = random_below(worker, 64);
        unsigned many = kind == 0 ? MOST : kind < 8 ? 2 + random_below(worker, 8) : 1;
        unsigned found = borrow(worker, table, i, many, random_below(worker, 2));
        worker_count(worker, found != 0 ? 0 : 1, 1);
        worker_stepped(worker, 1);
    }
    if (random_below(worker, 32) == 0)
        worker_child(worker, borrow_and_end, table);
}

/* Between rounds nobody holds or borrows any. */
static void all_ended(void) {
    for (unsigned times = 0; times < 2; times++) {
        struct ledger sum = {0};
        workers_sum(&sum);
        if (sum.made == sum.destroyed)
            return;
        (void)wr_trim(); /* runs the deaths of orphans */
    }
    violation("an object that nobody holds or borrows is not destroyed");
}

static void work(struct worker *worker) {
    struct table *table = worker->run->shared;
    for (unsigned round = 0;; round++) {
        if (worker->number == 0)
            prepare(worker, table);
        if (!round_begins(worker))
            break;
        perturb_steps_often(round % 8 == 7); /* deaths meet deaths on one hazard */
        race(worker, table);
        round_ends(worker);
        if (worker->number == 0) {
            all_ended();
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
        wr_release(atomic_exchange_explicit(&table->posts[i].strong, NULL, memory_order_acq_rel));
}

SCENARIO(.hunts =
             "borrow and return against the death of what is borrowed, and the end of threads that borrow",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(borrowed_by_none, borrow_vain, borrow_reference, handover_left, return_ends,
                        borrow_far),
         .counted = {"borrowed", "found dead", "rounds"}, .begin = begin, .work = work, .end = end)
