/* SPDX-License-Identifier: MIT */
/*
 * Borrowing: an access to an object that writes nothing shared, and still keeps destroy away (D11).
 *
 *   borrower   writes the slot's index into a hazard of its thread; then finds the word alive
 *   death      closes the word; callbacks; a barrier on every thread; then looks at all hazards:
 *                none has the index: destroys
 *                one has it: leaves {index, tag} in its hand-over word, another barrier, looks again:
 *                    still there: the borrower will find it, and its return does all this in turn
 *                    not any more: takes it back and goes on looking, unless somebody else took it meanwhile
 *   return     clears the hazard; then looks at the hand-over word
 *
 * Of the two who each write one word and look at the other's, at least one sees the other, because the barrier
 * lies between. {index, tag} in a hand-over word is the duty to end that object: whoever takes it out, by one
 * atomic step, has it; there is one for each dying object, in one place.
 */
#ifndef WR_BORROW_H
#define WR_BORROW_H

#include "thread.h"

/* How many deaths share a barrier at the most: it costs some hundred ns, and so adds some ns to each. More would
 * only keep memory longer. */
#define BORROW_BATCH 64u

/* Put off the end of a dead object until borrow_end_now, which user_code_leave sees to. */
void borrow_end_later(struct thread *thread, struct wr_slot *slot);

/* End all that were put off on this thread: by death_end here, or on the thread of a borrower. */
void borrow_end_now(struct thread *thread);

/* Tell whether this thread is borrowing the object in the slot. */
bool borrow_is_ours(const struct wr_slot *slot);

/* Give up a record's hazards at its thread's exit; fatal if one is in use. */
void borrow_thread_leaves(struct thread *thread);

#endif /* WR_BORROW_H */
