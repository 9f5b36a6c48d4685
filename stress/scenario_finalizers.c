/* SPDX-License-Identifier: MIT */
/*
 * Finalizers against the ends of their objects. In each round there are some hundred items with several finalizers
 * each, some of them for the program's exit. One worker ends an item, by a release alone or after a kill or a clear,
 * which leave finalizers where they are; others meanwhile call, detach, peek at or drop the handles, and one at times
 * runs those that are for exit. Every finalizer runs exactly once, or was detached and never runs; none runs before
 * its object has ended unless it was called, and what one that ran wrote is seen after the round.
 */
#include "item.h"

#define ITEMS 128u
#define FINALIZERS 4u

enum fate { LEFT, CALLED, DETACHED, PEEKED, DROPPED, FATES };

/* Plain, so that a missing order is a race: read by whoever called, or after the round. */
struct record {
    wr_weak weak;         /* of its object */
    wr_finalizer *handle; /* NULL once dropped */
    enum fate fate;
    bool at_exit;
    unsigned ran;
    int result; /* of the call or detach */
};

struct place {
    struct item *item;
    wr_weak weak;
    unsigned end; /* release alone, or after kill or clear */
    struct record records[FINALIZERS];
};

static _Thread_local bool exits_run; /* this thread runs those for exit */
static _Thread_local const struct record *calls;

static void run_one(void *arg) {
    struct record *record = arg;
    if (record->ran++ != 0)
        violation("a finalizer ran twice");
    if (record != calls && !exits_run)
        item_check_dead(record->weak); /* its object's end runs it */
}

static void prepare(struct worker *worker, struct place *places) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct place *place = &places[i];
        place->item = item_new(worker, &item_type, 0);
        place->weak = item_weak(place->item);
        place->end = random_below(worker, 3);
        for (unsigned r = 0; r < FINALIZERS; r++) {
            struct record *record = &place->records[r];
            *record = (struct record){.weak = place->weak, .fate = random_below(worker, FATES), .result = -1};
            record->at_exit = random_below(worker, 4) == 0;
            record->handle = wr_finalizer_new(place->item, run_one, record, record->at_exit ? WR_AT_EXIT : 0);
            if (record->handle == NULL)
                violation("no finalizer for a live object");
        }
    }
}

static void end_item(struct worker *worker, struct place *place) {
    item_mark(worker, place->item);
    if (place->end == 1 && wr_kill(place->item) != 1)
        violation("the only kill of an object lost");
    if (place->end == 2)
        (void)item_clear(place->item);
    wr_release(place->item);
}

static void peek(struct worker *worker, struct record *record) {
    struct item *item = wr_finalizer_peek(record->handle, NULL, NULL);
    if (item != NULL) {
        item_check(item, record->weak);
        item_mark(worker, item);
        perturb_holding();
        wr_release(item);
    }
    worker_count(worker, item != NULL ? 4 : 5, 1);
}

static void decide(struct worker *worker, struct record *record) {
    switch (record->fate) {
    case CALLED:
        calls = record;
        record->result = wr_finalizer_call(record->handle);
        calls = NULL;
        if (record->result == 1 && record->ran != 1)
            violation("a call said that it ran the finalizer, which ran %u times", record->ran);
        worker_count(worker, record->result == 1 ? 0 : 1, 1);
        break;
    case DETACHED:
        record->result = wr_finalizer_detach(record->handle);
        if (record->result == 1 && record->ran != 0)
            violation("a finalizer was detached after it ran");
        worker_count(worker, record->result == 1 ? 2 : 3, 1);
        break;
    case PEEKED:
        peek(worker, record);
        break;
    case DROPPED:
        wr_release(record->handle);
        record->handle = NULL;
        break;
    default:
        break;
    }
    if ((record->fate == CALLED || record->fate == DETACHED) &&
        (record->result < 0 || record->result > 1 || wr_finalizer_alive(record->handle)))
        violation("a finalizer waits on after a call or detach that said %d", record->result);
}

static void race(struct worker *worker, struct place *places) {
    unsigned threads = worker->run->threads;
    for (unsigned i = 0; i < ITEMS; i++) {
        /* Each item's end and each handle is one worker's; different ones where there are enough. */
        if (i % threads == worker->number)
            end_item(worker, &places[i]);
        for (unsigned r = 0; r < FINALIZERS; r++)
            if ((i + 1 + r) % threads == worker->number)
                decide(worker, &places[i].records[r]);
        if (random_below(worker, 4 * ITEMS) == 0) {
            exits_run = true;
            wr_run_exit_finalizers();
            exits_run = false;
            worker_count(worker, 6, 1);
        }
        worker_stepped(worker, 1);
    }
}

static void look(struct place *places) {
    for (unsigned i = 0; i < ITEMS; i++) {
        item_check_dead(places[i].weak);
        for (unsigned r = 0; r < FINALIZERS; r++) {
            struct record *record = &places[i].records[r];
            bool detached = record->fate == DETACHED && record->result == 1;
            if (record->ran != (detached ? 0 : 1))
                violation("a finalizer ran %u times, and was %sdetached", record->ran,
                          detached ? "" : "not ");
            wr_release(record->handle);
        }
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
        if (worker->number == 0)
            look(places);
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
        for (unsigned r = 0; r < FINALIZERS; r++)
            if (places[i].records[r].handle != NULL)
                wr_release(places[i].records[r].handle);
    }
}

SCENARIO(.hunts = "finalizers: each once or detached, against death, kill, clear, call and exit",
         .spared = SPARED(PERTURB_REPLACE), .takes = TAKES(cut_won, close_won),
         .counted = {"called", "called too late", "detached", "detached too late", "peeks",
                     "peeks at the dead", "runs for exit"},
         .begin = begin, .work = work, .end = end)
