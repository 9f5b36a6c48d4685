/* SPDX-License-Identifier: MIT */
/* What a finalizer object is. */
#ifndef WR_FINALIZER_H
#define WR_FINALIZER_H

#include "registry.h"

struct wr_finalizer {
    struct wr_entry entry; /* first */
    void *arg;             /* constant */
    /* On the list of those for exit, with WR_AT_EXIT; guarded by its lock. */
    struct wr_finalizer *exit_next;
    struct wr_finalizer **exit_at;
};

/* Note that a finalizer has run or never will. */
void finalizer_ended(struct wr_finalizer *f);

/* Take and give back the lock of the exit list, for fork. */
void finalizer_lock(void);
void finalizer_unlock(void);

#endif /* WR_FINALIZER_H */
