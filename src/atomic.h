/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations: one wrapper for each pair of operation and memory order in use. No other file of the
 * library names a memory order. Each use of an ordered one has an `order:` comment with its row of the ledger
 * in DESIGN.md.
 *
 * The wrappers take any 32- or 64-bit integer or a pointer. In a WR_HOOK build each calls atomic_hook first, so
 * that tests can stop a thread between two steps; a checker puts its own file in place of this one
 * (WR_ATOMIC_H).
 */
#ifndef WR_ATOMIC_INCLUDED
#define WR_ATOMIC_INCLUDED
#define WR_ATOMICS

#ifdef WR_ATOMIC_H
#include WR_ATOMIC_H
#else

#include <stdint.h>

#ifdef WR_HOOK
/* Called before every atomic operation, with its name ("add_acquire") and address; NULL: not called. Set it
 * while one thread runs. */
extern void (*atomic_hook)(const char *op, const volatile void *at);
#define atomic_step(op, p) (atomic_hook ? atomic_hook(op, p) : (void)0)
#else
#define atomic_step(op, p) ((void)0)
#endif

#define wr_load_relaxed(p) (atomic_step("load_relaxed", p), __atomic_load_n(p, __ATOMIC_RELAXED))
#define wr_load_acquire(p) (atomic_step("load_acquire", p), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define wr_store_relaxed(p, v) (atomic_step("store_relaxed", p), __atomic_store_n(p, v, __ATOMIC_RELAXED))
#define wr_store_release(p, v) (atomic_step("store_release", p), __atomic_store_n(p, v, __ATOMIC_RELEASE))
#define wr_add_relaxed(p, v) (atomic_step("add_relaxed", p), __atomic_fetch_add(p, v, __ATOMIC_RELAXED))
#define wr_add_acquire(p, v) (atomic_step("add_acquire", p), __atomic_fetch_add(p, v, __ATOMIC_ACQUIRE))
#define wr_add_acq_rel(p, v) (atomic_step("add_acq_rel", p), __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL))
#define wr_sub_relaxed(p, v) (atomic_step("sub_relaxed", p), __atomic_fetch_sub(p, v, __ATOMIC_RELAXED))
#define wr_sub_release(p, v) (atomic_step("sub_release", p), __atomic_fetch_sub(p, v, __ATOMIC_RELEASE))
#define wr_or_relaxed(p, v) (atomic_step("or_relaxed", p), __atomic_fetch_or(p, v, __ATOMIC_RELAXED))
#define wr_or_acquire(p, v) (atomic_step("or_acquire", p), __atomic_fetch_or(p, v, __ATOMIC_ACQUIRE))
#define wr_or_release(p, v) (atomic_step("or_release", p), __atomic_fetch_or(p, v, __ATOMIC_RELEASE))
#define wr_or_acq_rel(p, v) (atomic_step("or_acq_rel", p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL))
#define wr_exchange_acquire(p, v)                                                                            \
    (atomic_step("exchange_acquire", p), __atomic_exchange_n(p, v, __ATOMIC_ACQUIRE))
#define wr_exchange_release(p, v)                                                                            \
    (atomic_step("exchange_release", p), __atomic_exchange_n(p, v, __ATOMIC_RELEASE))
#define wr_exchange_acq_rel(p, v)                                                                            \
    (atomic_step("exchange_acq_rel", p), __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL))
/* Compare and exchange; *expected is what was found, on failure. The order of a failure is in the name:
 * relaxed, but for cas_acq_rel, where it is acquire. */
#define wr_cas_relaxed(p, expected, v)                                                                       \
    (atomic_step("cas_relaxed", p),                                                                          \
     __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
#define wr_cas_acquire(p, expected, v)                                                                       \
    (atomic_step("cas_acquire", p),                                                                          \
     __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
#define wr_cas_release(p, expected, v)                                                                       \
    (atomic_step("cas_release", p),                                                                          \
     __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
#define wr_cas_acq_rel(p, expected, v)                                                                       \
    (atomic_step("cas_acq_rel", p),                                                                          \
     __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))

/* Count something that only this thread counts and others may look at; no step that tests could stop at. */
#define atomic_count(p) __atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED)

/* The same for what several threads count. */
#define atomic_count_shared(p) ((void)__atomic_fetch_add(p, 1, __ATOMIC_RELAXED))

/* Keeps the compiler from moving accesses across it, and not the processor: the cheap side of os_barrier. */
#define wr_compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* A plain access to a field that another thread may own before or after: named so that a checker sees it. */
#define wr_read(p) (*(p))
#define wr_write(p, v) ((void)(*(p) = (v)))

#endif /* WR_ATOMIC_H */
#endif /* WR_ATOMIC_INCLUDED */
