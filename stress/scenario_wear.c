/* SPDX-License-Identifier: MIT */
/*
 * Slots whose tags run out. A slot wears out after 2^31 lives, which is half a minute of nothing else; so
 * each new item in a young slot is aged first, by its only holder and before it has a weak value: the tag
 * is put a few hundred lives before its end, as if so many items had lived there. Then items come and go,
 * killed or not, until the slot is retired. A value of its first lives must never succeed, although a tag
 * that wrapped would come by again.
 */
#include "item.h"

#define POSTS 8u
#define STALE 4096u

struct table {
    struct post posts[POSTS];
    _Atomic uint64_t stale[STALE];
};

static void replace(struct worker *worker, struct table *table) {
    struct post *post = &table->posts[random_below(worker, POSTS)];
    struct item *item = item_new(worker, &item_type, 0);
    worker_count(worker, 0, item_age(item));
    uint64_t weak = item_weak(item).bits;
    if ((uint32_t)weak >= UINT32_C(0xfffffff0))
        worker_count(worker, 1, 1);
    item = atomic_exchange_explicit(&post->strong, item, memory_order_acq_rel);
    atomic_store_explicit(&post->weak, weak, memory_order_release);
    if (item == NULL)
        return;
    wr_weak old = wr_weak_from_u64(item->self);
    switch (random_below(worker, 8)) {
    case 0:
        (void)wr_kill(item);
        item_check_dead(old);
        break;
    case 1:
        if (item_clear(item))
            item_check_dead(old);
        break;
    default:
        break;
    }
    wr_release(item);
    if (wr_weak_is_dead(old))
        atomic_store_explicit(&table->stale[random_below(worker, STALE)], old.bits, memory_order_release);
}

static void work(struct worker *worker) {
    struct table *table = worker->run->shared;
    while (worker_goes_on(worker)) {
        replace(worker, table);
        item_check_dead(wr_weak_from_u64(
            atomic_load_explicit(&table->stale[random_below(worker, STALE)], memory_order_acquire)));
        struct item *item = post_get(worker, &table->posts[random_below(worker, POSTS)]);
        worker_count(worker, 2, item != NULL);
        wr_release(item);
    }
}

static void begin(struct run *run) {
    static struct table table;
    run->shared = &table;
}

static void end(struct run *run) {
    struct table *table = run->shared;
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(table->posts[i].strong);
    for (unsigned i = 0; i < STALE; i++)
        item_check_dead(wr_weak_from_u64(table->stale[i]));
}

SCENARIO(.hunts = "slots whose tags run out: retired, never wrapped",
         .takes = TAKES(retire, get_alive, look_below, cut_won, cut_worn, death_now),
         .counted = {"slots aged", "last lives", "gets"}, .mixes = true, .begin = begin, .work = work,
         .end = end)
