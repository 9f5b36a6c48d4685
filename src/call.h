/* SPDX-License-Identifier: MIT */
/*
 * The call of an entry: a weakref's callback, a finalizer's function. Armed, then taken for running by one thread, or
 * cancelled. Who takes it, under the stripe, owns it and its argument; who comes later may wait for the end of the run.
 * It is never armed again.
 */
#ifndef WR_CALL_H
#define WR_CALL_H

#include "registry.h"

/* What was taken. */
struct call {
    struct wr_entry *entry;
    union entry_call what;
};

/* Take an armed or queued entry's call for running on `thread`. */
struct call call_take(struct wr_entry *entry, struct thread *thread, struct lock *stripe) REQUIRES(*stripe);

/* Run what was taken and destroy its argument; or only the latter. Then tell who waits that it is over. */
void call_run(struct call call);
void call_drop(struct call call);

/* Wait until a run is over, or until `deadline` of os_now (negative: none). Called with the stripe held,
 * returns without. Returns whether it is over. */
bool call_wait(struct wr_entry *entry, int64_t deadline, struct lock *stripe) RELEASES(*stripe);

#endif /* WR_CALL_H */
