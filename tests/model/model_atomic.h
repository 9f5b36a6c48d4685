/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of src/atomic.h for the checker: with -DWR_ATOMIC_H='"model_atomic.h"' the library's own source asks the
 * checker for the result of every atomic operation. There is one for each pair of operation and order, also those the
 * library does not use, so that an order in it can be weakened by changing a name.
 */
#ifndef WR_MODEL_ATOMIC_H
#define WR_MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_order { RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };
enum model_rmw { ADD, SUB, OR, AND, XOR, EXCHANGE };

/* Where an operation is: its address and size, the text of the address, the function. */
struct model_site {
    volatile void *at;
    const char *text;
    const char *function;
    uint8_t size;
};

uint64_t model_load(struct model_site site, enum model_order order);
void model_store(struct model_site site, uint64_t value, enum model_order order);
uint64_t model_rmw(struct model_site site, enum model_rmw operation, uint64_t operand,
                   enum model_order order);
bool model_cas(struct model_site site, void *expected, uint64_t desired, enum model_order order,
               enum model_order order_of_failure);
void model_fence(enum model_order order, const char *function);
void model_membarrier(const char *function);
void model_plain(struct model_site site, bool is_write);

#define model_here(p) ((struct model_site){(volatile void *)(uintptr_t)(p), #p, __func__, sizeof *(p)})
#define model_bits(v) ((uint64_t)(uintptr_t)(v))
#define model_as(p, bits) ((__typeof__(*(p)))(uintptr_t)(bits))
#define model_rmw_as(p, operation, v, order)                                                                 \
    model_as(p, model_rmw(model_here(p), operation, model_bits(v), order))

#define wr_load_relaxed(p) model_as(p, model_load(model_here(p), RELAXED))
#define wr_load_acquire(p) model_as(p, model_load(model_here(p), ACQUIRE))
#define wr_load_seq_cst(p) model_as(p, model_load(model_here(p), SEQ_CST))
#define wr_store_relaxed(p, v) model_store(model_here(p), model_bits(v), RELAXED)
#define wr_store_release(p, v) model_store(model_here(p), model_bits(v), RELEASE)
#define wr_store_seq_cst(p, v) model_store(model_here(p), model_bits(v), SEQ_CST)

#define wr_add_relaxed(p, v) model_rmw_as(p, ADD, v, RELAXED)
#define wr_add_acquire(p, v) model_rmw_as(p, ADD, v, ACQUIRE)
#define wr_add_release(p, v) model_rmw_as(p, ADD, v, RELEASE)
#define wr_add_acq_rel(p, v) model_rmw_as(p, ADD, v, ACQ_REL)
#define wr_add_seq_cst(p, v) model_rmw_as(p, ADD, v, SEQ_CST)
#define wr_sub_relaxed(p, v) model_rmw_as(p, SUB, v, RELAXED)
#define wr_sub_acquire(p, v) model_rmw_as(p, SUB, v, ACQUIRE)
#define wr_sub_release(p, v) model_rmw_as(p, SUB, v, RELEASE)
#define wr_sub_acq_rel(p, v) model_rmw_as(p, SUB, v, ACQ_REL)
#define wr_or_relaxed(p, v) model_rmw_as(p, OR, v, RELAXED)
#define wr_or_acquire(p, v) model_rmw_as(p, OR, v, ACQUIRE)
#define wr_or_release(p, v) model_rmw_as(p, OR, v, RELEASE)
#define wr_or_acq_rel(p, v) model_rmw_as(p, OR, v, ACQ_REL)
#define wr_and_relaxed(p, v) model_rmw_as(p, AND, v, RELAXED)
#define wr_and_acquire(p, v) model_rmw_as(p, AND, v, ACQUIRE)
#define wr_and_release(p, v) model_rmw_as(p, AND, v, RELEASE)
#define wr_and_acq_rel(p, v) model_rmw_as(p, AND, v, ACQ_REL)
#define wr_exchange_relaxed(p, v) model_rmw_as(p, EXCHANGE, v, RELAXED)
#define wr_exchange_acquire(p, v) model_rmw_as(p, EXCHANGE, v, ACQUIRE)
#define wr_exchange_release(p, v) model_rmw_as(p, EXCHANGE, v, RELEASE)
#define wr_exchange_acq_rel(p, v) model_rmw_as(p, EXCHANGE, v, ACQ_REL)
#define wr_exchange_seq_cst(p, v) model_rmw_as(p, EXCHANGE, v, SEQ_CST)

/* The order of a failure is relaxed, but for cas_acq_rel, where it is acquire. Where both are in the name, it is the
 * second. */
#define model_cas_as(p, expected, v, order, failure)                                                         \
    model_cas(model_here(p), expected, model_bits(v), order, failure)
#define wr_cas_relaxed(p, expected, v) model_cas_as(p, expected, v, RELAXED, RELAXED)
#define wr_cas_acquire(p, expected, v) model_cas_as(p, expected, v, ACQUIRE, RELAXED)
#define wr_cas_release(p, expected, v) model_cas_as(p, expected, v, RELEASE, RELAXED)
#define wr_cas_acq_rel(p, expected, v) model_cas_as(p, expected, v, ACQ_REL, ACQUIRE)
#define wr_cas_seq_cst(p, expected, v) model_cas_as(p, expected, v, SEQ_CST, SEQ_CST)
#define wr_cas_acquire_acquire(p, expected, v) model_cas_as(p, expected, v, ACQUIRE, ACQUIRE)
#define wr_cas_release_acquire(p, expected, v) model_cas_as(p, expected, v, RELEASE, ACQUIRE)
#define wr_cas_acq_rel_relaxed(p, expected, v) model_cas_as(p, expected, v, ACQ_REL, RELAXED)

/* What a compiler does is not modelled: it may not move what this separates. */
#define wr_compiler_barrier() ((void)0)

#define wr_fence_acquire() model_fence(ACQUIRE, __func__)
#define wr_fence_release() model_fence(RELEASE, __func__)
#define wr_fence_seq_cst() model_fence(SEQ_CST, __func__)

/* Counting orders nothing, and is no step. */
#define atomic_count(p) ((void)++*(p))
#define atomic_count_shared(p) atomic_count(p)

#define wr_read(p) (model_plain(model_here(p), false), *(p))
#define wr_write(p, v) (model_plain(model_here(p), true), (void)(*(p) = (v)))

#endif /* WR_MODEL_ATOMIC_H */
