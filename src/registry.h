/* SPDX-License-Identifier: MIT */
/*
 * The registry: for each object, the list of what wants to know of its end. The list's head is in the object's
 * slot; the lists are guarded by stripes, locks that each serve the slots whose index hashes to them. Objects
 * without entries cost nothing.
 *
 * A stripe is a leaf: nothing is allocated or freed and no user code runs while one is held, and never are two.
 *
 *   register  Under the stripe, by a holder: set WR_REG in the word; what the word said then, its tag included,
 *             is true of the entry. From then on clear and kill come by the stripe; only then is the entry linked.
 *   cut       Clear and kill: without WR_REG one compare-exchange; with it, the compare-exchange and the
 *             detaching of the list are one critical section: a callback is on the list exactly while its tag is
 *             alive.
 *   fire      Entries are popped one at a time, under the stripe, and called with no lock held.
 *             The popper takes a reference to the popped entry's own object while it is linked: its slot cannot
 *             have been reused, because its own death takes it off the list first. An odd word means that the
 *             reference is real; an even one, that the object died, and was cancelled by that.
 *
 * The order of a list: what has to do with the whole of the object's end (annex, waiters) in front, then the
 * shared ref, the shared proxy, and then all others, newest first.
 */
#ifndef WR_REGISTRY_H
#define WR_REGISTRY_H

#include "lock.h"
#include "thread.h"

/* What may be on an object's list, and what becomes of it when the object is cleared or killed. */
enum entry_kind {
    ENTRY_WEAKREF,   /* goes: its callback runs (weakref.h) */
    ENTRY_NODE,      /* goes: `call.removed` takes it out of its container */
    ENTRY_FINALIZER, /* stays; runs at death (finalizer.c) */
    ENTRY_ANNEX,     /* stays, in front: the object's queue and its number of finalizers (annex.h) */
    ENTRY_WAITER,    /* stays, in front: told after destroy (wait.c) */
};

/* Whether an entry's call will run, runs, or will not. Changed under the referent's stripe, but for the end of
 * a run. */
enum entry_state {
    ENTRY_IDLE,    /* it has run, was cancelled, or there never was one */
    ENTRY_ARMED,   /* it will run */
    ENTRY_QUEUED,  /* it waits in a queue to be run there */
    ENTRY_RUNNING, /* it runs, or its argument's destructor does, on `call.runner` */
    ENTRY_AWAITED, /* the same, and somebody waits for the end */
};

/* What an entry calls, by its kind; while that runs, who runs it. */
union entry_call {
    wr_callback callback;
    void (*finalizer)(void *arg);
    void (*removed)(struct wr_entry *entry); /* takes over the list's reference */
    struct thread *runner;
};

/* The first field of the payload of an object on a list, or of a waiter's record. What a table looks at in its nodes is
 * behind it and in its last field, which in slots of 128 bytes is one cache line. */
struct wr_entry {
    struct wr_entry *next; /* guarded by the stripe */
    /* What points to this entry; NULL: on no list, and never again. Written under the stripe; whoever takes the
     * entry off does that last, and touches it no more. Atomic, see [UNLINK]. */
    struct wr_entry **at;
    union entry_call call; /* guarded by the stripe */
    uint32_t state;        /* enum entry_state; atomic */
    uint8_t kind;          /* enum entry_kind; constant */
    uint8_t flags;         /* of the kind; constant once linked */
    uint16_t own;          /* of the kind */
    wr_weak referent;      /* constant once linked */
};

/* A run of callbacks under way, in the thread's chain of them. On the stack of registry_fire. */
struct firing {
    struct wr_entry *first; /* entries to be popped yet; guarded by the stripe */
    struct wr_slot *slot;   /* whose */
    struct firing *outer;
};

/* Return the stripe of the object in a slot, and the one of an entry's referent. */
struct lock *registry_stripe(const struct wr_slot *slot);
struct lock *registry_stripe_of(const struct wr_entry *entry);

/* Find out, by a holder of the object in `slot`, whether something may be registered on it, and if so keep
 * clear and kill out for as long as the stripe is held. Returns its weak value; null: it is dead or killed. */
wr_weak registry_open(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Return the place in an object's list behind what stands in front. */
struct wr_entry **registry_behind_front(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Return the place for a new entry that is not shared. */
struct wr_entry **registry_newest(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Put an entry at a place of an open object's list, or take it off the list it is on. */
void registry_link(struct wr_entry *entry, struct wr_entry **at, struct lock *stripe) REQUIRES(*stripe);
void registry_unlink(struct wr_entry *entry, struct lock *stripe) REQUIRES(*stripe);

/* Take an entry off its list by its own death, if it is still on one. */
void registry_leave(struct wr_entry *entry);

/* Take a reference to the object of an entry that is linked. Returns false: it is dying. */
bool registry_adopt(struct wr_entry *entry, struct lock *stripe) REQUIRES(*stripe);

/* Take off the list of the object in `slot` what goes: at its death all behind the front, at clear and kill not
 * the finalizers. Call what is armed, newest first, on `thread` or, if bound, through its queue; with
 * FIRE_SILENTLY, no callbacks. Called with the stripe held, returns without. Returns whether anything stands in
 * front. */
enum fire { FIRE_DEATH, FIRE_CUT, FIRE_SILENTLY };
bool registry_fire(struct thread *thread, struct wr_slot *slot, enum fire how, struct lock *stripe)
    RELEASES(*stripe);

/* In the child of a fork, put what an absent thread had not fired yet back on its objects' lists, all stripes
 * held. */
void registry_refire(struct firing *firing);

/* Take and give back all stripes, for fork. */
void registry_lock_all(void);
void registry_unlock_all(void);

#endif /* WR_REGISTRY_H */
