/* SPDX-License-Identifier: MIT */
/*
 * Kill against get, release and another kill. In each round there are some hundred items, each with two
 * holders who kill it and then give it up; everybody else gets by its weak value. Of two killers one wins;
 * the loser, and whoever finds the item dead, must see what was written before the kill: notes that are
 * plain stores. A get that passed `below` before the kill lands on a live word that is not its own any
 * more, and gives its unit back, at times as the last.
 */
#include "item.h"

#define ITEMS 256u

struct table {
    struct post posts[ITEMS];
    /* Plain, one for each killer: read by the loser of two, and where there is one killer, by all who find
     * it dead. */
    uint64_t notes[ITEMS][2];
    bool alone[ITEMS]; /* there is one killer, the first holder */
    _Atomic unsigned wins[ITEMS];
    uint64_t round;
};

static void prepare(struct worker *worker, struct table *table) {
    table->round++;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = item_new(worker, &item_type, 8);
        (void)wr_retain(item);
        table->alone[i] = random_below(worker, 2) == 0;
        atomic_store_explicit(&table->wins[i], 0, memory_order_relaxed);
        atomic_store_explicit(&table->posts[i].weak, item_weak(item).bits, memory_order_release);
        atomic_store_explicit(&table->posts[i].strong, item, memory_order_release);
    }
}

static void hold(struct worker *worker, struct table *table, unsigned i, unsigned which) {
    struct item *item = atomic_load_explicit(&table->posts[i].strong, memory_order_acquire);
    wr_weak weak = wr_weak_from_u64(item->self);
    item_mark(worker, item);
    if (which == 0 || !table->alone[i]) {
        table->notes[i][which] = table->round;
        int won = wr_kill(item);
        worker_count(worker, won ? 0 : 1, 1);
        atomic_fetch_add_explicit(&table->wins[i], (unsigned)won, memory_order_relaxed);
        if (won == 0 && table->alone[i])
            violation("the only kill of " WR_WEAK_FMT " lost", WR_WEAK_ARGS(weak));
        if (won == 0 && table->notes[i][1 - which] != table->round)
            violation("the loser of two kills does not see what the winner wrote before");
        if (random_below(worker, 2) == 0) { /* else let go at once, while look-ups are under way */
            item_check_dead(weak);
            item_check(item, weak);
            if (!wr_weak_is_null(wr_weak_of(item)))
                violation("a killed object still gives a weak value");
            item_mark(worker, item);
        }
    }
    wr_release(item);
}

static void race(struct worker *worker, struct table *table) {
    unsigned threads = worker->run->threads;
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned which = (worker->number + threads - i % threads) % threads;
        for (unsigned tries = 1 + random_below(worker, 8); tries > 0; tries--) {
            wr_weak weak =
                wr_weak_from_u64(atomic_load_explicit(&table->posts[i].weak, memory_order_acquire));
            uint32_t way = random_below(worker, 4);
            struct item *item = NULL;
            if (way == 0) { /* is_dead alone has to order the notes; below, get alone */
                if (!wr_weak_is_dead(weak))
                    continue;
            } else {
                item = way == 1 ? post_get(worker, &table->posts[i]) : wr_weak_get(weak);
            }
            worker_count(worker, item != NULL ? 2 : 3, 1);
            if (item == NULL) {
                if (table->alone[i] && table->notes[i][0] != table->round)
                    violation("who finds an object killed does not see what the killer wrote before");
                break;
            }
            wr_release(item);
        }
        if (which < 2)
            hold(worker, table, i, which);
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
        perturb_steps_often(table->round % 2 == 1 &&
                            worker->number % 2 == 1); /* look-ups that come back last */
        race(worker, table);
        round_ends(worker);
        if (worker->number != 0)
            continue;
        for (unsigned i = 0; i < ITEMS; i++) {
            unsigned wins = atomic_load_explicit(&table->wins[i], memory_order_relaxed);
            if (wins != 1)
                violation("%u kills of one object won", wins);
            item_check_dead(wr_weak_from_u64(table->posts[i].weak));
        }
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < ITEMS; i++) { /* the last round was prepared and not run */
        wr_release(table->posts[i].strong);
        wr_release(table->posts[i].strong);
    }
}

SCENARIO(.hunts = "kill against get, release and another kill: one winner, and all see what it wrote before",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(cut_won, cut_late, get_alive, get_foreign, back_some, back_orphan, orphans_adopted,
                        look_below, below_raised, close_won, death_now),
         .counted = {"kills won", "lost", "gets", "found dead"}, .begin = begin, .work = work, .end = end)
