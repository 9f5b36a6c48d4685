/* SPDX-License-Identifier: MIT */
#include "registry.h"

#include "callback.h"

/* A power of two. More than threads that a machine runs at once, so that two seldom meet; tests take one. */
#ifndef WR_STRIPES
#define WR_STRIPES 64u
#endif

/* How many entries without a callback one critical section takes off a list at the most: others wait for
 * microseconds. */
#define UNLINKED_AT_ONCE 64

static struct stripe { struct lock lock; } __attribute__((aligned(128))) stripes[WR_STRIPES];

struct lock *registry_stripe(const struct wr_slot *slot) {
    uint32_t hash =
        wr_index_of(slot) * UINT32_C(0x9e3779b1); /* 2^32 / golden ratio: neighbours go far apart */
    return &stripes[(hash >> 16) % WR_STRIPES].lock;
}

wr_weak registry_open(struct wr_slot *slot, struct lock *stripe) {
    (void)stripe;
    /* relaxed, here and below: the caller holds a reference, and clear and kill come by the stripe once WR_REG
     * is seen. */
    uint64_t word = wr_load_relaxed(&slot->word);
    if (!(word & WR_REG) && word_alive(word) && !(word & WR_KILL)) {
        wr_mint(slot); /* the entry's weak value is one, and poppers come by this slot (rule 9) */
        word = wr_or_relaxed(&slot->word, WR_REG);
    }
    if (!word_alive(word) || (word & WR_KILL))
        return wr_weak_from_u64(0);
    return wr_weak_from_u64((uint64_t)wr_index_of(slot) << 32 | word_tag(word));
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
    /* order: acquire [UNLINK], with registry_unlink: who took it off its list is done with it, and the memory
     *        is ours. */
    if (wr_load_acquire(&entry->at) == NULL)
        return;
    struct lock *stripe = registry_stripe(wr_slot_at((uint32_t)(entry->referent.bits >> 32)));
    lock_take(stripe);
    if (wr_load_relaxed(&entry->at) != NULL)
        registry_unlink(entry, stripe);
    lock_give(stripe);
}

/* Take entries off a firing list up to the first with a callback to run. Returns it, its reference and its
 * callback taken; or NULL. With `thread` NULL, none is run. */
static struct wr_weakref *pop(struct wr_entry **firing, struct thread *thread, wr_callback *callback,
                              struct lock *stripe) REQUIRES(*stripe) {
    for (int i = 0; *firing != NULL && i < UNLINKED_AT_ONCE; i++) {
        struct wr_weakref *ref = (struct wr_weakref *)*firing;
        uint64_t old = 0;
        if (wr_load_relaxed(&ref->state) == WEAKREF_ARMED) { /* relaxed: guarded by the stripe */
            if (thread == NULL)
                wr_store_relaxed(&ref->state, (uint32_t)WEAKREF_IDLE);
            else {
                /* order: acquire [GET], as in wr_weak_get. While it is linked the slot is this weakref's. */
                old = wr_add_acquire(&wr_slot_of(ref)->word, WR_ONE);
            }
        }
        registry_unlink(&ref->entry, stripe);
        if (word_alive(old)) {
            *callback = callback_take(ref, thread, stripe);
            return ref;
        } /* else it is not ours to touch any more */
    }
    return NULL;
}

void registry_fire(struct thread *thread, struct wr_slot *slot, struct lock *stripe) {
    struct wr_entry *firing = slot->list.head;
    slot->list.head = NULL;
    if (firing != NULL)
        wr_store_relaxed(&firing->at, &firing);
    for (;;) {
        wr_callback callback = NULL;
        struct wr_weakref *ref = pop(&firing, thread, &callback, stripe);
        bool last = firing == NULL; /* nobody but us puts anything on it */
        lock_give(stripe);
        if (ref != NULL) {
            callback_run(ref, callback);
            wr_release(ref);
        }
        if (last)
            return;
        lock_take(stripe);
    }
}

void registry_died(struct thread *thread, struct wr_slot *slot) {
    void *payload = wr_payload_of(slot);
    if (weakref_is(payload)) {
        struct wr_weakref *ref = payload;
        registry_leave(&ref->entry);
        if (ref->arg_destroy != NULL)
            ref->arg_destroy(ref->arg);
        return;
    }
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    registry_fire(thread, slot, stripe);
}

void registry_lock_all(void) UNCHECKED_LOCKS {
    for (unsigned i = 0; i < WR_STRIPES; i++)
        lock_take(&stripes[i].lock);
}

void registry_unlock_all(void) UNCHECKED_LOCKS {
    for (unsigned i = 0; i < WR_STRIPES; i++)
        lock_give(&stripes[i].lock);
}
