/* SPDX-License-Identifier: MIT */
/*
 * Who called: the return addresses on this thread's stack, by the C library's backtrace(), or where it has none, as
 * musl, by libunwind, which is looked for when frames are first asked for. Where both are there they find the same
 * frames, by the same tables.
 */
#ifndef WR_BACKTRACE_H
#define WR_BACKTRACE_H

#include <stdint.h>
#include <stdio.h>

/* Get ready, which may load a library. Before anything below; again is fine. */
void backtrace_prepare(void);

/* Write the return addresses on this thread's stack, innermost first, up to `most` of them. Returns how many. */
uint32_t backtrace_frames(void **frames, uint32_t most);

/* Write a line for each of these addresses: "by", and as much as is known of the function. */
void backtrace_write(FILE *f, void *const *frames, uint32_t count);

#endif /* WR_BACKTRACE_H */
