/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include "annex.h"
#include "call.h"
#include "orphans.h"
#include "queue.h"
#include "weakref.h"

/* A power of two; tests take one. To make an object and a weakref with a callback, and to end both, took each of two
 * threads on two processors 440 to 1190 ns with one stripe, 250 to 370 with 8, 230 to 260 with 64, and no less with
 * 1024; each is one more for a fork to take, and 128 bytes. */
#ifndef WR_STRIPES
#define WR_STRIPES 64u
#endif
_Static_assert((WR_STRIPES & (WR_STRIPES - 1)) == 0, "the remainder of a division by WR_STRIPES is a mask");

/* How many entries without a call one critical section takes off a list at the most: others wait for microseconds. */
#define UNLINKED_AT_ONCE 64

static struct stripe { struct lock lock; } __attribute__((aligned(128))) stripes[WR_STRIPES];

static struct lock *stripe_of(uint32_t index) {
    uint32_t hash = index * UINT32_C(0x9e3779b1); /* 2^32 / golden ratio: neighbours go far apart */
    return &stripes[(hash >> 16) % WR_STRIPES].lock;
}

struct lock *registry_stripe(const struct wr_slot *slot) {
    return stripe_of(wr_index_of(slot));
}

struct lock *registry_stripe_of(const struct wr_entry *entry) {
    return stripe_of((uint32_t)(entry->referent.bits >> 32));
}

/* ---- lists ---- */

wr_weak registry_open(struct wr_slot *slot, struct lock *stripe) {
    (void)stripe;
    /* relaxed, here and below: the caller holds a reference, and once WR_REG is seen clear and kill come by the
     * stripe. */
    uint64_t word = wr_load_relaxed(&slot->word);
    if (word_alive(word) && !(word & WR_KILL)) {
        wr_mint(slot); /* the entry's weak value is one (rule 9); a bound object may have WR_REG without it */
        if (!(word & WR_REG))
            word = wr_or_relaxed(&slot->word, WR_REG);
    }
    if (!word_alive(word) || (word & WR_KILL))
        return wr_weak_from_u64(0);
    return word_value(slot, word);
}

struct wr_entry **registry_behind_front(struct wr_slot *slot, struct lock *stripe) {
    (void)stripe;
    struct wr_entry **at = &slot->list.head;
    while (*at != NULL && (*at)->kind >= ENTRY_ANNEX)
        at = &(*at)->next;
    return at;
}

struct wr_entry **registry_newest(struct wr_slot *slot, struct lock *stripe) {
    struct wr_entry **at = registry_behind_front(slot, stripe);
    while (*at != NULL && (*at)->kind == ENTRY_WEAKREF && ((*at)->flags & WEAKREF_SHARED))
        at = &(*at)->next;
    return at;
}

void registry_link(struct wr_entry *entry, struct wr_entry **at, struct lock *stripe) {
    (void)stripe;
    entry->next = *at;
    wr_store_relaxed(&entry->at, at); /* relaxed: its own death comes after this */
    if (entry->next != NULL)
        wr_store_relaxed(&entry->next->at, &entry->next);
    *at = entry;
}

void registry_unlink(struct wr_entry *entry, struct lock *stripe) {
    (void)stripe;
    struct wr_entry **at = wr_load_relaxed(&entry->at);
    *at = entry->next;
    if (entry->next != NULL)
        wr_store_relaxed(&entry->next->at, at);
    /* order: release [UNLINK], with the acquire in registry_leave: this is the last touch of the entry. */
    wr_store_release(&entry->at, NULL);
}

void registry_leave(struct wr_entry *entry) {
    /* order: acquire [UNLINK], with registry_unlink: who took it off its list is done with it; the memory is ours. */
    if (wr_load_acquire(&entry->at) == NULL) {
        wr_path(leave_free);
        return;
    }
    struct lock *stripe = registry_stripe_of(entry);
    lock_take(stripe);
    if (wr_load_relaxed(&entry->at) != NULL) {
        wr_path(leave_linked);
        registry_unlink(entry, stripe);
    } else {
        wr_path(leave_late);
    }
    lock_give(stripe);
}

bool registry_adopt(struct wr_entry *entry, struct lock *stripe) {
    (void)stripe;
    /* relaxed: while it is linked, the slot is this object's, and the stripe showed its birth. */
    return word_alive(wr_add_relaxed(&wr_slot_of(entry)->word, WR_ONE));
}

/* ---- firing ---- */

/* What became of an entry that was popped. */
struct popped {
    struct call call; /* its entry with a reference, unless that is pushed; no entry: nothing */
    bool push;        /* its queue was entered: push its slot */
    bool drop;        /* its queue was freed: only destroy the argument */
};

/* Go on with an armed weakref that is linked, and take it off. */
static void pop_weakref(struct wr_entry *entry, struct thread *thread, struct popped *popped,
                        struct lock *stripe) REQUIRES(*stripe) {
    struct wr_weakref *ref = (struct wr_weakref *)entry;
    bool drop = false;
    if (ref->entry.flags & WEAKREF_BOUND) {
        struct delivery *delivery = weakref_delivery(ref);
        if (queue_enter(delivery->queue)) {
            /* relaxed, both: before it is unlinked its death does not get past registry_leave, which orders them. */
            if (word_alive(wr_load_relaxed(&wr_slot_of(ref)->word))) {
                wr_store_relaxed(&delivery->held, (uint32_t)HELD);
                wr_store_relaxed(&entry->state, (uint32_t)ENTRY_QUEUED);
                stats_count(STAT_QUEUED);
                popped->push = true;
                popped->call.entry = entry;
            } else {
                queue_leave(delivery->queue);
            }
            registry_unlink(entry, stripe);
            return;
        }
        drop = true;
    }
    bool ours = registry_adopt(entry, stripe);
    registry_unlink(entry, stripe);
    if (ours) {
        wr_path(fire_taken);
        popped->drop = drop; /* of this one: the next may be popped with the same */
        popped->call = call_take(entry, thread, stripe);
    } else { /* it is not ours to touch any more */
        wr_path(fire_dying);
    }
}

