/* SPDX-License-Identifier: MIT */
/*
 * The library's lock: 4 bytes, zero is free, a brief spin and then a sleep. Every lock of the library is a
 * leaf: while one is held no user code runs, nothing is allocated and no other is taken, but for fork (fork.c).
 * The attributes are clang's -Wthread-safety.
 *
 * It is given back by a plain store and a look whether anybody sleeps. Who is about to sleep says so and has every
 * thread of the process go through a barrier, unless another sleeps already: it costs who waits a microsecond more, and
 * nobody else an exchange.
 */
#ifndef WR_LOCK_H
#define WR_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __clang__
#define LOCK_TYPE __attribute__((capability("lock")))
#define GUARDED_BY(l) __attribute__((guarded_by(l)))
#define ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define TRIES(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define UNCHECKED_LOCKS __attribute__((no_thread_safety_analysis))
#else
#define LOCK_TYPE
#define GUARDED_BY(l)
#define ACQUIRES(...)
#define TRIES(...)
#define RELEASES(...)
#define REQUIRES(...)
#define UNCHECKED_LOCKS
#endif

struct LOCK_TYPE lock {
    uint32_t state; /* atomic: 0 free, 1 held */
};

void lock_take(struct lock *lock) ACQUIRES(*lock);

/* Take the lock if it is free; for who must not wait. Returns whether it was. */
bool lock_try(struct lock *lock) TRIES(true, *lock);

/* Fatal when the lock is not held. */
void lock_give(struct lock *lock) RELEASES(*lock);

/* In the child of a fork: forget the absent threads that slept for locks. */
void lock_forget_absent(void);

/* In a debug build: fatal when this thread holds a lock of the library. Called before any user code runs. */
#ifdef WR_DEBUG
void lock_none_held(void);
#else
static inline void lock_none_held(void) {
}
#endif

#endif /* WR_LOCK_H */
