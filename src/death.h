/* SPDX-License-Identifier: MIT */
/*
 * What follows when a word was closed: finalize, destroy, and the slot's way back. User code runs here and
 * nowhere else, never inside another user function of ours: deaths inside a destroy wait on the thread's list,
 * and objects closed by somebody who must not run user code (a failed get) wait on the process-wide list of
 * orphans for the next death, refill of a cache or trim on any thread.
 */
#ifndef WR_DEATH_H
#define WR_DEATH_H

#include "thread.h"

/* User code of ours runs between user_code_enter and user_code_leave: what dies in it waits for the outermost
 * leave. errno is the same before and after. Returns the thread's record, a real one. */
struct user_code {
    struct thread temporary;
    struct thread *thread;
    bool outermost;
    int saved_errno;
};
struct thread *user_code_enter(struct user_code *section);
void user_code_leave(struct user_code *section);

/* Tell whether nothing but the closing belongs to the death of an object of this type that has nothing registered. */
static inline bool death_is_quiet(const wr_type *type) {
    return type->destroy == NULL && !(type->flags & WR_BORROWABLE);
}

/* Go on with a slot whose word this caller closed, as `closed`: destroy it, or finalize it first. */
void death_begin(struct wr_slot *slot, uint64_t closed);

/* Go on with a death that waited, in user code of ours: finalize, callbacks, destroy, and the slot's way back. */
void death_go_on(struct thread *thread, struct wr_slot *slot);

/* Go on with a death whose callbacks are over and that no borrower has: destroy, and the slot's way back. */
void death_end(struct thread *thread, struct wr_slot *slot);

/* Run the deaths that wait on this thread, and all orphans. */
void death_run_waiting(struct thread *thread);

/* Free the slot of a dead weakref. */
void death_free(struct thread *thread, struct wr_slot *slot);

/* Run the deaths of all orphans. */
void death_of_orphans(void);

#endif /* WR_DEATH_H */
