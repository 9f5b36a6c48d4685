/* SPDX-License-Identifier: MIT */
#include "callback.h"

#include "os.h"

wr_callback callback_take(struct wr_weakref *ref, struct thread *thread, struct lock *stripe) {
    (void)stripe;
    wr_callback callback = ref->who.callback;
    ref->who.runner = thread;
    wr_store_relaxed(&ref->state, (uint32_t)WEAKREF_RUNNING); /* relaxed: guarded by the stripe */
    return callback;
}

void callback_run(struct wr_weakref *ref, wr_callback callback) {
    void (*arg_destroy)(void *arg) = ref->arg_destroy;
    ref->arg_destroy = NULL;
    if (callback != NULL)
        callback(ref, ref->arg);
    if (arg_destroy != NULL)
        arg_destroy(ref->arg);
    /* order: release [RAN], with the acquire of who waits: everything the callback did is seen. */
    if (wr_exchange_release(&ref->state, (uint32_t)WEAKREF_IDLE) == WEAKREF_AWAITED)
        os_wake_all(&ref->state);
}

bool callback_wait(struct wr_weakref *ref, int64_t deadline, struct lock *stripe) {
    uint32_t running = WEAKREF_RUNNING;
    /* order: acquire [RAN], on failure, with the end of the run. */
    (void)wr_cas_acq_rel(&ref->state, &running, (uint32_t)WEAKREF_AWAITED);
    lock_give(stripe);
    /* order: acquire [RAN], with the end of the run. */
    while (wr_load_acquire(&ref->state) != WEAKREF_IDLE) {
        if (deadline >= 0 && os_now() >= deadline)
            return false;
        os_wait(&ref->state, WEAKREF_AWAITED, deadline);
    }
    return true;
}
