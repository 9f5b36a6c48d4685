/* SPDX-License-Identifier: MIT */
#include "death.h"

#include <errno.h>

#include "borrow.h"
#include "lock.h"
#include "registry.h"

/* Index of the last orphan, linked through `link`; 0: none. On a line of its own: every death looks at it. */
static struct { uint32_t head; /* atomic */ } orphans __attribute__((aligned(128)));

static bool orphans_wait(void) {
    return wr_load_relaxed(&orphans.head) !=
           0; /* relaxed: a look too early is made up for by the next death */
}

/* ---- the deaths that wait on this thread ---- */

static void append(struct thread *thread, struct wr_slot *slot) {
    wr_write(&slot->link, 0);
    if (thread->first == 0)
        thread->first = wr_index_of(slot);
    else
        wr_write(&wr_slot_at(thread->last)->link, wr_index_of(slot));
    thread->last = wr_index_of(slot);
}

/* Move the orphans to the thread's list, the first one orphaned first. */
static void adopt_orphans(struct thread *thread) {
    /* order: acquire [ORPHAN], with the push: the whole death of the object happened before. */
    uint32_t index = wr_exchange_acquire(&orphans.head, 0u);
    uint32_t reversed = 0;
    while (index != 0) {
        struct wr_slot *slot = wr_slot_at(index);
        uint32_t next = wr_read(&slot->link);
        wr_write(&slot->link, reversed);
        reversed = index;
        index = next;
    }
    for (uint32_t next; reversed != 0; reversed = next) {
        next = wr_read(&wr_slot_at(reversed)->link);
        append(thread, wr_slot_at(reversed));
    }
}

static struct wr_slot *next_waiting(struct thread *thread) {
    if (thread->first == 0 && orphans_wait())
        adopt_orphans(thread);
    if (thread->first == 0)
        return NULL;
    struct wr_slot *slot = wr_slot_at(thread->first);
    thread->first = wr_read(&slot->link);
    return slot;
}

/* ---- one death ---- */

void death_end(struct thread *thread, struct wr_slot *slot) {
    const wr_type *type = wr_read(&slot->type);
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: dead, and this thread's; strays do not matter */
    if (type->destroy != NULL)
        type->destroy(wr_payload_of(slot));
    thread_free(thread, slot, word);
}

/* Run finalize, or callbacks and destroy, of an object whose word was closed. */
static void run(struct thread *thread, struct wr_slot *slot) {
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: this thread closed it, or has it from who did */
    if (word_alive(word)) {
        wr_read(&slot->type)->finalize(wr_payload_of(slot));
        word = word_finalized(slot);
        if (word_alive(word))
            return; /* resurrected */
        word_raise_below(slot, word_tag(word));
    }
    if (word & WR_REG)
        registry_died(thread, slot);
    /* relaxed: a weak value or a cell, without which nobody can have borrowed it, was made by a holder. */
    if ((word & WR_BORROW) && wr_load_relaxed(&slot->below) != 0)
        borrow_end_later(thread, slot);
    else
        death_end(thread, slot);
}

static void run_waiting(struct thread *thread) {
    for (;;) {
        struct wr_slot *slot = next_waiting(thread);
        if (slot == NULL && thread->ending.count == 0)
            return;
        /* Borrowable objects one after the other share one look at all hazards. relaxed: as in run. */
        if (thread->ending.count == BORROW_BATCH || slot == NULL ||
            !(wr_load_relaxed(&slot->word) & WR_BORROW))
            borrow_end_now(thread);
        if (slot != NULL)
            run(thread, slot);
    }
}

struct thread *user_code_enter(struct user_code *section) {
    lock_none_held();
    section->saved_errno = errno;
    section->thread = thread_attach(&section->temporary);
    section->outermost = !section->thread->busy;
    section->thread->busy = true;
    return section->thread;
}

void user_code_leave(struct user_code *section) {
    if (section->outermost) {
        run_waiting(section->thread);
        section->thread->busy = false;
    }
    if (section->thread == &section->temporary)
        thread_detach(section->thread);
    errno = section->saved_errno;
}

/* Run a death on a thread that is busy or has no record. */
static void begin_slow(struct thread *thread, struct wr_slot *slot) {
    if (thread_is_real(thread)) {
        append(thread, slot);
        return;
    }
    struct user_code section;
    run(user_code_enter(&section), slot);
    user_code_leave(&section);
}

void death_begin(struct wr_slot *slot, uint64_t closed) {
    struct thread *thread = thread_self();
    if (!word_alive(closed)) {
        word_raise_below(slot, word_tag(closed));
        if (!(closed & (WR_REG | WR_BORROW)) && wr_read(&slot->type)->destroy == NULL) {
            /* No user code, so no matter whose turn it is. */
            thread_free(thread, slot, closed);
            if (wr_unlikely(orphans_wait()))
                death_of_orphans();
            return;
        }
    }
    if (wr_unlikely(thread->busy)) {
        begin_slow(thread, slot);
        return;
    }
    /* As between user_code_enter and _leave, but quicker. */
    lock_none_held();
    int saved = errno;
    thread->busy = true;
    run(thread, slot);
    run_waiting(thread);
    thread->busy = false;
    errno = saved;
}

void death_of_orphans(void) {
    struct user_code section;
    if (orphans_wait()) {
        (void)user_code_enter(&section); /* a thread that is busy already gets to them by itself */
        user_code_leave(&section);
    }
}

/* ---- what the hot path calls ---- */

void wr_last_released(struct wr_slot *slot, uint64_t zero) {
    uint64_t closed = word_close(slot, zero);
    if (closed != 0)
        death_begin(slot, closed);
}

void wr_sole_released(struct wr_slot *slot, uint64_t one) {
    if (wr_unlikely((one & WR_DONE) == 0)) {
        /* finalize may yet make weak values and references: it needs the whole protocol. */
        /* order: release [DROP], as in wr_release. */
        uint64_t old = wr_sub_release(&slot->word, WR_ONE);
        if (old < 2 * WR_ONE)
            wr_last_released(slot, old - WR_ONE);
        return;
    }
    uint64_t closed = one - WR_ONE - 1;
    /* relaxed: nobody else can look at this word before it is published again. The tag is not spent: nobody has
     *          it. */
    wr_store_relaxed(&slot->word, closed);
    death_begin(slot, closed);
}

void wr_give_back(struct wr_slot *slot) {
    /* order: release [DROP], as in wr_release. */
    uint64_t old = wr_sub_release(&slot->word, WR_ONE);
    if (old >= 2 * WR_ONE || word_close(slot, old - WR_ONE) == 0)
        return;
    uint32_t head = wr_load_relaxed(&orphans.head);
    do {
        wr_write(&slot->link, head);
        /* order: release [ORPHAN], with the exchange that takes the list: link, and the death so far, are seen.
         *        */
    } while (!wr_cas_release(&orphans.head, &head, wr_index_of(slot)));
}
