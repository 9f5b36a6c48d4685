/* SPDX-License-Identifier: MIT */
/*
 * Finalize and resurrection against gets. Items whose finalize resurrects every other time, by a reference
 * that it puts on a post; a get meanwhile must give nothing, and one that was under way adds a unit that
 * goes back, at times after finalize is over, as the last. finalize runs once at the most, is_dead is
 * false while it runs, all is over for good when destroy runs. Some items have no weak value until
 * finalize makes one. At times finalize waits until what it put on the post is taken, used and let go of: then the
 * resurrection is over before finalize is, which has to see what its holder did.
 */
#include <sched.h>

#include "item.h"

#define POSTS 12u

struct phoenix {
    struct item item;
    struct post *post; /* where finalize puts it; NULL: it lets it die */
    bool finalized;
    bool resurrected;
};

/* What was taken off a post. */
static void let_go(struct worker *worker, struct item *item) {
    if (item == NULL)
        return;
    item_mark(worker, item);
    wr_release(item);
}

static void finalize(void *self) {
    struct phoenix *phoenix = self;
    struct worker *worker = worker_self;
    item_check(&phoenix->item, wr_weak_from_u64(0));
    if (phoenix->finalized)
        violation("finalize ran twice on one object");
    phoenix->finalized = true;
    if (phoenix->item.self == 0)
        (void)item_weak(&phoenix->item);
    if (wr_weak_is_dead(wr_weak_from_u64(phoenix->item.self)))
        violation("is_dead is true while finalize runs");
    void *got = wr_weak_get(wr_weak_from_u64(phoenix->item.self));
    if (got != NULL)
        violation("a get gave an object whose finalize is running");
    if (random_below(worker, 8) == 0)
        (void)sched_yield(); /* more look-ups meet it */
    if (phoenix->post != NULL) {
        phoenix->resurrected = true;
        worker_count(worker, 2, 1);
        struct item *old =
            atomic_exchange_explicit(&phoenix->post->strong, wr_retain(&phoenix->item), memory_order_acq_rel);
        let_go(worker, old);
        for (uint32_t tries = random_below(worker, 4) == 0 ? 100 : 0;
             tries > 0 && atomic_load_explicit(&phoenix->post->strong, memory_order_relaxed) == self; tries--)
            (void)sched_yield();
    }
}

static void destroy_phoenix(void *self) {
    struct phoenix *phoenix = self;
    if (!phoenix->finalized)
        violation("destroy without finalize");
    item_destroy(self);
}

static const wr_type phoenix_type = {.abi = WR_TYPE_ABI,
                                     .name = "phoenix",
                                     .size = sizeof(struct phoenix),
                                     .finalize = finalize,
                                     .destroy = destroy_phoenix};

static void replace(struct worker *worker, struct post *posts) {
    struct post *post = &posts[random_below(worker, POSTS)];
    struct phoenix *phoenix = item_new(worker, &phoenix_type, 0);
    if (random_below(worker, 2) == 0)
        phoenix->post = &posts[random_below(worker, POSTS)];
    bool weak = random_below(worker, 4) != 0;
    uint64_t bits = weak ? item_weak(&phoenix->item).bits : 0;
    struct item *old = atomic_exchange_explicit(&post->strong, &phoenix->item, memory_order_acq_rel);
    if (weak)
        atomic_store_explicit(&post->weak, bits, memory_order_release);
    let_go(worker, old);
}

/* Get without item_get: NULL is not for good while finalize runs. */
static void look(struct worker *worker, struct post *post) {
    wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire));
    uint64_t seen = atomic_load_explicit(&post->dead, memory_order_acquire);
    bool dead = wr_weak_is_dead(weak);
    struct phoenix *phoenix = wr_weak_get(weak);
    worker_count(worker, phoenix != NULL ? 0 : 1, 1);
    if (dead && !wr_weak_is_null(weak))
        atomic_store_explicit(&post->dead, weak.bits, memory_order_release);
    if (phoenix == NULL)
        return;
    if (dead || seen == weak.bits)
        violation("a get of " WR_WEAK_FMT " succeeded after is_dead said true", WR_WEAK_ARGS(weak));
    item_check(&phoenix->item, weak);
    item_mark(worker, &phoenix->item);
    if (phoenix->finalized && !phoenix->resurrected && random_below(worker, 2) == 0)
        worker_count(worker, 3, 1); /* a look-up under way kept it: S25 */
    wr_release(phoenix);
}

/* Many look-ups of one item, so that some are under way when its finalize ends. */
static void look_again(struct worker *worker, struct post *post) {
    uint32_t times = random_below(worker, 8) == 0 ? random_below(worker, 100) : 1;
    while (times-- > 0)
        look(worker, post);
}

static void work(struct worker *worker) {
    struct post *posts = worker->run->shared;
    while (worker_goes_on(worker)) {
        if (random_below(worker, 3) == 0)
            replace(worker, posts);
        else
            look_again(worker, &posts[random_below(worker, POSTS)]);
    }
}

static void begin(struct run *run) {
    static struct post posts[POSTS];
    run->shared = posts;
}

static void end(struct run *run) {
    struct post *posts = run->shared;
    for (bool some = true; some;) { /* what is let go may come back to any post */
        some = false;
        for (unsigned i = 0; i < POSTS; i++) {
            struct item *item = atomic_exchange_explicit(&posts[i].strong, NULL, memory_order_acq_rel);
            some |= item != NULL;
            wr_release(item);
        }
    }
}

SCENARIO(.hunts = "finalize and resurrection against gets under way",
         .takes = TAKES(release_minted, close_finalize, sole_finalize, finalize_died, finalize_kept,
                        get_foreign, back_some, back_orphan, orphans_adopted, death_now, death_waits),
         .counted = {"gets", "found dead", "resurrected", "kept by a look-up"}, .mixes = true, .begin = begin,
         .work = work, .end = end)
