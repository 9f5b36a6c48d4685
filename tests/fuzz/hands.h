/* SPDX-License-Identifier: MIT */
/* Threads that take turns: one runs, the others wait, so that calls are one after the other, each on its own thread. */
#ifndef WR_FUZZ_HANDS_H
#define WR_FUZZ_HANDS_H

/* Run fn() on a thread, 0 being the caller's, and return when it has returned. */
void hand_to(unsigned thread, void (*fn)(void));

#endif
