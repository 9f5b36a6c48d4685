/* SPDX-License-Identifier: MIT */
/* Finalizers: a function that runs once, at the end of an object, or earlier on call, or at the program's exit. */
#include "finalizer.h"

#include "annex.h"
#include "call.h"
#include "death.h"
#include "object.h"
#include "weakref.h"

static const wr_type finalizer_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "finalizer", .size = sizeof(struct wr_finalizer)};

/* ---- those for exit ---- */

static struct lock exits;
static struct wr_finalizer *newest_for_exit GUARDED_BY(exits);

static void exit_link(struct wr_finalizer *f) {
    lock_take(&exits);
    f->exit_next = newest_for_exit;
    f->exit_at = &newest_for_exit;
    if (f->exit_next != NULL)
        f->exit_next->exit_at = &f->exit_next;
    newest_for_exit = f;
    lock_give(&exits);
}

static void exit_unlink_locked(struct wr_finalizer *f) REQUIRES(exits) {
    if (f->exit_at == NULL)
        return;
    *f->exit_at = f->exit_next;
    if (f->exit_next != NULL)
        f->exit_next->exit_at = f->exit_at;
    f->exit_at = NULL;
}

void finalizer_ended(struct wr_finalizer *f) {
    if (!(f->entry.flags & WR_AT_EXIT))
        return;
    lock_take(&exits);
    exit_unlink_locked(f);
    lock_give(&exits);
}

void wr_run_exit_finalizers(void) {
    for (;;) {
        lock_take(&exits);
        /* It has the registry's reference for as long as it is on this list. */
        struct wr_finalizer *f = wr_retain(newest_for_exit);
        if (f != NULL)
            exit_unlink_locked(f);
        lock_give(&exits);
        if (f == NULL)
            return;
        (void)wr_finalizer_call(f);
        wr_release(f);
    }
}

void finalizer_lock(void) UNCHECKED_LOCKS {
    lock_take(&exits);
}

void finalizer_unlock(void) UNCHECKED_LOCKS {
    lock_give(&exits);
}

/* ---- one finalizer ---- */

static bool is_finalizer(const wr_finalizer *f) {
    return wr_type_of(f) == &finalizer_type;
}

/* Link a finalizer, and `annex` if it is needed, to an object. Returns whether that is possible; *used: the annex. */
static bool attach(struct wr_slot *slot, struct wr_finalizer *f, struct annex *annex, bool *used) {
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    f->entry.referent = registry_open(slot, stripe);
    bool open = !wr_weak_is_null(f->entry.referent);
    if (open) {
        struct annex *there = annex_find_or_link(slot, annex, stripe);
        there->finalizers++;
        *used = there == annex;
        (void)wr_retain(f);                                       /* the list's */
        wr_store_relaxed(&f->entry.state, (uint32_t)ENTRY_ARMED); /* relaxed: guarded by the stripe */
        registry_link(&f->entry, registry_newest(slot, stripe), stripe);
    }
    lock_give(stripe);
    return open;
}

wr_finalizer *wr_finalizer_new(void *obj, void (*fn)(void *arg), void *arg, unsigned flags) {
    int error = 0;
    if (obj == NULL || fn == NULL || (flags & ~WR_AT_EXIT) != 0)
        error = EINVAL;
    else if (!weakref_allowed(wr_type_of(obj)))
        error = ENOTSUP;
    if (error != 0) {
        errno = error;
        return NULL;
    }
    struct annex *annex = annex_new();
    struct wr_finalizer *f = annex ? object_new(&finalizer_type, sizeof *f, WR_DONE) : NULL;
    if (f == NULL) {
        wr_release(annex);
        errno = ENOMEM;
        return NULL;
    }
    f->entry.kind = ENTRY_FINALIZER;
    f->entry.flags = (uint8_t)flags;
    f->entry.call.finalizer = fn;
    f->arg = arg;
    bool used = false;
    bool attached = attach(wr_slot_of(obj), f, annex, &used);
    if (!used)
        wr_release(annex);
    if (!attached) {
        wr_release(f);
        errno = ESTALE;
        return NULL;
    }
    if (flags & WR_AT_EXIT)
        exit_link(f);
    return f;
}

/* Take a finalizer away from its object, and run it or not. Returns 1; 0: it was not waiting any more. */
static int take(wr_finalizer *f, bool run) {
    if (!is_finalizer(f))
        return -EINVAL;
    struct lock *stripe = registry_stripe_of(&f->entry);
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    lock_take(stripe);
    bool ours = wr_load_relaxed(&f->entry.state) == ENTRY_ARMED; /* relaxed: guarded by the stripe */
    struct call call = {.entry = NULL};
    if (ours) {
        struct annex *annex = annex_find(wr_slot_at((uint32_t)(f->entry.referent.bits >> 32)), stripe);
        annex->finalizers--;
        registry_unlink(&f->entry, stripe);
        call = call_take(&f->entry, thread, stripe);
    }
    lock_give(stripe);
    if (ours) {
        if (run)
            call_run(call);
        else
            call_drop(call);
        wr_release(f); /* the list's */
    }
    user_code_leave(&section);
    return ours;
}

int wr_finalizer_call(wr_finalizer *f) {
    return take(f, true);
}

int wr_finalizer_detach(wr_finalizer *f) {
    return take(f, false);
}

bool wr_finalizer_alive(wr_finalizer *f) {
    /* relaxed: an answer of the moment */
    return is_finalizer(f) && wr_load_relaxed(&f->entry.state) == ENTRY_ARMED;
}

void *wr_finalizer_peek(wr_finalizer *f, void (**fn)(void *arg), void **arg) {
    if (!is_finalizer(f))
        return NULL;
    struct wr_slot *slot = wr_slot_at((uint32_t)(f->entry.referent.bits >> 32));
    struct lock *stripe = registry_stripe(slot);
    uint64_t old = 0;
    lock_take(stripe);
    if (wr_load_relaxed(&f->entry.state) == ENTRY_ARMED) { /* relaxed: guarded by the stripe */
        /* A value of a killed object reads dead, but its finalizers wait, so that the slot is asked itself: while one
         * is on its list it is that object's, dead or alive.
         * order: acquire [GET], as in wr_weak_get. */
        old = wr_add_acquire(&slot->word, WR_ONE);
        if (word_alive(old) && !(old & WR_FIN)) {
            if (fn != NULL)
                *fn = f->entry.call.finalizer;
            if (arg != NULL)
                *arg = f->arg;
        }
    }
    lock_give(stripe);
    if (word_alive(old) && (old & WR_FIN))
        wr_give_back(slot);
    return word_alive(old) && !(old & WR_FIN) ? wr_payload_of(slot) : NULL;
}
