/* SPDX-License-Identifier: MIT */
/*
 * Memory given back under stale weak values. Items of a large class come and go in floods; in between any
 * thread calls wr_trim, which gives whole chunks back, so that their words read as zero, until slots are
 * made there again, with tags from the chunk's floor on. Others keep using values of items that died
 * there, some with a look-up under way: none may ever succeed, whatever was in that slot before, during
 * and after.
 */
#include "item.h"

#define STALE 4096u
#define FLOOD 200u
#define FILLER 30000u /* some 60 to a chunk */

struct table {
    _Atomic uint64_t stale[STALE];
    struct post posts[4];
    _Atomic uint64_t given; /* bytes */
};

static void flood(struct worker *worker, struct table *table) {
    static _Thread_local struct item *held[FLOOD];
    for (unsigned i = 0; i < FLOOD; i++) {
        held[i] = item_new(worker, &item_type, FILLER - random_below(worker, 64));
        uint64_t weak = item_weak(held[i]).bits;
        if (i % 16 == 0)
            atomic_store_explicit(&table->posts[i / 16 % 4].weak, weak, memory_order_release);
    }
    for (unsigned i = 0; i < FLOOD; i++) {
        wr_weak weak = wr_weak_from_u64(held[i]->self);
        wr_release(held[i]);
        if (wr_weak_is_dead(weak))
            atomic_store_explicit(&table->stale[random_below(worker, STALE)], weak.bits,
                                  memory_order_release);
    }
    worker_stepped(worker, FLOOD);
}

static void work(struct worker *worker) {
    struct table *table = worker->run->shared;
    while (worker_goes_on(worker)) {
        switch (random_below(worker, 512)) {
        case 0:
            flood(worker, table);
            break;
        case 1: {
            size_t given = wr_trim();
            worker_count(worker, 0, 1);
            worker_count(worker, 1, given >> 20);
            break;
        }
        default: {
            uint64_t bits =
                atomic_load_explicit(&table->stale[random_below(worker, STALE)], memory_order_acquire);
            item_check_dead(wr_weak_from_u64(bits));
            struct item *item = post_get(worker, &table->posts[random_below(worker, 4)]);
            worker_count(worker, 2, item != NULL);
            wr_release(item);
        }
        }
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < STALE; i++)
        item_check_dead(wr_weak_from_u64(table->stale[i]));
}

SCENARIO(.hunts = "memory given back to the system under stale weak values", .spared = SPARED(PERTURB_WEAR),
         .takes = TAKES(trim_given, trim_stays, carve_floor, carve_next, flush, get_alive, look_below, grow),
         .counted = {"trims", "MiB given back", "gets"}, .mixes = true, .begin = begin, .work = work,
         .end = end)
