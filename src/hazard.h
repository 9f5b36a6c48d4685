/* SPDX-License-Identifier: MIT */
/*
 * Hazards: where each thread says what it borrows, and where all of that is looked at (D11).
 *
 * The barrier between the two sides is membarrier, so that the borrower's needs none. Where there is no membarrier, and
 * under ThreadSanitizer, which does not follow it, both sides use read-modify-writes on the word they meet at: whoever
 * comes second is ordered after the first and sees what it wrote.
 */
#ifndef WR_HAZARD_H
#define WR_HAZARD_H

#include "thread.h"

/* The hazards of one record, and later of the next thread that has it. */
struct borrows {
    struct borrows *next;     /* constant once it is on the list */
    struct wr_hazard *hazard; /* WR_HAZARDS of them, behind this; constant */
    wr_borrowed *strong; /* borrows of the thread that are references, linked through r[2], r[3]; its own */
    uint32_t
        used; /* only the first so many were ever in use by this thread; 0: no thread. Atomic, see [USED] */
};

/* Return this thread's array, made if need be and possible; NULL: none. */
struct borrows *hazard_array(void);

/* Return a hazard of one's own array that is not in use, or NULL. */
struct wr_hazard *hazard_free(struct borrows *own);

/* Say what is borrowed by a hazard of one's own; and that it is over, with what was handed over meanwhile. */
void hazard_publish(struct wr_hazard *hazard, uint32_t index);
void hazard_clear(struct wr_hazard *hazard);

/* Before looks at all hazards, by a thread about what is dead by now: who is not seen from here on, finds it dead. */
void hazard_before_looks(const struct thread *thread);

/* Return the first array of all, linked through `next`; and how many hazards of one were ever in use. */
struct borrows *hazard_arrays(void);
uint32_t hazard_used(struct borrows *array);

/* Look at a hazard so that a borrower who is not seen will find dead what was dead before. */
uint32_t hazard_look(struct wr_hazard *hazard);

/* Have every thread of the process go through a full barrier, where looks need that. */
void hazard_barrier(void);

/* Give up one's own array, of which nothing is in use, at the thread's exit. */
void hazard_array_leave(struct borrows *own);

/* In the child of a fork: forget the borrows of the absent threads; what was left to them becomes orphans. */
void hazard_forget_absent(void);

#endif /* WR_HAZARD_H */
