/* SPDX-License-Identifier: MIT */
/*
 * Cells under readers who load and borrow, and writers who store, exchange, compare and exchange, empty them, and
 * clear or kill what is in them. Few cells and short lives, so that slots are used again while a load has its hand on
 * them. What a reader finds must be intact, and its marks must be seen by destroy.
 */
#include "item.h"

#define CELLS 3u

struct table {
    wr_cell cells[CELLS];
    wr_weak_cell weak[CELLS];
};

static const wr_type shy_type = {.abi = WR_TYPE_ABI,
                                 .flags = WR_BORROWABLE,
                                 .name = "shy item",
                                 .size = sizeof(struct item),
                                 .destroy = item_destroy};

static void use(struct worker *worker, struct item *item) {
    if (item != NULL) {
        item_check(item, wr_weak_from_u64(0));
        item_mark(worker, item);
    }
    worker_count(worker, item != NULL ? 0 : 1, 1);
}

static struct item *make(struct worker *worker, wr_weak *weak) {
    struct item *item = item_new(worker, random_below(worker, 4) ? &shy_type : &item_type, 8);
    *weak = item_weak(item);
    return item;
}

/* Put a new value there, which nobody else has: by the way that is chosen, and what was there is no newer one. */
static void write_weak(struct worker *worker, wr_weak_cell *cell, wr_weak weak) {
    wr_weak old = wr_weak_cell_load(cell);
    switch (random_below(worker, 3)) {
    case 0:
        wr_weak_cell_store(cell, weak);
        return;
    case 1:
        old = wr_weak_cell_exchange(cell, weak);
        break;
    default:
        if (!wr_weak_cell_compare_exchange(cell, old, weak))
            return;
        worker_count(worker, 3, 1);
    }
    if (wr_weak_to_u64(old) == wr_weak_to_u64(weak))
        violation(WR_WEAK_FMT " was in a weak cell before it was made", WR_WEAK_ARGS(weak));
}

static void write_cell(struct worker *worker, wr_cell *cell, wr_weak_cell *weak_cell) {
    wr_weak weak;
    struct item *old = NULL, *item = NULL;
    switch (random_below(worker, 5)) {
    case 0:
    case 1:
        item = make(worker, &weak);
        write_weak(worker, weak_cell, weak);
        wr_cell_store(cell, item);
        break;
    case 2:
        old = wr_cell_exchange(cell, NULL);
        use(worker, old);
        break;
    case 3:
        item = make(worker, &weak);
        old = wr_cell_load(cell);
        use(worker, old);
        worker_count(worker, 2, wr_cell_compare_exchange(cell, old, item));
        break;
    default:
        old = wr_cell_load(cell);
        if (old != NULL && random_below(worker, 2))
            (void)wr_kill(old);
        else if (old != NULL)
            (void)wr_weakref_clear(old);
    }
    wr_release(item);
    wr_release(old);
}

static void read_cell(struct worker *worker, wr_cell *cell, wr_weak_cell *weak_cell) {
    wr_borrowed borrowed[6];
    struct item *item;
    unsigned many;
    switch (random_below(worker, 4)) {
    case 0:
        item = wr_weak_cell_get(weak_cell);
        use(worker, item);
        wr_release(item);
        break;
    case 1:
        item = wr_cell_load(cell);
        use(worker, item);
        wr_release(item);
        break;
    default:
        many = random_below(worker, 4) ? 1 : 6;
        for (unsigned n = 0; n < many; n++)
            use(worker, wr_cell_borrow(cell, &borrowed[n]));
        for (unsigned n = 0; n < many; n++)
            wr_return(&borrowed[n]);
    }
}

static void work(struct worker *worker) {
    struct table *table = worker->run->shared;
    while (worker_goes_on(worker)) {
        unsigned k = random_below(worker, CELLS);
        if (random_below(worker, 3) == 0)
            write_cell(worker, &table->cells[k], &table->weak[k]);
        else
            read_cell(worker, &table->cells[k], &table->weak[k]);
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned k = 0; k < CELLS; k++)
        wr_cell_store(&table->cells[k], NULL);
}

SCENARIO(.hunts = "cells that change under those who load and borrow from them",
         .takes = TAKES(cell_load, cell_stray, cell_changed, borrowed_by_none, handover_back, handover_taken,
                        cell_borrow_far),
         .counted = {"found", "empty", "exchanged", "weak exchanged"}, .mixes = true, .begin = begin,
         .work = work, .end = end)
