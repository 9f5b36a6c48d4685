/* SPDX-License-Identifier: MIT */
/* What calls change, but for user code that they run. */
#include "oracle.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct thing things[MAX_THINGS];
unsigned thing_count;

struct thing *thing_new(enum kind kind, const struct traits *traits) {
    if (thing_count == MAX_THINGS)
        return NULL;
    struct thing *thing = &things[thing_count];
    memset(thing, 0, sizeof *thing);
    thing->number = thing_count++;
    thing->kind = kind;
    thing->traits = traits;
    thing->count = thing->held = 1;
    thing->alive = true;
    return thing;
}

bool value_dead(const struct thing *thing, unsigned epoch) {
    return !thing->alive || thing->killed || thing->epoch != epoch;
}

bool value_gets(const struct thing *thing, unsigned epoch) {
    return !value_dead(thing, epoch) && !thing->finalizing;
}

int thing_refusal(const struct thing *referent) {
    if (referent->kind != OBJECT || referent->traits->no_weakref)
        return ENOTSUP;
    return !referent->alive || referent->killed ? ESTALE : 0;
}

unsigned equality_class(const struct thing *thing) {
    return thing->number % 3;
}

bool things_equal(const struct thing *a, const struct thing *b) {
    return a == b ||
           (a->traits == b->traits && a->traits->by_value && equality_class(a) == equality_class(b));
}

/* ---- counts ---- */

bool thing_drop(struct thing *thing) {
    assert(thing->count > 0);
    if (--thing->count > 0)
        return false;
    if (thing->traits->finalize && !thing->finalized) {
        thing->finalizing = true;
        thing->count = 1; /* finalize's own */
    } else {
        thing->alive = false;
    }
    return true;
}

void thing_release(struct thing *thing) {
    if (!thing_drop(thing))
        return;
    bool quiet = thing->kind != REF && !thing->registered && !thing->finalizing && !thing->traits->destroy &&
                 !thing->traits->borrowable;
    if (quiet) { /* no user code has a part in it: no need to wait */
        thing->ended = true;
        oracle_drain();
    } else {
        oracle_wait(thing);
    }
}

/* ---- what is registered ---- */

void entry_add(struct thing *entry, struct thing *referent) {
    referent->registered = true;
    entry->referent = referent;
    entry->referent_epoch = referent->epoch;
    if (entry->is_shared)
        referent->shared[entry->proxy] = entry;
    else
        referent->entries[referent->entry_count++] = entry;
}

void entry_remove(struct thing *entry) {
    struct thing *referent = entry->referent;
    if (referent->shared[entry->proxy] == entry)
        referent->shared[entry->proxy] = NULL;
    unsigned kept = 0;
    for (unsigned i = 0; i < referent->entry_count; i++)
        if (referent->entries[i] != entry)
            referent->entries[kept++] = referent->entries[i];
    referent->entry_count = kept;
}

int thing_cut(struct thing *thing, bool kill, bool silent) {
    if (thing->kind != OBJECT || thing->traits->no_weakref)
        return -ENOTSUP;
    if (!thing->alive || thing->killed)
        return 0;
    thing->killed = kill;
    thing->epoch++;
    oracle_push_cut(thing, silent);
    return 1;
}

/* ---- queues ---- */

void items_push(struct thing *queue, struct thing *item) {
    if (queue->first == queue->last)
        queue->first = queue->last = 0;
    assert(queue->last < MAX_WAITING);
    queue->items[queue->last++] = item;
}

struct thing *items_pop(struct thing *queue) {
    assert(queue->first != queue->last);
    return queue->items[queue->first++];
}
