/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>

#include "borrow.h"
#include "call.h"
#include "death.h"
#include "fatal.h"
#include "object.h"
#include "orphans.h"
#include "os.h"
#include "wakeup.h"
#include "weakref.h"

/* `gate`: how many are between queue_enter and queue_leave, and whether the queue was freed. */
#define CLOSED (UINT32_C(1) << 31)

struct wr_queue {
    uint32_t head;        /* index of the slot pushed last; 0: none. Atomic */
    uint32_t gate;        /* atomic */
    struct wakeup wakeup; /* open until the gate is closed and empty */
    uint32_t running;     /* 1: a thread is inside wr_queue_run. Atomic; who set it owns the three below */
    uint32_t first;       /* items taken from `head`, in the order they were pushed; 0: none */
    uint32_t last;
    uint32_t count;
};

static const wr_type queue_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "queue", .size = sizeof(struct wr_queue)};

bool queue_is(const wr_queue *queue) {
    return wr_type_of(queue) == &queue_type;
}

/* ---- pushing ---- */

bool queue_enter(wr_queue *queue) {
    /* order: acquire [GATE], with the closing: who comes after it sees it. */
    if (!(wr_add_acquire(&queue->gate, 1u) & CLOSED))
        return true;
    queue_leave(queue);
    return false;
}

void queue_leave(wr_queue *queue) {
    /* order: release [GATE], with the look of who closes: what was pushed is seen, and the descriptor is not used. */
    if (wr_sub_release(&queue->gate, 1u) == (CLOSED | 1u))
        os_wake_all(&queue->gate); /* by its address: the queue may be freed, but a slot stays mapped */
}

/* What links an item to the one before it. */
static uint32_t *link_of(struct wr_slot *slot) {
    void *payload = wr_payload_of(slot);
    return weakref_is(payload) ? &weakref_delivery(payload)->link : &slot->link;
}

void queue_push(wr_queue *queue, struct wr_slot *slot) {
    uint32_t *link = link_of(slot);
    uint32_t head = wr_load_relaxed(&queue->head);
    do {
        wr_write(link, head);
        /* order: release [PUSH], with the exchange that takes the items: link and item are seen. */
    } while (!wr_cas_release(&queue->head, &head, wr_index_of(slot)));
    wakeup_signal(&queue->wakeup);
}

/* ---- running ---- */

/* Move what was pushed to the end of what was taken. */
static void take_pushed(wr_queue *queue) {
    /* order: acquire [PUSH], with queue_push. */
    uint32_t index = wr_exchange_acquire(&queue->head, 0u);
    uint32_t newest = index;
    uint32_t reversed = 0;
    uint32_t count = wr_read(&queue->count);
    while (index != 0) {
        uint32_t *link = link_of(wr_slot_at(index));
        uint32_t next = wr_read(link);
        wr_write(link, reversed);
        reversed = index;
        index = next;
        count++;
    }
    if (reversed == 0)
        return;
    if (wr_read(&queue->first) == 0)
        wr_write(&queue->first, reversed);
    else
        wr_write(link_of(wr_slot_at(wr_read(&queue->last))), reversed);
    wr_write(&queue->last, newest);
    wr_write(&queue->count, count);
}

static struct wr_slot *pop(wr_queue *queue) {
    struct wr_slot *slot = wr_slot_at(wr_read(&queue->first));
    wr_write(&queue->first, wr_read(link_of(slot)));
    wr_write(&queue->count, wr_read(&queue->count) - 1);
    return slot;
}

/* Run or, with `drop`, only free the callback of a bound weakref that was popped. Returns whether there was one. */
static bool run_callback(struct thread *thread, struct wr_slot *slot, bool drop) {
    struct wr_weakref *ref = wr_payload_of(slot);
    struct delivery *delivery = weakref_delivery(ref);
    struct call call;
    bool waiting = false;
    /* relaxed: until `held` says otherwise, the slot is this weakref's, whose birth came before the push. */
    bool ours = word_alive(wr_add_relaxed(&slot->word, WR_ONE));
    if (ours) {
        struct lock *stripe = registry_stripe_of(&ref->entry);
        lock_take(stripe);
        waiting = wr_load_relaxed(&ref->entry.state) == ENTRY_QUEUED; /* relaxed: guarded by the stripe */
        if (waiting)
            call = call_take(&ref->entry, thread, stripe);
        lock_give(stripe);
    }
    /* order: acq_rel [HELD], with the exchange by its death: one of the two is the last, and sees the other done. */
    if (wr_exchange_acq_rel(&delivery->held, (uint32_t)HELD_NOT) == HELD_GONE)
        death_free(thread, slot);
    if (waiting) {
        if (drop)
            call_drop(call);
        else
            call_run(call);
    }
    if (ours)
        wr_release(ref);
    return waiting;
}

/* Run, or drop, an item that was popped. Returns whether it was more than an entry cancelled meanwhile. */
static bool run_item(struct wr_slot *slot, bool drop) {
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    void *payload = wr_payload_of(slot);
    bool ran = true;
    if (weakref_is(payload))
        ran = run_callback(thread, slot, drop);
    else if (wr_type_of(payload) == &notice_type)
        notice_run(payload);
    else
        death_go_on(thread, slot);
    user_code_leave(&section);
    return ran;
}