/* Take entries off a firing list up to the first with something to do. */
static void pop(struct firing *firing, struct thread *thread, enum fire how, struct popped *popped,
                struct lock *stripe) REQUIRES(*stripe) {
    struct wr_entry *entry;
    popped->call.entry = NULL;
    popped->push = false;
    popped->drop = false;
    for (int i = 0; (entry = firing->first) != NULL && popped->call.entry == NULL && i < UNLINKED_AT_ONCE;
         i++) {
        if (wr_load_relaxed(&entry->state) != ENTRY_ARMED) { /* relaxed: guarded by the stripe */
            registry_unlink(entry, stripe);
        } else if (entry->kind != ENTRY_WEAKREF) {
            registry_unlink(entry, stripe); /* with it, the list's reference is ours */
            popped->call = call_take(entry, thread, stripe);
        } else if (how == FIRE_SILENTLY) {
            stats_count(STAT_CANCELLED);
            wr_store_relaxed(&entry->state, (uint32_t)ENTRY_IDLE); /* relaxed: guarded by the stripe */
            registry_unlink(entry, stripe);
        } else {
            pop_weakref(entry, thread, popped, stripe);
        }
    }
}

/* Call what was popped. No lock is held. */
static void call_popped(const struct popped *popped) {
    struct wr_entry *entry = popped->call.entry;
    if (entry == NULL)
        return;
    if (popped->push) {
        wr_queue *queue = weakref_delivery((struct wr_weakref *)entry)->queue;
        queue_push(queue, wr_slot_of(entry)); /* whoever pops it may free it at once */
        queue_leave(queue);
        return;
    }
    if (entry->kind == ENTRY_NODE) {
        popped->call.what.removed(entry);
        return;
    }
    if (popped->drop)
        call_drop(popped->call);
    else
        call_run(popped->call);
    wr_release(entry);
}

/* Put the finalizers on a firing list back on the object's. */
static void keep_finalizers(struct firing *firing, struct lock *stripe) REQUIRES(*stripe) {
    struct wr_entry **keep = registry_behind_front(firing->slot, stripe);
    for (struct wr_entry *next, *entry = firing->first; entry != NULL; entry = next) {
        next = entry->next;
        if (entry->kind == ENTRY_FINALIZER) {
            registry_unlink(entry, stripe);
            registry_link(entry, keep, stripe);
            keep = &entry->next;
        }
    }
}

/* Call the only entry of an object's list, a table's node, which is all that most objects with a list have. */
static void fire_node(struct thread *thread, struct wr_slot *slot, struct wr_entry *entry,
                      struct lock *stripe) RELEASES(*stripe) {
    void (*removed)(struct wr_entry * entry) = entry->call.removed;
    struct firing firing = {.first = NULL, .slot = slot, .outer = thread->firing};
    thread->firing = &firing;
    registry_unlink(entry, stripe);                        /* with it, the list's reference is ours */
    wr_store_relaxed(&entry->state, (uint32_t)ENTRY_IDLE); /* relaxed: guarded by the stripe */
    lock_give(stripe);
    removed(entry);
    thread->firing = firing.outer;
}

bool registry_fire(struct thread *thread, struct wr_slot *slot, enum fire how, struct lock *stripe) {
    struct wr_entry **behind = registry_behind_front(slot, stripe);
    struct wr_entry *first = *behind;
    if (first != NULL && first->kind == ENTRY_NODE && first->next == NULL) {
        bool front = slot->list.head != first;
        fire_node(thread, slot, first, stripe);
        return front;
    }
    struct firing firing = {.first = *behind, .slot = slot, .outer = thread->firing};
    *behind = NULL;
    if (firing.first != NULL)
        wr_store_relaxed(&firing.first->at, &firing.first);
    if (how != FIRE_DEATH && annex_has_finalizers(slot, stripe))
        keep_finalizers(&firing, stripe);
    thread->firing = &firing;
    for (;;) {
        struct popped popped;
        pop(&firing, thread, how, &popped, stripe);
        bool last = firing.first == NULL; /* nobody but us puts anything on it */
        bool front = slot->list.head != NULL;
        if (last && popped.call.entry == NULL)
            thread->firing = firing.outer;
        lock_give(stripe);
        call_popped(&popped);
        if (last) {
            thread->firing = firing.outer;
            return front;
        }
        lock_take(stripe);
    }
}

void registry_refire(struct firing *firing) {
    for (; firing != NULL; firing = firing->outer) {
        struct wr_entry **at = &firing->slot->list.head;
        while (*at != NULL)
            at = &(*at)->next;
        *at = firing->first;
        if (*at != NULL)
            wr_store_relaxed(&(*at)->at, at);
        if (!word_alive(wr_load_relaxed(&firing->slot->word)))
            orphan_push(firing->slot);
    }
}

void registry_lock_all(void) UNCHECKED_LOCKS {
    for (unsigned i = 0; i < WR_STRIPES; i++)
        lock_take(&stripes[i].lock);
}

void registry_unlock_all(void) UNCHECKED_LOCKS {
    for (unsigned i = 0; i < WR_STRIPES; i++)
        lock_give(&stripes[i].lock);
}
