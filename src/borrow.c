/* SPDX-License-Identifier: MIT */
#include "borrow.h"

#include <pthread.h>

#include "alloc.h"
#include "death.h"
#include "fatal.h"
#include "orphans.h"
#include "os.h"

#define ARRAY_ALIGN 128 /* two cache lines: processors fetch pairs */

/* The hazards of one record, and later of the next thread that has it. */
struct borrows {
    struct borrows *next;     /* constant once it is on the list */
    struct wr_hazard *hazard; /* WR_HAZARDS of them, behind this; constant */
    wr_borrowed *strong; /* borrows of the thread that are references, linked through r[2], r[3]; its own */
    uint32_t
        used; /* only the first so many were ever in use by this thread; 0: no thread. Atomic, see [USED] */
};

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

static void barrier(void) {
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

/* Return this thread's array, made if need be and possible; NULL: none. */
static struct borrows *own_array(void) {
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

static struct wr_hazard *free_hazard(struct borrows *own) {
    for (uint32_t i = 0; i < WR_HAZARDS; i++) {
        if (wr_load_relaxed(&own->hazard[i].index) != 0) /* relaxed, here and below: this thread's own */
            continue;
        if (i >= wr_load_relaxed(&own->used)) {
            wr_store_relaxed(&own->used, i + 1);
            /* order: acq_rel [ACTIVE], as in own_array: a look that does not see `used` was about the dead. */
            (void)wr_add_acq_rel(&active.count, 0u);
        }
        return &own->hazard[i];
    }
    return NULL;
}

static void publish(struct wr_hazard *hazard, uint32_t index) {
    if (asymmetric)
        wr_hazard_publish(hazard, index);
    else {
        /* order: acq_rel [RMW], with the addition in look: that one sees the index, or this one is ordered after
         *        it and finds the word dead. */
        (void)wr_exchange_acq_rel(&hazard->index, index);
    }
}

static void clear(struct wr_hazard *hazard) {
    if (asymmetric) {
        /* order: release [HAZARD], as in wr_return. */
        wr_store_release(&hazard->index, 0u);
        /* order: compiler [ASYM], as in wr_return. */
        wr_compiler_barrier();
    } else {
        /* order: acq_rel [RMW], with the addition in look: that one sees the hazard clear, or this one sees what it
         *        left. Not a store: the next exchange would not be ordered after an addition before it. */
        (void)wr_exchange_acq_rel(&hazard->index, 0u);
    }
    if (wr_load_relaxed(&hazard->handover) != 0)
        wr_end_handed_over(hazard);
}

/* Clear a hazard that was published, and whose object is not to be had by it. */
static void clear_vain(struct wr_hazard *hazard) {
    wr_path(borrow_vain);
    clear(hazard);
}

/* ---- borrowing by a reference: other types, and when all hazards are in use ---- */

static wr_borrowed *borrowed_at(uint64_t address) {
    return (wr_borrowed *)(uintptr_t)address;
}

/* Note a reference that is a borrow, with who has it, as far as threads are known. */
static void *keep(void *obj, wr_borrowed *b) {
    struct borrows *own = thread_self()->borrows;
    b->r[0] = WR_BORROWED_NULL;
    if (obj == NULL)
        return NULL;
    wr_path(borrow_reference);
    b->r[0] = (uintptr_t)own | WR_BORROWED_STRONG;
    b->r[1] = (uintptr_t)obj;
    if (own != NULL) {
        b->r[2] = (uintptr_t)own->strong;
        b->r[3] = 0;
        if (own->strong != NULL)
            own->strong->r[3] = (uintptr_t)b;
        own->strong = b;
    }
    return obj;
}

static void forget(struct borrows *own, wr_borrowed *b) {
    wr_borrowed *next = borrowed_at(b->r[2]);
    wr_borrowed *before = borrowed_at(b->r[3]);
    if (next != NULL)
        next->r[3] = b->r[3];
    if (before != NULL)
        before->r[2] = b->r[2];
    else
        own->strong = next;
}

/* ---- what the hot path calls ---- */

void *wr_borrow_slow(wr_weak w, wr_borrowed *b, struct wr_hazard *hazard) {
    if (hazard != NULL) {
        clear_vain(hazard); /* dead since, or of a type that does not wait for borrowers */
        return keep(wr_weak_get(w), b);
    }
    struct borrows *own = own_array();
    hazard = own != NULL ? free_hazard(own) : NULL;
    if (hazard != NULL) {
        uint32_t index = (uint32_t)(w.bits >> 32);
        publish(hazard, index);
        /* order: acquire [GET], as in wr_borrow. */
        uint64_t word = wr_load_acquire(&wr_slot_at(index)->word);
        if ((word & (WR_TAG_MASK | WR_FIN | WR_BORROW)) == ((w.bits & WR_TAG_MASK) | WR_BORROW)) {
            wr_path(borrow_far);
            b->r[0] = (uintptr_t)hazard;
            return wr_payload_of(wr_slot_at(index));
        }
        clear_vain(hazard);
    }
    return keep(wr_weak_get(w), b);
}

void *wr_cell_borrow_slow(const wr_cell *c, wr_borrowed *b, struct wr_hazard *hazard) {
    if (hazard != NULL) {
        clear_vain(hazard);
        return keep(wr_cell_load(c), b);
    }
    struct borrows *own = own_array();
    hazard = own != NULL ? free_hazard(own) : NULL;
    /* order: acquire [CELL], as in wr_cell_borrow. */
    uint64_t index = wr_load_acquire(&c->bits);
    if (hazard != NULL && index != 0) {
        struct wr_slot *slot = wr_slot_at((uint32_t)index);
        publish(hazard, (uint32_t)index);
        /* order: acquire [GET], as in wr_cell_borrow.
         * order: acquire [CELL], as in wr_cell_borrow. */
        if ((wr_load_acquire(&slot->word) & (1 | WR_BORROW)) == (1 | WR_BORROW) &&
            wr_load_acquire(&c->bits) == index) {
            wr_path(cell_borrow_far);
            b->r[0] = (uintptr_t)hazard;
            return wr_payload_of(slot);
        }
        clear_vain(hazard);
    }
    return keep(wr_cell_load(c), b);
}

static _Noreturn void return_misuse(const wr_borrowed *b, const char *rule) {
    fatal("weakrt: wr_return(%p): %s", (const void *)b, rule);
}

void wr_return_slow(wr_borrowed *b) {
    uint64_t kind = b->r[0];
    struct borrows *own = thread_self()->borrows;
    if (kind == WR_BORROWED_NULL)
        return;
    if (kind == WR_BORROWED_RETURNED)
        return_misuse(b, "it was returned already: each borrow is returned once");
    b->r[0] = WR_BORROWED_RETURNED;
    if (kind & WR_BORROWED_STRONG) {
        uint64_t owner = kind - WR_BORROWED_STRONG;
        if (owner != 0 && owner != (uintptr_t)own)
            return_misuse(b, "another thread borrowed this: a borrow is returned where it was made");
        if (owner != 0)
            forget(own, b);
        wr_release((void *)(uintptr_t)b->r[1]);
        return;
    }
    struct wr_hazard *hazard = (struct wr_hazard *)(uintptr_t)kind;
    if (own == NULL || kind - (uintptr_t)own->hazard >= WR_HAZARDS * sizeof *hazard)
        return_misuse(b, "another thread borrowed this: a borrow is returned where it was made");
    if (wr_load_relaxed(&hazard->index) == 0)
        return_misuse(b, "a copy of it was returned already: each borrow is returned once");
    clear(hazard);
}

void wr_end_handed_over(struct wr_hazard *hazard) {
    /* order: acquire [HANDOVER], with leave: the whole death so far happened before. */
    uint64_t duty = wr_exchange_acquire(&hazard->handover, UINT64_C(0));
    if (duty == 0)
        return;
    wr_path(return_ends);
    struct user_code section;
    borrow_end_later(user_code_enter(&section), wr_slot_at((uint32_t)(duty >> 32)));
    user_code_leave(&section);
}

/* ---- death ---- */

void borrow_end_later(struct thread *thread, struct wr_slot *slot) {
    struct departed *departed = &thread->departed;
    wr_write(&slot->link, 0);
    if (departed->count++ == 0)
        departed->first = wr_index_of(slot);
    else
        wr_write(&wr_slot_at(departed->last)->link, wr_index_of(slot));
    departed->last = wr_index_of(slot);
}

/* Look at a hazard so that a borrower who is not seen will find dead what was dead before. */
static uint32_t look(struct wr_hazard *hazard) {
    /* order: acquire [HAZARD], with who cleared it, or went on to another slot: its accesses are over.
     * order: acq_rel [RMW], with the exchanges in publish and clear. */
    return asymmetric ? wr_load_acquire(&hazard->index) : wr_add_acq_rel(&hazard->index, 0u);
}

/* Leave the end of a dead object to the thread that has this hazard. Returns whether it, or somebody else, will
 * see to it; else the duty is this thread's still. */
static bool leave(struct thread *thread, struct borrows *array, struct wr_hazard *hazard, uint64_t duty) {
    uint64_t there = 0;
    /* order: acq_rel [HANDOVER], with whoever takes it out, and with who put in what is taken out here. */
    while (!wr_cas_acq_rel(&hazard->handover, &there, duty))
        ;
    if (there != 0)
        borrow_end_later(thread, wr_slot_at((uint32_t)(there >> 32))); /* that one's duty is ours now */
    if (array != thread->borrows)
        barrier();
    if (look(hazard) == duty >> 32) {
        wr_path(handover_left);
        stats_count(STAT_HANDED_OVER);
        return true;
    }
    there = duty;
    /* Only what we put in: another's duty may be in good hands here.
     * order: acq_rel [HANDOVER], as above. */
    if (wr_cas_acq_rel(&hazard->handover, &there, UINT64_C(0))) {
        wr_path(handover_back);
        return false;
    }
    wr_path(handover_taken);
    stats_count(STAT_HANDED_OVER);
    return true;
}

/* Find somebody who borrows the dead object, and leave its end to that one. Returns whether there was one. */
static bool hand_over(struct thread *thread, struct wr_slot *slot) {
    uint32_t index = wr_index_of(slot);
    uint32_t tag = word_tag(wr_load_relaxed(&slot->word)); /* relaxed: dead, and this thread's */
    /* order: acquire [ARRAYS], with the push. */
    for (struct borrows *array = wr_load_acquire(&arrays); array != NULL; array = wr_read(&array->next)) {
        /* order: acquire [USED], with the exit of its thread, whose accesses are over. */
        uint32_t used = wr_load_acquire(&array->used);
        struct wr_hazard *hazard = wr_read(&array->hazard);
        for (uint32_t i = 0; i < used; i++)
            if (look(&hazard[i]) == index && leave(thread, array, &hazard[i], (uint64_t)index << 32 | tag))
                return true;
    }
    return false;
}

void borrow_end_now(struct thread *thread) {
    struct departed *departed = &thread->departed;
    if (departed->count == 0)
        return;
    uint32_t ours = thread->borrows != NULL && wr_load_relaxed(&thread->borrows->used) != 0;
    /* order: acq_rel [ACTIVE], with own_array: whose array is not counted yet finds all these dead. */
    if (wr_add_acq_rel(&active.count, 0u) != ours)
        barrier();
    /* A destroy may come here again, for more, and leave nothing covered. */
    for (departed->covered = departed->count; departed->covered != 0;) {
        struct wr_slot *slot = wr_slot_at(departed->first);
        departed->first = wr_read(&slot->link);
        departed->count--;
        departed->covered--;
        if (!hand_over(thread, slot)) {
            wr_path(borrowed_by_none);
            death_end(thread, slot);
        }
    }
}

/* ---- for others ---- */

bool borrow_is_ours(const struct wr_slot *slot) {
    struct borrows *own = thread_self()->borrows;
    if (own == NULL)
        return false;
    for (uint32_t i = 0; i < wr_load_relaxed(&own->used); i++) /* relaxed: this thread's own */
        if (wr_load_relaxed(&own->hazard[i].index) == wr_index_of(slot))
            return true;
    for (wr_borrowed *b = own->strong; b != NULL; b = borrowed_at(b->r[2]))
        if (wr_slot_of((void *)(uintptr_t)b->r[1]) == slot)
            return true;
    return false;
}

void borrow_thread_leaves(struct thread *thread) {
    struct borrows *own = thread->borrows;
    uint32_t used = own != NULL ? wr_load_relaxed(&own->used) : 0; /* relaxed: this thread's own */
    if (used == 0)
        return;
    for (uint32_t i = 0; i < used; i++)
        if (wr_load_relaxed(&own->hazard[i].index) != 0)
            fatal_object("wr_borrow", wr_payload_of(wr_slot_at(wr_load_relaxed(&own->hazard[i].index))),
                         "borrowed by a thread that ends: every borrow is returned before");
    if (own->strong != NULL)
        fatal_object("wr_borrow", (void *)(uintptr_t)own->strong->r[1],
                     "borrowed by a thread that ends: every borrow is returned before");
    wr_hazards = nobody;
    /* order: release [USED], with the look: all accesses of this thread's borrows are over. */
    wr_store_release(&own->used, 0u);
    /* order: release [ACTIVE], with the addition before a look, for the same. */
    (void)wr_sub_release(&active.count, 1u);
}

void borrow_forget_absent(void) {
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
