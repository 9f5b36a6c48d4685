/* SPDX-License-Identifier: MIT */
/*
 * A weakref's callback: armed, then taken for running by one thread, or cancelled. Who takes it, under the
 * stripe, owns it and its argument; who comes later may wait for the end of the run. It is never armed again.
 */
#ifndef WR_CALLBACK_H
#define WR_CALLBACK_H

#include "weakref.h"

/* Take an armed callback for running on `thread`. Returns it. */
wr_callback callback_take(struct wr_weakref *ref, struct thread *thread, struct lock *stripe)
    REQUIRES(*stripe);

/* Run what was taken, or with NULL only its argument's destructor; then tell who waits that it is over. */
void callback_run(struct wr_weakref *ref, wr_callback callback);

/* Wait until a run is over, or until `deadline` of os_now (negative: none). Called with the stripe held,
 * returns without. Returns whether it is over. */
bool callback_wait(struct wr_weakref *ref, int64_t deadline, struct lock *stripe) RELEASES(*stripe);

#endif /* WR_CALLBACK_H */
