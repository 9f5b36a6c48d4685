/* SPDX-License-Identifier: MIT */
/*
 * The registry: for each object, the list of what wants to know of its end. The list's head is in the object's
 * slot; the lists are guarded by stripes, locks that each serve the slots whose index hashes to them. Objects
 * without entries cost nothing.
 *
 * A stripe is a leaf: nothing is allocated or freed and no user code runs while it is held, and never are two
 * held.
 *
 *   register  under the stripe, by a holder: set WR_REG in the word; what the word said then, its tag included,
 *             is true of the entry. From then on clear and kill come by the stripe; only then is the entry linked.
 *   cut       clear and kill: without WR_REG one compare-exchange; with it, the compare-exchange and the
 *             detaching of the whole list are one critical section, so that an entry is on the list exactly
 *             while its tag is alive.
 *   fire      entries are popped one at a time, under the stripe, and called with no lock held. The popper
 *             takes a reference to the popped weakref while it is linked: its slot cannot have been reused,
 *             because its own death takes it off this list first. An odd word means that the reference is real;
 *             an even one, that it died already, and was cancelled by that.
 */
#ifndef WR_REGISTRY_H
#define WR_REGISTRY_H

#include "lock.h"
#include "thread.h"

/* What is on an object's list: the first field of a struct wr_weakref. */
struct wr_entry {
    struct wr_entry *next; /* guarded by the stripe */
    struct wr_entry *
        *at; /* what points to this entry; NULL: on no list, and never again. Written under the stripe by
                           whoever takes it off, as the last thing done to it; atomic, see [UNLINK] */
    wr_weak referent; /* constant once linked */
};

/* Return the stripe of the object in a slot. */
struct lock *registry_stripe(const struct wr_slot *slot);

/* Find out, by a holder of the object in `slot`, whether something may be registered on it, and if so keep
 * clear and kill out for as long as the stripe is held. Returns its weak value; null: it is dead or killed. */
wr_weak registry_open(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Put an entry at a place of an open object's list, or take it off the list it is on. */
void registry_link(struct wr_entry *entry, struct wr_entry **at, struct lock *stripe) REQUIRES(*stripe);
void registry_unlink(struct wr_entry *entry, struct lock *stripe) REQUIRES(*stripe);

/* Take an entry off its list by its own death, if it is still on one. */
void registry_leave(struct wr_entry *entry);

/* Take all entries off the list of the object in `slot`, and run their callbacks on `thread`, newest first; or
 * run none, with `thread` NULL. Called with the stripe held, returns without. */
void registry_fire(struct thread *thread, struct wr_slot *slot, struct lock *stripe) RELEASES(*stripe);

/* Go on with the death of an object with WR_REG in its word: fire what is registered; or if it is a weakref,
 * end it. */
void registry_died(struct thread *thread, struct wr_slot *slot);

/* Take and give back all stripes, for fork. */
void registry_lock_all(void);
void registry_unlock_all(void);

#endif /* WR_REGISTRY_H */
