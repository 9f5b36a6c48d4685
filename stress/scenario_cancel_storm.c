/* SPDX-License-Identifier: MIT */
/*
 * Everybody cancels the same callbacks while one ends their objects. Of all cancels and the one run, exactly one
 * wins; whoever's cancel returned, early, late or timed, sees what the run did, and sees no change after. The
 * timed ones may give up, and then come again.
 */
#include "weakrefs.h"

#include <errno.h>

#define ITEMS 64u

struct place {
    struct item *item;
    wr_weakref *ref;
    struct note note;
    _Atomic unsigned wins;
};

static void prepare(struct worker *worker, struct place *places) {
    for (unsigned i = 0; i < ITEMS; i++) {
        places[i].item = item_new(worker, &item_type, 0);
        (void)item_weak(places[i].item);
        places[i].ref = note_ref(places[i].item, &places[i].note, 0);
        atomic_store_explicit(&places[i].wins, 0, memory_order_relaxed);
    }
}

static void cancel(struct worker *worker, struct place *place) {
    int result = -ETIMEDOUT;
    for (int64_t timeout_ms = 0; result == -ETIMEDOUT; timeout_ms = random_below(worker, 2) ? -1 : 1) {
        result = wr_weakref_cancel_timed(place->ref, random_below(worker, 2) ? -1 : timeout_ms);
        worker_count(worker, result == -ETIMEDOUT ? 2 : result == 1 ? 0 : 1, 1);
    }
    if (result == 1)
        atomic_fetch_add_explicit(&place->wins, 1, memory_order_relaxed);
    if (result < 0 || place->note.freed != 1 || (result == 1 && place->note.ran != 0))
        violation("cancel returned %d; run %u times, argument destroyed %u times", result, place->note.ran,
                  place->note.freed);
}

static void race(struct worker *worker, struct place *places) {
    unsigned threads = worker->run->threads;
    for (unsigned i = 0; i < ITEMS; i++) {
        if (i % threads == worker->number) {
            item_mark(worker, places[i].item);
            wr_release(places[i].item);
        } else {
            cancel(worker, &places[i]);
        }
        worker_stepped(worker, 1);
    }
}

static void work(struct worker *worker) {
    struct place *places = worker->run->shared;
    for (;;) {
        if (worker->number == 0)
            prepare(worker, places);
        if (!round_begins(worker))
            break;
        race(worker, places);
        round_ends(worker);
        for (unsigned i = 0; worker->number == 0 && i < ITEMS; i++) {
            note_check(&places[i].note, atomic_load_explicit(&places[i].wins, memory_order_relaxed), false);
            wr_release(places[i].ref);
        }
    }
}

static void begin(struct run *run) {
    static struct place places[ITEMS];
    run->shared = places;
}

static void end(struct run *run) {
    struct place *places = run->shared;
    for (unsigned i = 0; i < ITEMS; i++) { /* the last round was prepared and not run */
        wr_release(places[i].item);
        wr_release(places[i].ref);
    }
}

SCENARIO(.hunts = "cancel storms: of all cancels and the run, one wins, and all see what it did",
         .spared = SPARED(PERTURB_REPLACE), .takes = TAKES(cancel_won, cancel_met, cancel_late, fire_taken),
         .counted = {"cancelled", "too late", "timed out"}, .begin = begin, .work = work, .end = end)
