/* SPDX-License-Identifier: MIT */
/*
 * What is switched on at run time to find faults: by WEAKRT_DEBUG in the environment, which is read once, before the
 * first object, or by wr_debug. Nothing on the way of objects asks here: poison.h has what their birth and death look
 * at anyway.
 */
#ifndef WR_DEBUG_H
#define WR_DEBUG_H

/* Read the environment, unless that was done. */
void debug_start(void);

#endif /* WR_DEBUG_H */
