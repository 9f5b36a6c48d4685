/* SPDX-License-Identifier: MIT */
/*
 * The death by a plain store of objects that never had a weak value, against the first weak value being
 * made. In each round there are some hundred items in slots that never had one; of the two holders of
 * each, one makes the first and lets go, while the other lets go too: it has seen `below` at 0, and must
 * see it again, after the count, before it may close the word by a store, which does not spend the tag: else
 * the next item there is given the same weak value. Others get by that value, and by forged ones, which must
 * write nothing as long as no value was made.
 */
#include "word.h" /* before what puts its own names in place of those there */

#include "item.h"

#define ITEMS 256u
#define HOARD 400000u /* items in slots that have had a weak value, kept so that new ones get fresh slots */

#define INDICES (1u << 23) /* more than the run reaches, or it is not looked at */

struct table {
    struct post posts[ITEMS];
    bool mint[ITEMS];
    _Atomic unsigned other[ITEMS]; /* 1: the other holder is about to let go. A hint, relaxed */
    uint8_t *given;                /* by index: a weak value with the first tag was made there */
    void **hoard;
    unsigned hoarded;
};

/* Make an item in a slot that never had a weak value, while there is room to put the others. */
static struct item *fresh_item(struct worker *worker, struct table *table) {
    for (;;) {
        struct item *item = item_new(worker, &item_type, 0);
        if (wr_load_relaxed(&wr_slot_of(item)->below) == 0 || table->hoarded == HOARD)
            return item;
        table->hoard[table->hoarded++] = item;
    }
}

static void prepare(struct worker *worker, struct table *table) {
    /* Fresh slots are few: most of them are for the time when the race is likely. */
    bool fresh = perturb_yields_now() || random_below(worker, 16) == 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = fresh ? fresh_item(worker, table) : item_new(worker, &item_type, 0);
        (void)wr_retain(item);
        table->mint[i] = random_below(worker, 8) != 0;
        atomic_store_explicit(&table->other[i], 0, memory_order_relaxed);
        atomic_store_explicit(&table->posts[i].weak, 0, memory_order_relaxed);
        atomic_store_explicit(&table->posts[i].strong, item, memory_order_release);
    }
}

static void race(struct worker *worker, struct table *table) {
    unsigned threads = worker->run->threads;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct post *post = &table->posts[i];
        unsigned which = (worker->number + threads - i % threads) % threads;
        struct item *item = atomic_load_explicit(&post->strong, memory_order_acquire);
        if (which < 2) {
            item_mark(worker, item);
            if (which == 1)
                atomic_store_explicit(&table->other[i], 1, memory_order_relaxed);
            for (unsigned tries = 1000; which == 0 && tries > 0; tries--)
                if (atomic_load_explicit(&table->other[i], memory_order_relaxed) != 0)
                    break;
            if (which == 0 && table->mint[i])
                atomic_store_explicit(&post->weak, item_weak(item).bits, memory_order_release);
            wr_release(item);
        } else if (which == 2) {
            /* Not its payload: nothing orders a forged value. Tags of a slot without a weak value stay at
             * 1. */
            void *got = wr_weak_get(wr_weak_from_u64((uint64_t)wr_index_of(wr_slot_of(item)) << 32 | 1));
            worker_count(worker, 2, got != NULL);
            wr_release(got);
        }
        if (table->mint[i] && which != 0) {
            item = post_get(worker, post);
            worker_count(worker, item != NULL ? 0 : 1, 1);
            wr_release(item);
        }
        worker_stepped(worker, 1);
    }
}

/* A death by a store does not spend the tag: the next item in the slot is given the same value. */
static void look_back(struct table *table, wr_weak weak) {
    uint32_t index = (uint32_t)(weak.bits >> 32);
    item_check_dead(weak);
    if ((uint32_t)weak.bits != 1 || index >= INDICES)
        return;
    if (table->given[index] != 0)
        violation(WR_WEAK_FMT " was given as the weak value of two objects", WR_WEAK_ARGS(weak));
    table->given[index] = 1;
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
        if (worker->number == 0)
            for (unsigned i = 0; i < ITEMS; i++)
                look_back(table, wr_weak_from_u64(table->posts[i].weak));
    }
}

static void begin(struct run *run) {
    static struct table table;
    static void *hoard[HOARD];
    static uint8_t given[INDICES];
    table.hoard = hoard;
    table.given = given;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < ITEMS; i++) { /* the last round was prepared and not run */
        wr_release(table->posts[i].strong);
        wr_release(table->posts[i].strong);
    }
    while (table->hoarded > 0)
        wr_release(table->hoard[--table->hoarded]);
}

SCENARIO(.hunts = "death by a plain store against the first weak value, and against forged ones",
         .spared = SPARED(PERTURB_WEAR) | SPARED(PERTURB_REPLACE),
         .takes = TAKES(release_sole, release_lone, release_fresh, release_last, sole_plain, look_below,
                        get_alive, carve_next),
         .counted = {"gets", "found dead", "forged gets that came after the first value"}, .begin = begin,
         .work = work, .end = end)
