/* SPDX-License-Identifier: MIT */
/* Deaths: in which order they run, and their steps. */
#include <assert.h>
#include <string.h>

#include "frames.h"

/* Things in the order they came. */
struct row {
    struct thing *thing[MAX_WAITING];
    unsigned first, last;
};
static struct row waiting, orphans, departed;

static void row_put(struct row *row, struct thing *thing) {
    assert(row->last < MAX_WAITING);
    row->thing[row->last++] = thing;
}

static struct thing *row_take(struct row *row) {
    struct thing *thing = row->first == row->last ? NULL : row->thing[row->first++];
    if (row->first == row->last)
        row->first = row->last = 0;
    return thing;
}

void oracle_wait(struct thing *thing) {
    row_put(&waiting, thing);
}

void oracle_wait_annex(void) {
    static const struct traits traits = {.name = "annex"};
    static struct thing annex = {.kind = OBJECT, .traits = &traits};
    row_put(&waiting, &annex);
}

void oracle_orphan(struct thing *thing) {
    row_put(&orphans, thing);
}

void oracle_drain(void) {
    unsigned i = depth;
    while (stack[--i].kind != CALL)
        ;
    stack[i].drains = true;
}

bool oracle_orphans(void) {
    return orphans.first != orphans.last;
}

void oracle_depart(struct thing *thing) {
    row_put(&departed, thing);
}

/* ---- in turn ---- */

enum { DEATH_BEGINS, DEATH_FINALIZED, DEATH_CLOSED, DEATH_FIRED, DEATH_ENDS, DEATH_DESTROYED };

/* How many of those that departed are to end before any other: a loop further in leaves none. */
static unsigned covered;

/* Go on giving what departed its end, one with each call. Returns false when all have it, and once more when asked
 * again. */
bool deaths_flush(struct frame *frame) {
    if (frame->flush == FLUSH_NONE && departed.first != departed.last) {
        covered = departed.last - departed.first;
        frame->flush = FLUSHING;
    }
    if (frame->flush != FLUSHING)
        return false;
    if (covered == 0) {
        frame->flush = FLUSHED;
        return false;
    }
    covered--;
    struct thing *thing = row_take(&departed);
    if (thing->borrows > 0)
        thing->handed_over = true;
    else
        frame_push(DEATH, thing)->step = DEATH_ENDS;
    return true;
}

/* Go on with the deaths that wait. Returns false when there are none. */
bool deaths_run(struct frame *frame, bool drains) {
    if (frame->flush == FLUSHING && deaths_flush(frame))
        return true;
    if (waiting.first == waiting.last && drains)
        while (orphans.first != orphans.last)
            row_put(&waiting, row_take(&orphans));
    const struct thing *next = waiting.first != waiting.last ? waiting.thing[waiting.first] : NULL;
    if ((next == NULL || !next->traits->borrowable) && deaths_flush(frame))
        return true;
    frame->flush = FLUSH_NONE;
    if (next == NULL)
        return false;
    frame->drains = true;
    frame_push(DEATH, row_take(&waiting));
    return true;
}

static void fire(struct thing *thing, bool death, bool silent) {
    struct frame *frame = frame_push(FIRE, thing);
    unsigned kept = 0;
    frame->left = 0;
    frame->quiet = silent;
    for (unsigned i = 0; i < thing->entry_count; i++) {
        struct thing *entry = thing->entries[i];
        if (!death && entry->kind == FINALIZER)
            thing->entries[kept++] = entry;
        else
            frame->entries[frame->left++] = entry;
    }
    thing->entry_count = kept;
    thing->shared[0] = thing->shared[1] = NULL;
}

void oracle_push_cut(struct thing *referent, bool silent) {
    fire(referent, false, silent);
}

enum event step_death(struct frame *frame) {
    struct thing *thing = frame->thing;
    switch (frame->step++) {
    case DEATH_BEGINS:
        return thing->finalizing ? FINALIZE : NOTHING;
    case DEATH_FINALIZED:
        if (!thing->finalizing)
            return NOTHING;
        thing->finalizing = false;
        thing->finalized = true;
        if (--thing->count > 0)
            depth--; /* resurrected */
        else
            thing->alive = false;
        return NOTHING;
    case DEATH_CLOSED:
        if (thing->kind == REF) {
            frame->step = DEATH_ENDS;
            entry_remove(thing);
            bool arg = thing->arg;
            thing->arg = false;
            return arg ? ARG_DESTROY : NOTHING;
        }
        if (thing->bound != NULL && !thing->bound->freed && !runs_here(thing->bound)) {
            items_push(thing->bound, thing);
            depth--;
            return NOTHING;
        }
        fire(thing, true, false);
        return NOTHING;
    case DEATH_FIRED:
        if (thing->traits->borrowable) {
            oracle_depart(thing);
            depth--;
        }
        return NOTHING;
    case DEATH_ENDS: /* left by a borrower to a queue again, if it is bound */
        if (thing->handed_over && thing->bound != NULL && !thing->bound->freed && !runs_here(thing->bound)) {
            items_push(thing->bound, thing);
            depth--;
            return NOTHING;
        }
        return thing->traits->destroy || thing->value ? DESTROY : NOTHING;
    default:
        if (thing->notice_count > 0) {
            struct thing *notice = thing->notices[--thing->notice_count];
            frame->step--;
            if (notice->delivery != NULL && !notice->delivery->freed)
                items_push(notice->delivery, notice);
            else
                frame_push(TELL, notice);
            return NOTHING;
        }
        thing->ended = true;
        if (thing->kind == NODE && thing->child != NULL)
            thing_release(thing->child);
        if (thing->annexed)
            oracle_wait_annex();
        depth--;
        return NOTHING;
    }
}

void step_fire(struct frame *frame) {
    if (frame->left == 0) {
        depth--;
        return;
    }
    struct thing *entry = frame->entries[--frame->left]; /* newest first (S12) */
    if (!entry->alive || entry->state != ARMED)
        return;
    if (entry->kind == FINALIZER) {
        oracle_push_calling(entry, false); /* with the list's reference */
    } else if (entry->kind == NODE) {
        node_ends(entry);
    } else if (frame->quiet) {
        entry->state = IDLE;
    } else if (entry->delivery != NULL && !entry->delivery->freed) {
        entry->state = QUEUED;
        items_push(entry->delivery, entry);
    } else {
        entry->count++;
        oracle_push_calling(entry, entry->delivery != NULL);
    }
}

void deaths_begin(void) {
    memset(&waiting, 0, sizeof waiting);
    memset(&orphans, 0, sizeof orphans);
    memset(&departed, 0, sizeof departed);
}
