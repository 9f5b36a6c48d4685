/* SPDX-License-Identifier: MIT */
/* The calls of scenarios to weakrt, with a line in the thread's trail around each. */
#ifndef STRESS_RECORDED_H
#define STRESS_RECORDED_H

#include "perturb.h"
#include "trail.h"

/* Operations that give something to hold. */
#define TRAIL_GIVES                                                                                          \
    (1u << OP_GET | 1u << OP_BORROW | 1u << OP_CELL_LOAD | 1u << OP_CELL_BORROW | 1u << OP_CACHE_GET)

/* A recorded form of a function: its type, its name, its parameters, what it is about, the call, and what to enter of
 * what it `got`: what that is about, or 0, and a number. */
#define RECORDED(operation, type, name, parameters, before, call, after, result)                             \
    static inline type recorded_##name parameters {                                                          \
        struct trail_step step = trail_begin(OP_##operation, before);                                        \
        type got = call;                                                                                     \
        trail_end(step, after, (uint32_t)(result));                                                          \
        if ((TRAIL_GIVES >> OP_##operation & 1) != 0 && (result))                                            \
            perturb_holding();                                                                               \
        return got;                                                                                          \
    }

RECORDED(NEW, void *, new_flex, (const wr_type *type, size_t extra), 0, wr_new_flex(type, extra),
         trail_about(got), got != NULL)
RECORDED(RETAIN, void *, retain, (void *object), trail_about(object), wr_retain(object), 0, got != NULL)
RECORDED(WEAK_OF, wr_weak, weak_of, (const void *object), trail_about(object), wr_weak_of(object), got.bits,
         !wr_weak_is_null(got))
RECORDED(GET, void *, weak_get, (wr_weak weak), weak.bits, wr_weak_get(weak), 0, got != NULL)
RECORDED(IS_DEAD, bool, weak_is_dead, (wr_weak weak), weak.bits, wr_weak_is_dead(weak), 0, got)
RECORDED(KILL, int, kill, (void *object), trail_about(object), wr_kill(object), 0, got)
RECORDED(KILL_WAIT, int, kill_wait, (void *object, int64_t timeout_ms), trail_about(object),
         wr_kill_wait(object, timeout_ms), 0, got)
RECORDED(CLEAR, int, weakref_clear, (void *object), trail_about(object), wr_weakref_clear(object), 0, got)
RECORDED(BORROW, void *, borrow, (wr_weak weak, wr_borrowed *borrowed), weak.bits, wr_borrow(weak, borrowed),
         0, got != NULL)
RECORDED(CELL_LOAD, void *, cell_load, (const wr_cell *cell), 0, wr_cell_load(cell), trail_about(got),
         got != NULL)
RECORDED(CELL_BORROW, void *, cell_borrow, (const wr_cell *cell, wr_borrowed *borrowed), 0,
         wr_cell_borrow(cell, borrowed), trail_about(got), got != NULL)
RECORDED(WEAKREF_NEW, wr_weakref *, weakref_new_ex, (void *object, const wr_weakref_options *options),
         trail_about(object), wr_weakref_new_ex(object, options), 0, got != NULL)
RECORDED(CANCEL, int, weakref_cancel, (wr_weakref * ref), trail_about(ref), wr_weakref_cancel(ref), 0, got)
RECORDED(CACHE_GET, void *, cache_get, (wr_cache * cache, const void *key, size_t size), 0,
         wr_cache_get(cache, key, size), trail_about(got), got != NULL)
RECORDED(QUEUE_RUN, int, queue_run, (wr_queue * queue, int most), 0, wr_queue_run(queue, most), 0, got)
RECORDED(TRIM, size_t, trim, (void), 0, wr_trim(), 0, got >> 20)

static inline void recorded_release(void *object) {
    if (object == NULL)
        return;
    struct trail_step step = trail_begin(OP_RELEASE, trail_about(object));
    wr_release(object);
    trail_end(step, 0, 0);
}

static inline void recorded_return(wr_borrowed *borrowed) {
    struct trail_step step = trail_begin(OP_RETURN, 0);
    wr_return(borrowed);
    trail_end(step, 0, 0);
}

static inline void recorded_cell_store(wr_cell *cell, void *object) {
    struct trail_step step = trail_begin(OP_CELL_STORE, trail_about(object));
    wr_cell_store(cell, object);
    trail_end(step, 0, 0);
}

#undef RECORDED
#undef TRAIL_GIVES
#define wr_new_flex recorded_new_flex
#define wr_retain recorded_retain
#define wr_release recorded_release
#define wr_weak_of recorded_weak_of
#define wr_weak_get recorded_weak_get
#define wr_weak_is_dead recorded_weak_is_dead
#define wr_kill recorded_kill
#define wr_kill_wait recorded_kill_wait
#define wr_weakref_clear recorded_weakref_clear
#define wr_borrow recorded_borrow
#define wr_return recorded_return
#define wr_cell_load recorded_cell_load
#define wr_cell_store recorded_cell_store
#define wr_cell_borrow recorded_cell_borrow
#define wr_weakref_new_ex recorded_weakref_new_ex
#define wr_weakref_cancel recorded_weakref_cancel
#define wr_cache_get recorded_cache_get
#define wr_queue_run recorded_queue_run
#define wr_trim recorded_trim

#endif /* STRESS_RECORDED_H */
