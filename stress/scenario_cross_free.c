/* SPDX-License-Identifier: MIT */
/*
 * Objects made on one thread and freed on another. Threads hand references to each other through boxes,
 * some threads mostly making and some mostly taking: their caches run over and run dry, so that slots go
 * through their spare magazines and the depot. Sizes are mixed, and items without destroy are among them.
 * An item must come out of the depot all zero and on no other thread; who takes it out of a box must see
 * it intact.
 */
#include "item.h"

#define BOXES 1024u

static void put(struct worker *worker, _Atomic(struct item *) *box) {
    uint32_t filler = random_below(worker, 8) == 0 ? random_below(worker, 3000) : random_below(worker, 64);
    struct item *item =
        item_new(worker, random_below(worker, 4) == 0 ? &item_quiet_type : &item_type, filler);
    if (random_below(worker, 2) == 0)
        (void)item_weak(item);
    item_mark(worker, item);
    item = atomic_exchange_explicit(box, item, memory_order_acq_rel);
    wr_release(item);
    worker_count(worker, 0, 1);
}

static void take(struct worker *worker, _Atomic(struct item *) *box) {
    struct item *item = atomic_exchange_explicit(box, NULL, memory_order_acq_rel);
    if (item == NULL)
        return;
    item_check(item, wr_weak_from_u64(item->self));
    item_mark(worker, item);
    perturb_holding();
    wr_release(item);
    worker_count(worker, 1, 1);
}

static void work(struct worker *worker) {
    _Atomic(struct item *) *boxes = worker->run->shared;
    uint32_t makes = worker->number % 2 == 0 ? 14 : 2; /* of 16 */
    while (worker_goes_on(worker)) {
        _Atomic(struct item *) *box = &boxes[random_below(worker, BOXES)];
        if (random_below(worker, 4096) == 0)
            makes = 16 - makes;
        if (random_below(worker, 16) < makes)
            put(worker, box);
        else
            take(worker, box);
    }
}

static void begin(struct run *run) {
    static _Atomic(struct item *) boxes[BOXES];
    run->shared = boxes;
}

static void end(struct run *run) {
    _Atomic(struct item *) *boxes = run->shared;
    for (unsigned i = 0; i < BOXES; i++)
        wr_release(boxes[i]);
}

SCENARIO(.hunts = "made here, freed there: caches that run over and dry, and the depot between them",
         .takes = TAKES(keep_spare, keep_overflow, refill_spare, refill_depot, depot_batch, carve, grow,
                        release_sole, sole_plain, death_quiet, death_now),
         .counted = {"put", "taken"}, .mixes = true, .begin = begin, .work = work, .end = end)
