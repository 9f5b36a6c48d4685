/* SPDX-License-Identifier: MIT */
/* Calls on queues. */
#include <errno.h>
#include <poll.h>

#include "fuzz.h"

static const struct traits queue_traits = {"queue", .no_weakref = true};

void call_queue_new(void) {
    settle();
    unsigned open = 0;
    for (unsigned i = 0; i < thing_count; i++)
        open += things[i].kind == QUEUE && !things[i].freed;
    struct thing *queue = open < 2 ? thing_new(QUEUE, &queue_traits) : NULL;
    if (queue == NULL)
        return;
    begin_call(false, "#%u = wr_queue_new()", queue->number);
    hide(queue);
    queue->real = wr_queue_new();
    show(queue);
    if (queue->real == NULL)
        fail("no queue");
    end_call();
}

void run_queue(struct thing *queue, int max) {
    bool busy = queue->running;
    begin_call(!busy, "wr_queue_run(#%u, %d)%s", queue->number, max, busy ? ": -EBUSY" : "");
    pin(queue);
    int expected = -EBUSY;
    if (!busy)
        oracle_push_run(queue, max, false, &expected);
    int ran = wr_queue_run(queue->real, max);
    unpin(queue);
    end_call();
    EXPECT(ran, expected);
}

void call_queue_run(void) {
    struct thing *queue = pick_queue();
    int max = (int)take_below(4);
    if (queue != NULL)
        run_queue(queue, max);
}

void free_queue(struct thing *queue) {
    queue->held = 0;
    queue->freed = true;
    begin_call(true, "wr_queue_free(#%u)", queue->number);
    int dropped;
    oracle_push_run(queue, 0, true, &dropped);
    wr_queue_free(queue->real);
    end_call();
}

void call_queue_free(void) {
    struct thing *queue = pick_held(ANY_OF(QUEUE));
    if (queue != NULL)
        free_queue(queue);
}

/* S44: readable whenever something waits. */
void call_queue_fd(void) {
    struct thing *queue = pick_queue();
    if (queue == NULL || queue->running)
        return;
    bool waits = false;
    for (unsigned i = queue->first; i < queue->last; i++)
        waits |= queue->items[i]->kind != REF || (queue->items[i]->alive && queue->items[i]->state == QUEUED);
    begin_call(false, "poll(wr_queue_fd(#%u))%s", queue->number, waits ? ": readable" : "");
    struct pollfd fd = {.fd = wr_queue_fd(queue->real), .events = POLLIN};
    int ready = poll(&fd, 1, 0);
    if (waits)
        EXPECT(ready, 1);
    end_call();
}

void call_release_later(void) {
    struct thing *thing = pick_held(ANY_OF(OBJECT) | ANY_OF(REF));
    struct thing *queue = take_below(3) ? pick_queue() : NULL;
    if (thing == NULL)
        return;
    begin_call(false, "wr_release_later(#%u, %s), %u held", thing->number, queue ? "queue" : "NULL",
               thing->count);
    thing->held--;
    if (thing_drop(thing)) {
        if (queue != NULL && thing->kind != REF)
            items_push(queue, thing);
        else
            oracle_orphan(thing);
    }
    wr_release_later(thing->real, queue ? queue->real : NULL);
    end_call();
}

void call_bind(void) {
    settle();
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    struct thing *queue = pick_queue();
    if (thing == NULL || queue == NULL)
        return;
    int expected = -thing_refusal(thing);
    if (expected == 0 && thing->bound != NULL)
        expected = -EEXIST;
    begin_call(false, "wr_bind(#%u, #%u): %d", thing->number, queue->number, expected);
    hide(thing);
    pin(queue);
    if (expected == -ESTALE || expected == -EEXIST || (expected == 0 && thing->annexed))
        oracle_wait_annex(); /* made in vain */
    if (expected == 0) {
        thing->bound = queue;
        thing->annexed = thing->registered = true;
    }
    EXPECT(wr_bind(thing->real, queue->real), expected);
    unpin(queue);
    show(thing);
    end_call();
}
