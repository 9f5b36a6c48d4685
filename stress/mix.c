/* SPDX-License-Identifier: MIT */
#include "mix.h"

#include "item.h"

#define MOST_PARTS 32u
#define COMMONS 256u /* weak values on offer */
#define CELLS 4u
#define KEPT 3u
#define MOST_STEPS 400u /* of a turn */

static struct {
    struct scenario *parts[MOST_PARTS];
    struct run runs[MOST_PARTS]; /* as the whole's, but for what the scenario has of its own */
    unsigned count;
    _Atomic uint64_t offered[COMMONS];
    atomic_uint next;
    wr_cell cells[CELLS];
} mix;

void mix_offer(wr_weak weak) {
    if (mix.count == 0)
        return;
    unsigned i = atomic_fetch_add_explicit(&mix.next, 1, memory_order_relaxed) % COMMONS;
    atomic_store_explicit(&mix.offered[i], weak.bits, memory_order_release);
}

static void use(struct worker *worker, struct item *item, wr_weak weak) {
    if (item == NULL)
        return;
    item_check(item, weak);
    item_mark(worker, item);
}

static void visit(struct worker *worker, struct item **kept) {
    wr_borrowed borrowed;
    wr_cell *cell = &mix.cells[random_below(worker, CELLS)];
    wr_weak weak = wr_weak_from_u64(
        atomic_load_explicit(&mix.offered[random_below(worker, COMMONS)], memory_order_acquire));
    struct item *item;
    switch (random_below(worker, 4)) {
    case 0:
        use(worker, wr_borrow(weak, &borrowed), weak);
        wr_return(&borrowed);
        break;
    case 1:
        item = wr_cell_load(cell);
        use(worker, item, wr_weak_from_u64(0));
        wr_release(item);
        break;
    case 2:
        item = wr_weak_get(weak);
        use(worker, item, weak);
        wr_cell_store(cell, item); /* or it is emptied */
        wr_release(item);
        break;
    default:
        item = wr_weak_get(weak);
        use(worker, item, weak);
        wr_release(*kept);
        *kept = item;
    }
}

static void work(struct worker *worker) {
    struct item *kept[KEPT] = {NULL};
    struct run *whole = worker->run;
    do {
        unsigned part = random_below(worker, mix.count);
        worker->run = &mix.runs[part];
        worker->turn_steps = 1 + random_below(worker, MOST_STEPS);
        mix.parts[part]->work(worker);
        worker->run = whole;
        for (uint32_t times = random_below(worker, 32); times > 0; times--)
            visit(worker, &kept[random_below(worker, KEPT)]);
        worker->turn_steps = 0;
    } while (worker_goes_on(worker));
    for (unsigned i = 0; i < KEPT; i++)
        wr_release(kept[i]);
}

static void begin(struct run *whole) {
    for (unsigned i = 0; i < mix.count; i++) {
        mix.runs[i] = *whole;
        mix.runs[i].scenario = mix.parts[i];
        mix.parts[i]->begin(&mix.runs[i]);
    }
}

static void end(struct run *whole) {
    (void)whole;
    for (unsigned i = 0; i < CELLS; i++)
        wr_cell_store(&mix.cells[i], NULL);
    for (unsigned i = 0; i < mix.count; i++)
        mix.parts[i]->end(&mix.runs[i]);
}

struct scenario *mix_make(struct scenario *const *parts, unsigned count) {
    static struct scenario scenario = {.hunts = "what scenarios do to each other's objects",
                                       .takes = TAKES(get_alive, close_won, cell_load),
                                       .begin = begin,
                                       .work = work,
                                       .end = end,
                                       .name = MIX_NAME};
    for (unsigned i = 0; i < count && i < MOST_PARTS; i++) {
        if (!parts[i]->mixes) {
            (void)fprintf(stderr, "wr-stress: %s cannot be mixed; --list tells which can\n", parts[i]->name);
            return NULL;
        }
        mix.parts[mix.count++] = parts[i];
        scenario.spared |= parts[i]->spared;
    }
    return &scenario;
}
