/* SPDX-License-Identifier: MIT */
#include "hazard.h"

#include <pthread.h>

#include "alloc.h"
#include "fatal.h"
#include "orphans.h"
#include "os.h"

#define ARRAY_ALIGN 128 /* two cache lines: processors fetch pairs */

/* All arrays there are. */
static struct borrows *arrays; /* atomic, see [ARRAYS] */

/* How many of them a thread has. Everybody who changes what there is to look at comes by this word, and
 * everybody who is about to look. */
static struct { uint32_t count; /* atomic, see [ACTIVE] */ } active __attribute__((aligned(128)));

/* For threads without an array: nothing free in it. Never written. */
static struct wr_hazard nobody[WR_HAZARDS] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}};

__thread struct wr_hazard *wr_hazards __attribute__((tls_model("initial-exec"))) = nobody;

/* ---- the barrier ---- */

#if defined(__SANITIZE_THREAD__)
#define WR_NO_MEMBARRIER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WR_NO_MEMBARRIER
#endif
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool asymmetric; /* there is a membarrier; constant after `once`, which comes before any array */

static void prepare(void) {
#ifndef WR_NO_MEMBARRIER
    asymmetric = os_barrier_prepare();
#endif
}

void hazard_barrier(void) {
    /* order: membarrier [ASYM], with the compiler barriers after a hazard's store and before a hand-over's load.
     */
    if (asymmetric && !os_barrier())
        fatal("weakrt: membarrier worked at this process's first wr_borrow and fails now, and without it no "
              "WR_BORROWABLE object can be destroyed: install filters of system calls before, or allow it");
}

/* ---- a thread's own hazards ---- */

static struct borrows *allocate(void) {
    struct borrows *own =
        alloc_zeroed(sizeof(struct borrows) + ARRAY_ALIGN + WR_HAZARDS * sizeof(struct wr_hazard));
    if (own == NULL)
        return NULL;
    uintptr_t end = (uintptr_t)(own + 1);
    char *hazards = (char *)own + sizeof *own + (-end & (uintptr_t)(ARRAY_ALIGN - 1));
    wr_write(&own->hazard, (struct wr_hazard *)(void *)hazards);
    struct borrows *head = wr_load_relaxed(&arrays);
    do {
        wr_write(&own->next, head);
        /* order: release [ARRAYS], with the look at all hazards: `next`, and zeros, are seen. */
    } while (!wr_cas_release(&arrays, &head, own));
    return own;
}

struct borrows *hazard_array(void) {
    struct thread temporary;
    struct thread *thread = thread_attach(&temporary);
    if (thread->temporary) {
        if (thread == &temporary)
            thread_detach(thread);
        return NULL;
    }
    (void)pthread_once(&once, prepare);
    if (thread->borrows == NULL)
        thread->borrows = allocate();
    struct borrows *own = thread->borrows;
    if (own != NULL && wr_load_relaxed(&own->used) == 0) {
        wr_store_relaxed(&own->used, WR_HAZARDS_NEAR);
        /* order: acq_rel [ACTIVE], with the addition before a look. Release: the look sees the array and `used`;
         *        or acquire: it came before, and what it is about reads dead here. */
        (void)wr_add_acq_rel(&active.count, 1u);
        if (asymmetric)
            wr_hazards = own->hazard;
    }
    return own;
}

struct wr_hazard *hazard_free(struct borrows *own) {
    for (uint32_t i = 0; i < WR_HAZARDS; i++) {
        if (wr_load_relaxed(&own->hazard[i].index) != 0) /* relaxed, here and below: this thread's own */
            continue;
        if (i >= wr_load_relaxed(&own->used)) {
            wr_store_relaxed(&own->used, i + 1);
            /* order: acq_rel [ACTIVE], as in hazard_array: a look that does not see `used` was about the dead. */
            (void)wr_add_acq_rel(&active.count, 0u);
        }
        return &own->hazard[i];
    }
    return NULL;
}

void hazard_publish(struct wr_hazard *hazard, uint32_t index) {
    if (asymmetric)
        wr_hazard_publish(hazard, index);
    else {
        /* order: acq_rel [RMW], with the addition in hazard_look: that one sees the index, or this one is ordered after
         *        it and finds the word dead. */
        (void)wr_exchange_acq_rel(&hazard->index, index);
    }
}

void hazard_clear(struct wr_hazard *hazard) {
    if (asymmetric) {
        /* order: release [HAZARD], as in wr_return. */
        wr_store_release(&hazard->index, 0u);
        /* order: compiler [ASYM], as in wr_return. */
        wr_compiler_barrier();
    } else {
        /* order: acq_rel [RMW], with the addition in hazard_look: that one sees the hazard clear, or this one sees
         *        what it left. Not a store: the next exchange would not be ordered after an addition before it. */
        (void)wr_exchange_acq_rel(&hazard->index, 0u);
    }
    if (wr_load_relaxed(&hazard->handover) != 0)
        wr_end_handed_over(hazard);
}

/* ---- looking at all ---- */

struct borrows *hazard_arrays(void) {
    /* order: acquire [ARRAYS], with the push. */
    return wr_load_acquire(&arrays);
}

void hazard_before_looks(const struct thread *thread) {
    uint32_t ours = thread->borrows != NULL && wr_load_relaxed(&thread->borrows->used) != 0;
    /* order: acq_rel [ACTIVE], with hazard_array: whose array is not counted yet finds all dead that the looks are
     *        about. */
    if (wr_add_acq_rel(&active.count, 0u) != ours)
        hazard_barrier();
}

uint32_t hazard_used(struct borrows *array) {
    /* order: acquire [USED], with the exit of its thread, whose accesses are over. */
    return wr_load_acquire(&array->used);
}

uint32_t hazard_look(struct wr_hazard *hazard) {
    /* order: acquire [HAZARD], with who cleared it, or went on to another slot: its accesses are over.
     * order: acq_rel [RMW], with the exchanges in hazard_publish and hazard_clear. */
    return asymmetric ? wr_load_acquire(&hazard->index) : wr_add_acq_rel(&hazard->index, 0u);
}

/* ---- the end of a thread, and fork ---- */

void hazard_array_leave(struct borrows *own) {
    wr_hazards = nobody;
    /* order: release [USED], with the look: all accesses of this thread's borrows are over. */
    wr_store_release(&own->used, 0u);
    /* order: release [ACTIVE], with the addition before a look, for the same. */
    (void)wr_sub_release(&active.count, 1u);
}

void hazard_forget_absent(void) {
    struct borrows *own = thread_self()->borrows;
    uint32_t count = 0;
    /* relaxed, all of it: there is one thread. */
    for (struct borrows *array = wr_load_relaxed(&arrays); array != NULL; array = array->next) {
        for (uint32_t i = 0; i < WR_HAZARDS; i++) {
            struct wr_hazard *hazard = &array->hazard[i];
            uint64_t duty = wr_load_relaxed(&hazard->handover);
            if (array != own)
                wr_store_relaxed(&hazard->index, 0u);
            if (duty != 0 && wr_load_relaxed(&hazard->index) != duty >> 32) {
                wr_store_relaxed(&hazard->handover, UINT64_C(0));
                orphan_push(wr_slot_at((uint32_t)(duty >> 32)));
            } /* else our own return finds it */
        }
        if (array != own) {
            array->strong = NULL;
            wr_store_relaxed(&array->used, 0u);
        }
        count += wr_load_relaxed(&array->used) != 0;
    }
    wr_store_relaxed(&active.count, count);
}
