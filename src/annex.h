/* SPDX-License-Identifier: MIT */
/* What some objects need beside their header: the queue their end is bound to, how many finalizers they have, and who
 * holds them. An entry in front of the object's list, made when first needed; an object of its own, which the list
 * owns. */
#ifndef WR_ANNEX_H
#define WR_ANNEX_H

#include "registry.h"

struct annex {
    struct wr_entry entry;    /* first */
    wr_queue *queue;          /* a reference; NULL: not bound; guarded by the stripe */
    struct wr_entry *holders; /* records of references to the object (holders.h); guarded by the stripe */
    uint32_t finalizers;      /* on the list; guarded by the stripe */
    bool held;                /* it has had such records; guarded by the stripe */
};

/* Return the annex of the object in `slot`, or NULL. */
struct annex *annex_find(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Find the annex of the object in `slot`, or link `made` as its annex. */
struct annex *annex_find_or_link(struct wr_slot *slot, struct annex *made, struct lock *stripe)
    REQUIRES(*stripe);

/* Tell whether the object in `slot` has finalizers. */
bool annex_has_finalizers(struct wr_slot *slot, struct lock *stripe) REQUIRES(*stripe);

/* Make one that is on no list. Returns NULL: no memory. */
struct annex *annex_new(void);

/* Bind an object that nobody else knows yet. */
void annex_bind_new(void *obj, struct annex *annex, wr_queue *queue);

#endif /* WR_ANNEX_H */
