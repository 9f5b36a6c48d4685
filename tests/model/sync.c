/* SPDX-License-Identifier: MIT */
/* Locks, sleeping and fences. */
#include "checker.h"

static struct thread_state *me(void) {
    return &checker->threads[checker->current];
}

/* ---- locks and sleeping ---- */

static struct place *stop(struct operation *operation, struct model_site site, enum kind kind) {
    *operation = (struct operation){.kind = kind, .site = site, .place = place_of(site)};
    place_note_use(operation->place, true);
    schedule_point(operation);
    me()->slumbers = false;
    return operation->place;
}

void memory_lock(struct model_site site) {
    struct operation operation;
    struct place *lock = stop(&operation, site, LOCK);
    if (lock->holder != NONE)
        model_fail("%s is taken twice", trace_place(lock));
    lock->holder = checker->current;
    view_join(&me()->now, &lock->given);
    trace_operation(&operation, 0, 0);
}

void memory_unlock(struct model_site site) {
    struct place *lock = place_of(site);
    if (lock->holder != checker->current)
        model_fail("%s is given by %s, who does not hold it", trace_place(lock),
                   trace_thread(checker->current));
    lock->holder = NONE;
    lock->given = me()->now;
    me()->now.clock.at[checker->current]++;
    trace_line("unlock %d", (int)(lock - checker->places));
}

void memory_sleep(struct model_site site, uint32_t value, bool briefly) {
    struct operation operation;
    struct place *place = stop(&operation, site, SLEEP);
    trace_operation(&operation, 0, value);
    if (briefly || place->stores[place->order[place->last]].value != value)
        return;
    me()->word = site.at;
    me()->state = ASLEEP_ON_WORD;
    stop(&operation, site, SLEEP);
}

void memory_wake(struct model_site site, int count) {
    struct operation operation;
    stop(&operation, site, WAKE);
    while (count-- > 0 && schedule_wake(site.at, site.function))
        ;
}

/* ---- fences ---- */

static void fence_seq_cst(struct thread_state *thread) {
    view_join(&thread->now, &thread->acquire);
    view_join_stores(&thread->now, &checker->fences);
    view_join_stores(&thread->now, &checker->in_order);
    view_join_stores(&checker->fences, &thread->now);
    thread->release = thread->now;
}

void model_fence(enum model_order order, const char *function) {
    struct operation operation = {.kind = FENCE, .order = order, .site = {NULL, "", function, 0}};
    if (order == SEQ_CST)
        schedule_point(&operation);
    me()->slumbers = false;
    trace_operation(&operation, 0, 0);
    if (order == SEQ_CST) {
        fence_seq_cst(me());
    } else {
        if ((order == ACQUIRE || order == ACQ_REL))
            view_join(&me()->now, &me()->acquire);
        if ((order == RELEASE || order == ACQ_REL))
            me()->release = me()->now;
    }
    me()->now.clock.at[checker->current]++;
}

/* A fence here, then one wherever each other thread is, then one here again. */
void model_membarrier(const char *function) {
    struct operation operation = {.kind = MEMBARRIER, .order = SEQ_CST, .site = {NULL, "", function, 0}};
    schedule_point(&operation);
    me()->slumbers = false;
    trace_operation(&operation, 0, 0);
    fence_seq_cst(me());
    for (uint8_t i = 1; i < checker->thread_count; i++) {
        if (i != checker->current) { /* also one that has ended: its stores are out */
            fence_seq_cst(&checker->threads[i]);
            checker->threads[i].now.clock.at[i]++;
        }
    }
    fence_seq_cst(me());
    me()->now.clock.at[checker->current]++;
}
