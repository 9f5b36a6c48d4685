/* SPDX-License-Identifier: MIT */
#include "death.h"

#include <errno.h>

#include "annex.h"
#include "borrow.h"
#include "call.h"
#include "orphans.h"
#include "queue.h"
#include "wait.h"
#include "weakref.h"

/* ---- the deaths that wait on this thread ---- */

static void append(struct thread *thread, struct wr_slot *slot) {
    wr_write(&slot->link, 0);
    if (thread->first == 0)
        thread->first = wr_index_of(slot);
    else
        wr_write(&wr_slot_at(thread->last)->link, wr_index_of(slot));
    thread->last = wr_index_of(slot);
}

/* Return the one whose turn it is, or NULL. */
static struct wr_slot *first_waiting(struct thread *thread) {
    if (thread->first == 0 && orphans_wait()) {
        for (uint32_t next, index = orphans_take(); index != 0; index = next) {
            next = wr_read(&wr_slot_at(index)->link);
            append(thread, wr_slot_at(index));
        }
    }
    return thread->first != 0 ? wr_slot_at(thread->first) : NULL;
}

/* ---- one death ---- */

static void enter(struct thread *thread, struct wr_slot *slot, struct dying *dying) {
    *dying = (struct dying){.slot = slot, .outer = thread->ending};
    thread->ending = dying;
    thread->inside = slot;
}

static void leave(struct thread *thread, const struct dying *dying) {
    thread->ending = dying->outer;
    thread->inside = dying->outer != NULL ? dying->outer->slot : NULL;
}

void death_free(struct thread *thread, struct wr_slot *slot) {
    struct wr_weakref *ref = wr_payload_of(slot);
    if (weakref_is(ref) && (ref->entry.flags & WEAKREF_BOUND))
        wr_release(weakref_delivery(ref)->queue);
    thread_free(thread, slot, wr_load_relaxed(&slot->word)); /* relaxed: dead, and ours */
}

/* End a weakref: off its list, and its argument destroyed. */
static void end_weakref(struct wr_weakref *ref) {
    registry_leave(&ref->entry);
    uint32_t state = wr_load_relaxed(&ref->entry.state); /* relaxed: nobody can take it any more */
    if (state == ENTRY_ARMED || state == ENTRY_QUEUED)
        stats_count(STAT_CANCELLED);
    lock_none_held();
    if (ref->arg_destroy != NULL)
        ref->arg_destroy(ref->arg);
}

/* Tell whether in the end of an object whose word was closed no user code has a part, nor anybody that waits. */
static bool is_quiet(struct wr_slot *slot, uint64_t closed) {
    const wr_type *type = wr_read(&slot->type);
    if (!death_is_quiet(type))
        return false;
    if (!(closed & WR_REG))
        return true;
    const struct wr_weakref *ref = wr_payload_of(slot);
    return type->base == &wr_weakref_type && ref->arg_destroy == NULL && !(ref->entry.flags & WEAKREF_BOUND);
}

/* Tell whether a dead weakref's slot may be freed now; if not, its queue does that. */
static bool let_go(struct wr_weakref *ref) {
    if (!(ref->entry.flags & WEAKREF_BOUND))
        return true;
    /* order: acq_rel [HELD], with the queue's pop: one of the two is the last, and sees the other done. */
    return wr_exchange_acq_rel(&weakref_delivery(ref)->held, (uint32_t)HELD_GONE) != HELD;
}

/* Go on with the death of an object with WR_REG in its word up to its destroy: run what is registered. Returns false:
 * the rest was left to the queue the object is bound to. *front: somebody is to be told after destroy. */
static bool run_registered(struct thread *thread, struct wr_slot *slot, bool *front) {
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    struct annex *annex = annex_find(slot, stripe);
    wr_queue *queue = annex != NULL ? annex->queue : NULL;
    if (queue != NULL && !queue_runs_here(thread, queue) && queue_enter(queue)) {
        lock_give(stripe);
        queue_push(queue, slot);
        queue_leave(queue);
        return false;
    }
    *front = registry_fire(thread, slot, FIRE_DEATH, stripe);
    return true;
}

/* Do the last part of a death. `front`: somebody is to be told. */
static void finish(struct thread *thread, struct wr_slot *slot, bool front) {
    const wr_type *type = wr_read(&slot->type);
    lock_none_held();
    if (type->destroy != NULL)
        type->destroy(wr_payload_of(slot));
    if (front)
        wait_tell(slot);
    thread_free(thread, slot, word_ended(slot));
}

void death_end(struct thread *thread, struct wr_slot *slot) {
    struct dying dying;
    bool front = false;
    enter(thread, slot, &dying);
    /* With nothing left to run, this tells where destroy is to run, and who is to be told. relaxed: dead, and ours. */
    if (!(wr_load_relaxed(&slot->word) & WR_REG) || run_registered(thread, slot, &front))
        finish(thread, slot, front);
    leave(thread, &dying);
}

/* Run the death of a slot whose word was closed, from finalize on. */
static void run(struct thread *thread, struct wr_slot *slot) {
    void *payload = wr_payload_of(slot);
    const wr_type *type = wr_read(&slot->type);
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: this thread closed it, or has it from who did */
    if (word_alive(word)) {
        type->finalize(payload);
        word = word_finalized(slot);
        stats_count(STAT_FINALIZED);
        if (word_alive(word)) {
            wr_path(finalize_kept);
            stats_count(STAT_RESURRECTED);
            return; /* resurrected */
        }
        wr_path(finalize_died);
        word_raise_below(slot, word_tag(word));
        wr_probe2(death, payload, type);
    }
    bool front = false;
    if ((word & WR_REG) && weakref_is(payload)) {
        end_weakref(payload);
        if (type->destroy != NULL)
            type->destroy(payload);
        if (let_go(payload))
            death_free(thread, slot);
        return;
    }
    if ((word & WR_REG) && !run_registered(thread, slot, &front))
        return;
    /* relaxed: a weak value or a cell, without which nobody has borrowed it, was made by a holder. */
    if ((type->flags & WR_BORROWABLE) && wr_load_relaxed(&slot->below) != 0)
        borrow_end_later(thread, slot);
    else
        finish(thread, slot, front);
}

