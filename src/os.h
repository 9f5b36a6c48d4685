/* SPDX-License-Identifier: MIT */
/* What the library asks of the operating system: address space, barriers, and sleeping on a word. Nothing here changes
 * errno. */
#ifndef WR_OS_H
#define WR_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reserve address space that can be neither read nor written, aligned to `align` (a power of two): `*size`
 * bytes, or the largest half, quarter, ... of them that fits, but no less than `least`. Returns its start, and
 * the size in *size; NULL when not even `least` fits. */
void *os_reserve(size_t *size, size_t least, size_t align);

/* Make a part of a reserve readable and writable; it reads as zero. Returns whether that was possible. */
bool os_commit(void *start, size_t size);

/* Ask for huge pages in a committed part; a hint. */
void os_prefer_huge(void *start, size_t size);

/* Give the memory of a committed part back; it stays readable and writable and reads as zero. Returns whether
 * the system took it. */
bool os_discard(void *start, size_t size);

/* Fill `size` bytes with what nobody can guess; where the system has no such thing, with what is hard to guess. */
void os_random(void *bytes, size_t size);

/* Return a variable of the environment, or NULL: also where the program has more rights than who started it. */
const char *os_environment(const char *name);

/* Return how many processors there are, at least 1. */
unsigned os_processors(void);

/* Prepare os_barrier. Returns whether the system has it. */
bool os_barrier_prepare(void);

/* Have every running thread of the process go through a full memory barrier between the call and the return.
 * Returns whether that was done; if os_barrier_prepare said so, only a filter of system calls set up since then
 * can prevent it. */
bool os_barrier(void);

/* Return the monotonic time in nanoseconds. */
int64_t os_now(void);

/* Return the time of os_now `timeout_ms` from now; negative, for ever: -1. */
int64_t os_deadline(int64_t timeout_ms);

/* Sleep while *word == value, until a wake, or until `deadline` of os_now (negative: none); may return early. */
void os_wait(uint32_t *word, uint32_t value, int64_t deadline);

/* Sleep for a moment, where nobody can wake who waits. */
void os_nap(void);

/* Wake one sleeper on `word`, or all. */
void os_wake_one(uint32_t *word);
void os_wake_all(uint32_t *word);

#endif /* WR_OS_H */
