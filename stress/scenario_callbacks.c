/* SPDX-License-Identifier: MIT */
/*
 * The end of an object against its weakrefs' own ends. In each round there are some hundred items with several
 * callbacks each; one worker ends an item by release, kill or clear, or by a
 * clear without callbacks, and others meanwhile cancel, drop or leave its
 * weakrefs, on the list or halfway through being called. Every callback runs once or is cancelled, never both,
 * never before the death is visible, and its argument is destroyed once.
 */
#include "weakrefs.h"

#define ITEMS 128u
#define REFS 4u

#define SILENT 3u /* an end without callbacks */

enum fate { LEFT, CANCELLED, DROPPED, FATES };

struct place {
    struct item *item;
    wr_weakref *refs[REFS];
    struct note notes[REFS];
    enum fate fates[REFS];
    unsigned cancelled[REFS]; /* by who owns the fate; plain */
    unsigned end;             /* release, kill, clear, or SILENT */
};

static void prepare(struct worker *worker, struct place *places) {
    for (unsigned i = 0; i < ITEMS; i++) {
        struct place *place = &places[i];
        place->item = item_new(worker, &item_type, 0);
        (void)item_weak(place->item);
        place->end = random_below(worker, 4);
        for (unsigned r = 0; r < REFS; r++) {
            place->fates[r] = random_below(worker, FATES);
            place->cancelled[r] = 0;
            place->refs[r] = note_ref(place->item, &place->notes[r], r % 2 ? WR_PROXY : 0);
        }
    }
}

static void end_item(struct worker *worker, struct place *place) {
    wr_weak weak = wr_weak_from_u64(place->item->self);
    item_mark(worker, place->item);
    if (place->end == 1 && wr_kill(place->item) != 1)
        violation("the only kill of an object lost");
    if (place->end == 2)
        (void)item_clear(place->item);
    if (place->end == SILENT && wr_weakref_clear_no_callbacks(place->item) != 0)
        violation("a clear without callbacks failed");
    wr_release(place->item);
    item_check_dead(weak);
}

static void decide(struct worker *worker, struct place *place, unsigned r) {
    struct note *note = &place->notes[r];
    if (place->fates[r] == DROPPED) {
        wr_release(place->refs[r]);
    } else if (place->fates[r] == CANCELLED) {
        int result = wr_weakref_cancel(place->refs[r]);
        bool told = place->end != SILENT || result == 1; /* else its argument is kept until it is freed */
        if (result < 0 || note->ran != (told && result == 0) || (told && note->freed != 1))
            violation("cancel returned %d, and the callback ran %u times", result, note->ran);
        place->cancelled[r] = (unsigned)result;
        worker_count(worker, result == 1 ? 0 : 1, 1);
    }
}

static void race(struct worker *worker, struct place *places) {
    unsigned threads = worker->run->threads;
    for (unsigned i = 0; i < ITEMS; i++) {
        /* Each item's end and each weakref's fate is one worker's; different ones where there are enough. */
        if ((i + 0) % threads == worker->number)
            end_item(worker, &places[i]);
        for (unsigned r = 0; r < REFS; r++)
            if ((i + 1 + r) % threads == worker->number)
                decide(worker, &places[i], r);
        worker_stepped(worker, 1);
    }
}

static void look(struct worker *worker, struct place *places) {
    for (unsigned i = 0; i < ITEMS; i++) {
        for (unsigned r = 0; r < REFS; r++) {
            struct place *place = &places[i];
            bool dropped = place->fates[r] == DROPPED, silent = place->end == SILENT;
            if (dropped)
                worker_count(worker, place->notes[r].ran ? 2 : 3, 1);
            else if (silent)
                wr_release(place->refs[r]); /* ends the argument */
            note_check(&place->notes[r], place->cancelled[r], dropped || silent);
            if (silent && place->notes[r].ran != 0)
                violation("a callback ran after a clear without callbacks, or before");
            if (!dropped && !silent)
                wr_release(place->refs[r]);
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
            look(worker, places);
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
        for (unsigned r = 0; r < REFS; r++)
            wr_release(places[i].refs[r]);
    }
}

SCENARIO(.hunts = "callbacks: each once or cancelled, never both, never before death",
         .spared = SPARED(PERTURB_WEAR) | SPARED(PERTURB_REPLACE),
         .takes = TAKES(fire_taken, fire_dying, leave_linked, leave_late, leave_free, cancel_won, cancel_met,
                        cancel_late, cut_won),
         .counted = {"cancelled", "cancelled too late", "dropped, called", "dropped, not called"},
         .begin = begin, .work = work, .end = end)