void death_go_on(struct thread *thread, struct wr_slot *slot) {
    struct dying dying;
    enter(thread, slot, &dying);
    run(thread, slot);
    leave(thread, &dying);
}

/* Run the deaths that wait, if there are any, and count them. */
static __attribute__((noinline)) void run_row(struct thread *thread) {
    uint64_t deaths = 0;
    for (;;) {
        struct wr_slot *slot = first_waiting(thread);
        if (slot == NULL && thread->departed.count == 0)
            break;
        /* Borrowable objects one after the other share one look at all hazards. The next waits on meanwhile, or a
         * destroy that waits for an end could wait for it in vain. */
        if (slot == NULL || thread->departed.count == BORROW_BATCH ||
            !(wr_read(&slot->type)->flags & WR_BORROWABLE)) {
            borrow_end_now(thread);
            slot = first_waiting(thread);
        }
        if (slot != NULL) {
            thread->first = wr_read(&slot->link);
            death_go_on(thread, slot);
            deaths++;
        }
    }
    if (deaths != 0)
        stats_row(deaths);
}

void death_run_waiting(struct thread *thread) {
    if (wr_unlikely(thread->first != 0 || thread->departed.count != 0 || orphans_wait()))
        run_row(thread);
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
        death_run_waiting(section->thread);
        section->thread->busy = false;
    }
    if (section->thread == &section->temporary)
        thread_detach(section->thread);
    errno = section->saved_errno;
}

/* Run a death on a thread that is busy or has no record. */
static void begin_slow(struct thread *thread, struct wr_slot *slot) {
    if (thread_is_real(thread)) {
        wr_path(death_waits);
        append(thread, slot);
        return;
    }
    wr_path(death_recordless);
    struct user_code section;
    death_go_on(user_code_enter(&section), slot);
    user_code_leave(&section);
}

/* Begin a death in which user code has a part. */
static __attribute__((noinline)) void begin(struct wr_slot *slot) {
    struct thread *thread = thread_self();
    if (wr_unlikely(thread->busy)) {
        begin_slow(thread, slot);
        return;
    }
    /* As between user_code_enter and _leave, but quicker. */
    wr_path(death_now);
    lock_none_held();
    int saved = errno;
    thread->busy = true;
    death_go_on(thread, slot);
    death_run_waiting(thread);
    thread->busy = false;
    errno = saved;
}

void death_begin(struct wr_slot *slot, uint64_t closed) {
    if (!word_alive(closed)) {
        word_raise_below(slot, word_tag(closed));
        wr_probe2(death, wr_payload_of(slot), wr_read(&slot->type));
        if (is_quiet(slot, closed)) {
            /* No matter whose turn it is. */
            wr_path(death_quiet);
            if (closed & WR_REG)
                end_weakref(wr_payload_of(slot));
            thread_free(thread_self(), slot, closed);
            if (wr_unlikely(orphans_wait()))
                death_of_orphans();
            return;
        }
    }
    begin(slot);
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
    if (closed == 0) {
        wr_path(close_lost);
        return;
    }
    if (word_alive(closed))
        wr_path(close_finalize);
    else
        wr_path(close_won);
    death_begin(slot, closed);
}

void wr_sole_released(struct wr_slot *slot, uint64_t one) {
    if (wr_unlikely((one & WR_DONE) == 0)) {
        /* finalize may yet make weak values and references: it needs the whole protocol. */
        wr_path(sole_finalize);
        /* relaxed: nobody comes between this and the closing, which is this thread's. */
        uint64_t old = wr_sub_relaxed(&slot->word, WR_ONE);
        if (old < 2 * WR_ONE)
            wr_last_released(slot, old - WR_ONE);
        return;
    }
    wr_path(sole_plain);
    uint64_t closed = (one & ~WR_BORROW) - WR_ONE - 1;
    /* relaxed: nobody else can look at this word before it is published again. The tag is not spent: nobody has
     * it. */
    wr_store_relaxed(&slot->word, closed);
    death_begin(slot, closed);
}

/* `one` may have more than one reference, if all are the caller's and given up. */
bool wr_lone_released(struct wr_slot *slot, uint64_t one) {
    if (wr_unlikely((one & WR_DONE) == 0))
        return false; /* finalize: step by step */
    uint64_t closed = (one & ~WR_BORROW & (WR_ONE - 1)) + 1;
    /* order: acq_rel [CLOSE], the drop and the closing in one. Acquire, with the drops of other holders: destroy sees
     * what they wrote. Release, with who sees the tag gone. */
    if (!wr_cas_acq_rel(&slot->word, &one, closed))
        return false;
    death_begin(slot, closed);
    return true;
}

void wr_give_back(struct wr_slot *slot) {
    /* relaxed: a look-up that failed wrote nothing that destroy or anybody else has to see. */
    uint64_t old = wr_sub_relaxed(&slot->word, WR_ONE);
    if (old >= 2 * WR_ONE) {
        wr_path(back_some);
        return;
    }
    if (word_close(slot, old - WR_ONE) == 0) {
        wr_path(back_late);
        return;
    }
    wr_path(back_orphan);
    orphan_push(slot);
}
