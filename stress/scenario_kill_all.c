/* SPDX-License-Identifier: MIT */
/*
 * Killing all of a type, while their holders let go. In each round there are some objects with two references each,
 * whose holders come by and release, or give theirs up by wr_kill_notify, and others who get by the weak values.
 * Somewhere on the way one worker, who holds none, kills whatever there is and waits. Some objects have no weak value,
 * and are reached because their type is listed. Once all are said to be gone, none is to be had; and each notification
 * comes once, after destroy, whose plain store it sees: on the spot, or in the queue.
 */
#include <errno.h>
#include <sched.h>

#include "item.h"

#define TARGETS 64u
#define HOLDERS 2u

struct place {
    struct post post; /* `weak` is 0 for one without */
    bool ended;       /* plain: by destroy */
    struct {
        struct place *place;
        bool asked;
        unsigned ran; /* plain: by the notification */
    } notes[HOLDERS];
};

struct target {
    struct item item; /* first */
    struct place *place;
};

static struct {
    struct place places[TARGETS];
    wr_queue *queue;
    unsigned from; /* the target at which all are killed */
} table;

static void destroy_target(void *self) {
    ((struct target *)self)->place->ended = true;
    item_destroy(self);
}

static const wr_type target_type = {.abi = WR_TYPE_ABI,
                                    .flags = WR_LISTED,
                                    .name = "target",
                                    .size = sizeof(struct target),
                                    .destroy = destroy_target};

static void prepare(struct worker *worker) {
    table.from = random_below(worker, TARGETS);
    for (unsigned i = 0; i < TARGETS; i++) {
        struct place *place = &table.places[i];
        struct target *target = item_new(worker, &target_type, 0);
        target->place = place;
        place->ended = false;
        for (unsigned h = 0; h < HOLDERS; h++) {
            place->notes[h].place = place;
            place->notes[h].asked = random_below(worker, 4) == 0;
            place->notes[h].ran = 0;
            if (h != 0)
                (void)wr_retain(target);
        }
        bool weak = random_below(worker, 4) != 0;
        atomic_store_explicit(&place->post.weak, weak ? item_weak(&target->item).bits : 0,
                              memory_order_release);
        atomic_store_explicit(&place->post.strong, &target->item, memory_order_release);
    }
}

static void notified(void *arg) {
    struct place *place = *(struct place **)arg;
    for (unsigned h = 0; h < HOLDERS; h++)
        if (arg == (void *)&place->notes[h] && place->notes[h].ran++ != 0)
            violation("a notification came twice");
    if (!place->ended)
        violation("a notification came before destroy had run");
}

/* Let go of one reference: at times only once the object was killed, so that there is one to wait for. */
static void let_go(struct worker *worker, struct place *place, unsigned h) {
    struct item *item = atomic_load_explicit(&place->post.strong, memory_order_acquire);
    wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&place->post.weak, memory_order_acquire));
    for (unsigned tries = random_below(worker, 4) == 0 ? 200 : 0; tries > 0 && !wr_weak_is_dead(weak);
         tries--)
        (void)sched_yield();
    item_mark(worker, item);
    if (!place->notes[h].asked) {
        wr_release(item);
        return;
    }
    int result =
        wr_kill_notify(item, notified, &place->notes[h], random_below(worker, 2) ? table.queue : NULL);
    if (result != 0)
        violation("wr_kill_notify: %d", result);
    worker_count(worker, 0, 1);
}

static void kill_all(struct worker *worker) {
    int64_t timeout_ms = random_below(worker, 2) == 0 ? -1 : (int64_t)random_below(worker, 3);
    int result = wr_kill_all(&target_type, timeout_ms);
    if (result != 0 && (result != -ETIMEDOUT || timeout_ms < 0))
        violation("wr_kill_all: %d", result);
    worker_count(worker, result == 0 ? 1 : 2, 1);
    for (unsigned i = 0; i < TARGETS; i++)
        item_check_dead(
            wr_weak_from_u64(atomic_load_explicit(&table.places[i].post.weak, memory_order_acquire)));
}

static void race(struct worker *worker) {
    unsigned others = worker->run->threads - 1;
    for (unsigned i = 0; i < TARGETS; i++) {
        struct place *place = &table.places[i];
        if (worker->number == 0 && i == table.from)
            kill_all(worker);
        for (unsigned tries = random_below(worker, 8); tries > 0; tries--) {
            struct item *item = post_get(worker, &place->post);
            if (item == NULL)
                break;
            wr_release(item);
        }
        for (unsigned h = 0; h < HOLDERS; h++)
            if (worker->number == 1 + (i + h) % others)
                let_go(worker, place, h);
        if (worker->number == 1)
            (void)wr_queue_run(table.queue, (int)random_below(worker, 4));
        worker_stepped(worker, 1);
    }
}

static void look(void) {
    (void)wr_trim(); /* runs the deaths of orphans */
    while (wr_queue_run(table.queue, 1000) > 0)
        ;
    for (unsigned i = 0; i < TARGETS; i++) {
        struct place *place = &table.places[i];
        if (!place->ended)
            violation("an object that all let go of was not destroyed");
        for (unsigned h = 0; h < HOLDERS; h++)
            if (place->notes[h].ran != place->notes[h].asked)
                violation("a notification that was%s asked for came %u times",
                          place->notes[h].asked ? "" : " not", place->notes[h].ran);
    }
}

static void work(struct worker *worker) {
    for (;;) {
        if (worker->number == 0)
            prepare(worker);
        if (!round_begins(worker))
            break;
        race(worker);
        round_ends(worker);
        if (worker->number == 0)
            look();
    }
}

static void begin(struct run *run) {
    (void)run;
    if ((table.queue = wr_queue_new()) == NULL)
        violation("no queue");
}

static void end(struct run *run) {
    (void)run;
    for (unsigned i = 0; i < TARGETS; i++) /* the last round was prepared and not run */
        for (unsigned h = 0; h < HOLDERS; h++)
            wr_release(table.places[i].post.strong);
    wr_queue_free(table.queue);
}

SCENARIO(.hunts = "killing all of a type, and being notified of ends, while holders let go",
         .spared = SPARED(PERTURB_REPLACE),
         .takes = TAKES(cut_won, cut_late, get_alive, look_below, close_won),
         .counted = {"notified", "all gone", "timed out"}, .begin = begin, .work = work, .end = end)
