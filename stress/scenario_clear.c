/* SPDX-License-Identifier: MIT */
/*
 * Clear against get. An owner makes an item, and again and again a weak value of it, which it puts on a post
 * and clears; then it lets go. Others get what they see on the post as fast as they can. A get that was under way
 * when its value was cleared lands on the living item, and gives its unit back: at times after the owner let
 * go, so that it is the one who closes the object, and at times others, who come with the newest value, get
 * between its unit and the closing.
 */
#include "item.h"

static void turn(struct worker *worker, struct post *post) {
    for (uint32_t items = random_below(worker, 50); items > 0; items--) {
        struct item *item = item_new(worker, &item_type, 0);
        for (uint32_t times = random_below(worker, 4);; times--) {
            /* item.self stays 0: who holds the item by an older value may be reading it. */
            wr_weak weak = wr_weak_of(item);
            if (wr_weak_is_null(weak))
                violation("wr_weak_of gave null for an object that was cleared");
            atomic_store_explicit(&post->weak, weak.bits, memory_order_release);
            if (times == 0)
                break;
            if (!item_clear(item))
                break;
            item_check_dead(weak);
            worker_count(worker, 2, 1);
        }
        wr_release(item);
        worker_stepped(worker, 1);
    }
}

static void hammer(struct worker *worker, struct post *post) {
    for (uint32_t times = random_below(worker, 200); times > 0; times--) {
        wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire));
        uint64_t seen = atomic_load_explicit(&post->dead, memory_order_acquire);
        struct item *item = wr_weak_get(weak);
        worker_count(worker, item != NULL ? 0 : 1, 1);
        if (item == NULL) {
            item_check_dead(weak);
            atomic_store_explicit(&post->dead, weak.bits, memory_order_release);
        } else if (seen == weak.bits) {
            violation("a get of " WR_WEAK_FMT " succeeded after another thread had seen it dead",
                      WR_WEAK_ARGS(weak));
        } else {
            item_check(item, wr_weak_from_u64(0));
            item_mark(worker, item);
            wr_release(item);
        }
        worker_stepped(worker, 1);
    }
}

static void work(struct worker *worker) {
    struct post *post = worker->run->shared; /* one, so that they meet */
    while (worker_goes_on(worker)) {
        perturb_steps_often(random_below(worker, 8) == 0);
        if (random_below(worker, 3) == 0)
            turn(worker, post);
        else
            hammer(worker, post);
    }
    perturb_steps_often(false);
}

static void begin(struct run *run) {
    static struct post post;
    run->shared = &post;
}

static void end(struct run *run) {
    (void)run;
}

SCENARIO(.hunts = "clear against get: units that land on the living object, and close it",
         .takes = TAKES(cut_won, get_foreign, back_some, back_late, back_orphan, orphans_adopted, close_lost,
                        get_alive, look_below),
         .counted = {"gets", "found dead", "clears"}, .mixes = true, .begin = begin, .work = work, .end = end)
