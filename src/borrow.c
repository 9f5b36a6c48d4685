/* SPDX-License-Identifier: MIT */
#include "borrow.h"

#include "death.h"
#include "fatal.h"
#include "hazard.h"

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

/* Take a reference off the list of its thread. Returns false: it is not on it, but a copy of what is or was. */
static bool forget(struct borrows *own, const wr_borrowed *b) {
    wr_borrowed *next = borrowed_at(b->r[2]);
    wr_borrowed *before = borrowed_at(b->r[3]);
    if ((before != NULL ? borrowed_at(before->r[2]) : own->strong) != b)
        return false;
    if (next != NULL)
        next->r[3] = b->r[3];
    if (before != NULL)
        before->r[2] = b->r[2];
    else
        own->strong = next;
    return true;
}

/* ---- what the hot path calls ---- */

/* Clear a hazard that was published, and whose object is not to be had by it. */
static void clear_vain(struct wr_hazard *hazard) {
    wr_path(borrow_vain);
    hazard_clear(hazard);
}

void *wr_borrow_slow(wr_weak w, wr_borrowed *b, struct wr_hazard *hazard) {
    if (hazard != NULL) {
        clear_vain(hazard); /* dead since, or of a type that does not wait for borrowers */
        return keep(wr_weak_get(w), b);
    }
    struct borrows *own = hazard_array();
    hazard = own != NULL ? hazard_free(own) : NULL;
    if (hazard != NULL) {
        uint32_t index = (uint32_t)(w.bits >> 32);
        hazard_publish(hazard, index);
        /* order: acquire [GET], as in wr_borrow. */
        uint64_t word = wr_load_acquire(&wr_slot_at(index)->word);
        if ((word & (WR_TAG_MASK | WR_FIN | WR_BORROW)) == ((w.bits & WR_TAG_MASK) | WR_BORROW)) {
            wr_path(borrow_far);
            b->r[0] = (uintptr_t)hazard;
            b->r[1] = w.bits;
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
    struct borrows *own = hazard_array();
    hazard = own != NULL ? hazard_free(own) : NULL;
    /* order: acquire [CELL], as in wr_cell_borrow. */
    uint64_t index = wr_load_acquire(&c->bits);
    if (hazard != NULL && index != 0) {
        struct wr_slot *slot = wr_slot_at((uint32_t)index);
        hazard_publish(hazard, (uint32_t)index);
        /* order: acquire [GET], as in wr_cell_borrow.
         * order: acquire [CELL], as in wr_cell_borrow. */
        if ((wr_load_acquire(&slot->word) & (1 | WR_BORROW)) == (1 | WR_BORROW) &&
            wr_load_acquire(&c->bits) == index) {
            wr_path(cell_borrow_far);
            b->r[0] = (uintptr_t)hazard;
            b->r[1] = index << 32;
            return wr_payload_of(slot);
        }
        clear_vain(hazard);
    }
    return keep(wr_cell_load(c), b);
}

/* Report misuse of a borrow of what the weak value was made for, which may be gone. */
static _Noreturn void return_misuse(wr_weak of, const char *rule) {
    struct wr_slot *slot = wr_slot_at((uint32_t)(of.bits >> 32));
    void *obj = wr_payload_of(slot);
    if (!arena_is_slot(obj))
        fatal("weakrt: wr_return: this is no borrow: pass what wr_borrow was given");
    uint32_t tag = (uint32_t)of.bits; /* 0: from a cell */
    /* relaxed: for a message. Borrowed objects have weak values, so that a death spends the tag. */
    if (tag != 0 && word_tag(wr_load_relaxed(&slot->word)) - tag > 1)
        fatal("weakrt: wr_return(%p): of an object that is gone: %s", obj, rule);
    fatal_object("wr_return", obj, rule);
}

#define RETURNED "the borrow was returned already: each is once, and never a copy of it"
#define ELSEWHERE "another thread borrowed it: a borrow is returned where it was made"

/* Give back a borrow that is a reference, made by the thread that has the array `owner`, if there is any. */
static void return_reference(struct borrows *own, wr_borrowed *b, uint64_t owner) {
    void *obj = (void *)(uintptr_t)b->r[1];
    struct wr_slot *slot = wr_slot_of(obj);
    wr_weak of = wr_weak_from_u64(0);
    if (arena_is_slot(obj))
        of = word_value(slot, wr_load_relaxed(&slot->word)); /* relaxed: the borrow has a reference */
    if (owner != 0 && owner != (uintptr_t)own)
        return_misuse(of, ELSEWHERE);
    if (owner != 0 && !forget(own, b))
        return_misuse(of, RETURNED);
    b->r[0] = WR_BORROWED_RETURNED;
    b->r[1] = of.bits;
    wr_release(obj);
}

void wr_return_slow(wr_borrowed *b) {
    uint64_t kind = b->r[0];
    struct borrows *own = thread_self()->borrows;
    if (kind == WR_BORROWED_NULL)
        return;
    if (kind != WR_BORROWED_RETURNED && (kind & WR_BORROWED_STRONG)) {
        return_reference(own, b, kind - WR_BORROWED_STRONG);
        return;
    }
    wr_weak of = wr_weak_from_u64(b->r[1]);
    if (kind == WR_BORROWED_RETURNED)
        return_misuse(of, RETURNED);
    struct wr_hazard *hazard = (struct wr_hazard *)(uintptr_t)kind;
    if (own == NULL || kind - (uintptr_t)own->hazard >= WR_HAZARDS * sizeof *hazard)
        return_misuse(of, ELSEWHERE);
    if (wr_load_relaxed(&hazard->index) == 0)
        return_misuse(of, RETURNED);
    b->r[0] = WR_BORROWED_RETURNED;
    hazard_clear(hazard);
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
        hazard_barrier();
    if (hazard_look(hazard) == duty >> 32) {
        wr_path(handover_left);
        stats_count(STAT_HANDED_OVER);
        return true;
    }
    there = duty;
    /* Only what we put in: another's duty may be in good hands here.
     * order: acquire [HANDOVER], with who put it in: this end may have been taken, and left here again by others.
     *        No release: nothing is learned from the zero. */
    if (wr_cas_acquire(&hazard->handover, &there, UINT64_C(0))) {
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
    for (struct borrows *array = hazard_arrays(); array != NULL; array = wr_read(&array->next)) {
        uint32_t used = hazard_used(array);
        struct wr_hazard *hazard = wr_read(&array->hazard);
        for (uint32_t i = 0; i < used; i++)
            if (hazard_look(&hazard[i]) == index &&
                leave(thread, array, &hazard[i], (uint64_t)index << 32 | tag))
                return true;
    }
    return false;
}

void borrow_end_now(struct thread *thread) {
    struct departed *departed = &thread->departed;
    if (departed->count == 0)
        return;
    hazard_before_looks(thread);
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
    hazard_array_leave(own);
}
