/* SPDX-License-Identifier: MIT */
/*
 * Slots that are reused at once, under weak values that are stale. A few posts, whose items are replaced
 * all the time by all threads; free slots are reused last in, first out, so that a stale value soon names
 * a slot with another item in it. Each thread keeps values that it read and uses them later: one whose
 * look-up was under way when the item died adds its unit to the next item, gives it back, and is at times
 * the last to hold it (an orphan). Two more posts are for slots that one thread turns over as fast as it
 * can while others get what they saw there a moment ago. No value may ever give another item than its own,
 * none that was seen dead may give any; nor null, odd ones, and ones out of range.
 */
#include "item.h"

#define POSTS 12u
#define STALE 64u /* values that a thread keeps */

struct memory {
    struct {
        struct post *post;
        wr_weak weak;
    } values[STALE];
    uint64_t dead[STALE]; /* seen dead by this thread */
};

static void replace(struct worker *worker, struct post *post) {
    struct item *item = item_new(worker, &item_type, 0);
    uint64_t weak = item_weak(item).bits;
    struct item *old = atomic_exchange_explicit(&post->strong, item, memory_order_acq_rel);
    /* Another thread may have put its own in between: then the two are not of one item, and both are good. */
    atomic_store_explicit(&post->weak, weak, memory_order_release);
    if (old != NULL) {
        item_mark(worker, old);
        wr_release(old);
    }
    worker_count(worker, 2, 1);
}

static void look(struct worker *worker, struct memory *memory) {
    unsigned i = random_below(worker, STALE);
    if (memory->values[i].post == NULL)
        return;
    struct item *item = post_get_value(worker, memory->values[i].post, memory->values[i].weak);
    worker_count(worker, item != NULL ? 0 : 1, 1);
    if (item != NULL) {
        if (random_below(worker, 2) == 0)
            wr_release(wr_retain(item));
        wr_release(item);
        return;
    }
    memory->dead[random_below(worker, STALE)] = memory->values[i].weak.bits;
    memory->values[i].post = NULL;
}

/* One slot, reused over and over by this thread, while others get what they saw there a moment ago. */
static void turn(struct worker *worker, struct post *post) {
    for (unsigned times = random_below(worker, 200); times > 0; times--) {
        struct item *item = item_new(worker, &item_type, 0);
        atomic_store_explicit(&post->weak, item_weak(item).bits, memory_order_release);
        wr_release(item);
        worker_stepped(worker, 1);
    }
}

static void hammer(struct worker *worker, struct post *post) {
    for (unsigned times = random_below(worker, 400); times > 0; times--) {
        wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire));
        struct item *item = wr_weak_get(weak);
        if (item != NULL)
            item_check(item, weak);
        worker_count(worker, item != NULL ? 0 : 1, 1);
        wr_release(item);
        worker_stepped(worker, 1);
    }
}

static void look_at_nothing(struct worker *worker) {
    uint64_t bits = random_next(worker);
    wr_weak none[] = {{0}, {bits & ~UINT64_C(1)}, {bits | UINT64_C(0xffffffff00000001)}};
    item_check_dead(none[random_below(worker, 3)]);
}

static void work(struct worker *worker) {
    struct post *posts = worker->run->shared;
    struct memory memory = {0};
    while (worker_goes_on(worker)) {
        struct post *post = &posts[random_below(worker, POSTS)];
        unsigned i = random_below(worker, STALE);
        uint32_t dice = random_below(worker, 64);
        if (dice < 2) {
            turn(worker, &posts[POSTS + random_below(worker, 2)]);
        } else if (dice < 5) {
            hammer(worker, &posts[POSTS + random_below(worker, 2)]);
        } else if (dice < 9) {
            look_at_nothing(worker);
        } else if (dice < 13) {
            item_check_dead(wr_weak_from_u64(memory.dead[i]));
        } else if (dice < 28) {
            replace(worker, post);
        } else if (dice < 40) {
            memory.values[i].weak = wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire));
            memory.values[i].post = post;
        } else if (dice < 44) {
            struct item *item = post_get(worker, post);
            worker_count(worker, item != NULL ? 0 : 1, 1);
            wr_release(item);
        } else {
            look(worker, &memory);
        }
    }
}

static void begin(struct run *run) {
    static struct post posts[POSTS + 2]; /* the last two are for turn and hammer */
    run->shared = posts;
}

static void end(struct run *run) {
    struct post *posts = run->shared;
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(posts[i].strong);
}

/* A debug build keeps slots in quarantine, from where they come back too late for most units under way. */
#ifdef WR_DEBUG
#define MUST_TAKE                                                                                            \
    TAKES(look_invalid, look_below, get_alive, get_stray, release_last, close_won, close_lost, death_now)
#else
#define MUST_TAKE                                                                                            \
    TAKES(look_invalid, look_below, get_alive, get_stray, get_foreign, back_some, release_last, close_won,   \
          close_lost, death_now)
#endif

SCENARIO(.hunts = "stale values on slots that are reused at once: strays, foreign units, orphans",
         .takes = MUST_TAKE, .counted = {"gets", "found dead", "replaced"}, .mixes = true, .begin = begin,
         .work = work, .end = end)
