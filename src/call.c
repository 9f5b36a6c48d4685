/* SPDX-License-Identifier: MIT */
#include "call.h"

#include "finalizer.h"
#include "os.h"
#include "weakref.h"

struct call call_take(struct wr_entry *entry, struct thread *thread, struct lock *stripe) {
    (void)stripe;
    struct call call = {entry, entry->call};
    entry->call.runner = thread;
    wr_store_relaxed(&entry->state, (uint32_t)ENTRY_RUNNING); /* relaxed: guarded by the stripe */
    return call;
}

static void end(struct wr_entry *entry) {
    if (entry->kind == ENTRY_WEAKREF) {
        struct wr_weakref *ref = (struct wr_weakref *)entry;
        void (*arg_destroy)(void *arg) = ref->arg_destroy;
        ref->arg_destroy = NULL;
        if (arg_destroy != NULL)
            arg_destroy(ref->arg);
    } else {
        finalizer_ended((struct wr_finalizer *)entry);
    }
    /* order: release [RAN], with the acquire of who waits: everything the call did is seen. */
    if (wr_exchange_release(&entry->state, (uint32_t)ENTRY_IDLE) == ENTRY_AWAITED)
        os_wake_all(&entry->state);
}

void call_run(struct call call) {
    lock_none_held();
    if (call.entry->kind == ENTRY_WEAKREF) {
        stats_count(STAT_FIRED);
        wr_probe2(callback, call.entry, call.what.callback);
        call.what.callback((struct wr_weakref *)call.entry, ((struct wr_weakref *)call.entry)->arg);
    } else {
        stats_count(STAT_FINALIZERS);
        call.what.finalizer(((struct wr_finalizer *)call.entry)->arg);
    }
    end(call.entry);
}

void call_drop(struct call call) {
    lock_none_held();
    if (call.entry->kind == ENTRY_WEAKREF)
        stats_count(STAT_CANCELLED);
    end(call.entry);
}

bool call_wait(struct wr_entry *entry, int64_t deadline, struct lock *stripe) {
    uint32_t running = ENTRY_RUNNING;
    (void)wr_cas_relaxed(&entry->state, &running,
                         (uint32_t)ENTRY_AWAITED); /* relaxed: the load below looks again */
    lock_give(stripe);
    /* order: acquire [RAN], with the end of the run. */
    while (wr_load_acquire(&entry->state) != ENTRY_IDLE) {
        if (deadline >= 0 && os_now() >= deadline)
            return false;
        os_wait(&entry->state, ENTRY_AWAITED, deadline);
    }
    return true;
}
