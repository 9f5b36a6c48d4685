/* SPDX-License-Identifier: MIT */
/* Who waits for the end of an object: entries in front of its list, told after destroy. */
#ifndef WR_WAIT_H
#define WR_WAIT_H

#include "registry.h"

/* Tell everybody in front of the list of the object in `slot` that it is destroyed; frees its annex. */
void wait_tell(struct wr_slot *slot);

/* A thread that waits, on its stack, in the thread's chain of them. */
struct waiter {
    struct wr_entry entry; /* first */
    bool told;             /* guarded by the stripe */
    struct waiter *outer;
};

/* In the child of a fork, all stripes held, withdraw what an absent thread waited for. */
void wait_forget(struct waiter *waiter);

/* In the child of a fork that has lost threads: what they were ending will not end. */
void wait_forget_ends(void);

#endif /* WR_WAIT_H */
