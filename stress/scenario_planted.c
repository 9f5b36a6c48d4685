/* SPDX-License-Identifier: MIT */
/*
 * No race of weakrt's: a violation that is there on purpose, so that its report can be looked at. All workers get one
 * item and let it go; then one of them breaks its seal and looks. The others stay out of it until the end.
 */
#include "item.h"

static struct post post;

static void work(struct worker *worker) {
    wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&post.weak, memory_order_acquire));
    wr_release(item_get(worker, weak));
    (void)round_begins(worker);
    if (worker->number == 1) {
        struct item *item = item_get(worker, weak);
        item->seal++;
        item_check(item, weak);
    }
    round_ends(worker);
}

static void begin(struct run *run) {
    (void)run;
    struct item *item = item_new(worker_self, &item_type, 0);
    atomic_store_explicit(&post.strong, item, memory_order_release);
    atomic_store_explicit(&post.weak, item_weak(item).bits, memory_order_release);
}

static void end(struct run *run) {
    (void)run;
    wr_release(post.strong);
}

SCENARIO(.hunts = "nothing: a violation on purpose, run only when it is named", .takes = "", .planted = true,
         .begin = begin, .work = work, .end = end)