bool queue_runs_here(const struct thread *thread, const wr_queue *queue) {
    for (const struct queue_run *run = thread->queues; run != NULL; run = run->outer)
        if (run->queue == queue)
            return true;
    return false;
}

/* Tell whether a slot is in a list of items that begins with `index`. */
static bool holds(uint32_t index, const struct wr_slot *slot) {
    while (index != 0 && index != wr_index_of(slot))
        index = wr_read(link_of(wr_slot_at(index)));
    return index != 0;
}

bool queue_holds_here(const struct thread *thread, const struct wr_slot *slot) {
    for (const struct queue_run *run = thread->queues; run != NULL; run = run->outer)
        /* order: acquire [PUSH], with queue_push: the links are seen. Nobody but this thread takes what is there. */
        if (holds(wr_read(&run->queue->first), slot) || holds(wr_load_acquire(&run->queue->head), slot))
            return true;
    return false;
}

static bool start_running(wr_queue *queue) {
    uint32_t idle = 0;
    /* order: acquire [RUNNER], with the end of the run before: its items are seen. */
    return wr_cas_acquire(&queue->running, &idle, 1u);
}

static void stop_running(wr_queue *queue) {
    /* order: release [RUNNER], as above. */
    wr_store_release(&queue->running, 0u);
}

int wr_queue_run(wr_queue *queue, int max) {
    if (!queue_is(queue))
        return -EINVAL;
    if (!start_running(queue))
        return -EBUSY;
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    struct queue_run run = {.queue = queue, .outer = thread->queues};
    thread->queues = &run;
    wakeup_look(&queue->wakeup);
    take_pushed(queue);
    uint32_t waited = wr_read(&queue->count);
    if (max > 0 && waited > (uint32_t)max)
        wakeup_signal(&queue->wakeup); /* entries will be left */
    int ran = 0;
    for (uint32_t i = 0; i < waited && (max <= 0 || ran < max); i++) {
        ran += run_item(pop(queue), false);
        if (section.outermost)
            death_run_waiting(thread);
        else
            borrow_end_now(thread); /* later they would not be inside this run */
    }
    if (wr_read(&queue->first) != 0)
        wakeup_signal(&queue->wakeup);
    thread->queues = run.outer;
    stop_running(queue);
    user_code_leave(&section);
    return ran;
}

int wr_queue_fd(wr_queue *queue) {
    return queue_is(queue) ? queue->wakeup.read_fd : -EINVAL;
}

wr_queue *wr_queue_new(void) {
    wr_queue *queue = object_new(&queue_type, sizeof *queue, WR_DONE);
    if (queue != NULL && !wakeup_open(&queue->wakeup)) {
        int error = errno;
        wr_release(queue);
        errno = error;
        return NULL;
    }
    return queue;
}

void wr_queue_free(wr_queue *queue) {
    if (queue == NULL)
        return;
    if (!queue_is(queue))
        fatal_object("wr_queue_free", queue, "this is no queue");
    if (!start_running(queue))
        fatal_object("wr_queue_free", queue,
                     "it is being run: a queue is freed when nobody is inside wr_queue_run");
    /* order: release [GATE], with queue_enter: who finds it closed sees what came before. */
    (void)wr_or_release(&queue->gate, CLOSED);
    /* order: acquire [GATE], with queue_leave. */
    for (uint32_t gate; (gate = wr_load_acquire(&queue->gate)) != CLOSED;)
        os_wait(&queue->gate, gate, -1);
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    struct queue_run run = {.queue = queue, .outer = thread->queues};
    thread->queues = &run;
    take_pushed(queue); /* without a look: in the child of a fork, what is readable is the parent's to read */
    while (wr_read(&queue->first) != 0)
        (void)run_item(pop(queue), true);
    borrow_end_now(thread);
    thread->queues = run.outer;
    user_code_leave(&section);
    wakeup_close(&queue->wakeup);
    wr_release(queue);
}

/* ---- a release that runs nothing here ---- */

void wr_release_later(void *obj, wr_queue *queue) {
    if (obj == NULL)
        return;
    struct wr_slot *slot = wr_slot_of(obj);
    if (!wr_in_arena(obj)) {
        wr_not_an_object("wr_release_later", obj);
        return;
    }
    bool weakref = weakref_is(obj); /* while the reference is there */
    /* order: release [DROP], as in wr_release. */
    uint64_t old = wr_sub_release(&slot->word, WR_ONE);
    if (!word_alive(old) || word_count(old) == 0) {
        wr_count_misuse("wr_release_later", obj, old);
        return;
    }
    uint64_t closed = word_count(old) == 1 ? word_close(slot, old - WR_ONE) : 0;
    if (closed == 0)
        return;
    if (!word_alive(closed))
        word_raise_below(slot, word_tag(closed));
    bool entered = queue != NULL && queue_enter(queue);
    if (entered && !weakref)
        queue_push(queue, slot);
    else
        orphan_push(slot); /* a weakref may be in a queue already, by its callback */
    if (entered && weakref)
        wakeup_signal(&queue->wakeup);
    if (entered)
        queue_leave(queue);
}
