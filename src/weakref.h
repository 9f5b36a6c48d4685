/* SPDX-License-Identifier: MIT */
/* What a weakref object is: the payload of wr_weakref_type and of the types based on it. */
#ifndef WR_WEAKREF_H
#define WR_WEAKREF_H

#include "registry.h"

/* Its entry's flags. */
enum weakref_flags {
    WEAKREF_PROXY = 1,  /* WR_PROXY */
    WEAKREF_SHARED = 2, /* without callback, arg destructor, queue and type of its own: one for each object */
    WEAKREF_BOUND = 4,  /* to a queue: a struct delivery stands behind the struct wr_weakref */
};

struct wr_weakref {
    struct wr_entry entry; /* first; `own`: 1 when the hash that is kept is 0, atomic */
    void *arg;             /* these two guarded by the stripe; who takes the call owns them */
    void (*arg_destroy)(void *arg);
    uint64_t hash; /* the referent's, if not 0; atomic */
    /* Aligned as what stands behind it: a struct delivery, and what wr_weakref_extra gives. */
} __attribute__((aligned(32)));

/* How a bound weakref waits in its queue (queue.c). It is there by its slot, not by a reference: its death and
 * the queue's pop settle by one exchange of `held` who frees the slot. */
struct delivery {
    wr_queue *queue; /* a reference, until the slot is freed */
    uint32_t link;   /* next in the queue */
    uint32_t held;   /* enum delivery_held; atomic */
} __attribute__((aligned(32)));

enum delivery_held {
    HELD_NOT,  /* not in a queue: its death frees the slot */
    HELD,      /* in a queue */
    HELD_GONE, /* in a queue, and dead: the queue's pop frees the slot */
};

/* Tell whether an object is a weakref: a ref, a proxy, or of a type based on them. */
static inline bool weakref_is(const void *obj) {
    if (obj == NULL)
        return false;
    return wr_read(&wr_slot_of(obj)->type)->base == &wr_weakref_type;
}

/* Tell whether objects of a type can have weak references: not if it forbids them, nor weakrefs (S6). */
static inline bool weakref_allowed(const wr_type *type) {
    return !(type->flags & WR_NO_WEAKREF) && type->base != &wr_weakref_type;
}

static inline struct delivery *weakref_delivery(struct wr_weakref *ref) {
    return (struct delivery *)(ref + 1);
}

#endif /* WR_WEAKREF_H */
