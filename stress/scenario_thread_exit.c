/* SPDX-License-Identifier: MIT */
/*
 * Threads that come and go. Each worker starts thread after thread; each takes part in a small churn,
 * which leaves slots in its cache and makes it use a record, and then ends: its slots go to the depot, its
 * record to a later thread. Some have a thread-specific destructor that runs after the library's, when the
 * record is gone, and makes, gets and releases there: with a record for one call, or none. What a thread
 * that ended left behind is found and freed by others.
 */
#include <pthread.h>

#include "item.h"

#define POSTS 16u

static pthread_key_t late_key;

static void churn(struct worker *worker, struct post *posts, unsigned steps) {
    while (steps-- > 0) {
        struct post *post = &posts[random_below(worker, POSTS)];
        struct item *item = NULL;
        if (random_below(worker, 2) == 0) {
            item = post_get(worker, post);
        } else {
            item = item_new(worker, &item_type, random_below(worker, 200));
            uint64_t weak = random_below(worker, 4) == 0 ? 0 : item_weak(item).bits;
            item = atomic_exchange_explicit(&post->strong, item, memory_order_acq_rel);
            atomic_store_explicit(&post->weak, weak, memory_order_release);
        }
        wr_release(item);
    }
}

/* Each link of a short chain dies inside the one before it, here on a thread without a record. */
struct pair {
    struct item item;
    void *other; /* a reference */
};

static void destroy_pair(void *self) {
    struct pair *pair = self;
    item_destroy(self);
    wr_release(pair->other);
}

static const wr_type pair_type = {
    .abi = WR_TYPE_ABI, .name = "pair", .size = sizeof(struct pair), .destroy = destroy_pair};

struct late {
    struct worker *worker;
    bool again;
};

/* The first time round the library's destructor may not have run yet. */
static void run_late(void *value) {
    struct late *late = value;
    struct worker *worker = late->worker;
    if (late->again) {
        late->again = false;
        (void)pthread_setspecific(late_key, late);
        return;
    }
    churn(worker, worker->run->shared, 20);
    struct pair *pair = item_new(worker, &pair_type, 0);
    pair->other = item_new(worker, &item_type, 0);
    wr_release(pair);
    worker_count(&worker->run->workers[worker->number % worker->run->threads], 1, 1);
}

static void child(struct worker *worker, void *arg) {
    struct late *late = arg;
    late->worker = worker;
    late->again = true;
    if (random_below(worker, 2) == 0)
        (void)pthread_setspecific(late_key, late);
    churn(worker, worker->run->shared, random_below(worker, 4) == 0 ? 1000 : random_below(worker, 100));
}

static void work(struct worker *worker) {
    while (worker_goes_on(worker)) {
        struct late late;
        worker_child(worker, child, &late);
        worker_count(worker, 0, 1);
        churn(worker, worker->run->shared, random_below(worker, 100));
    }
}

static void begin(struct run *run) {
    static struct post posts[POSTS];
    run->shared = posts;
    if (pthread_key_create(&late_key, run_late) != 0)
        violation("no thread-specific key");
}

static void end(struct run *run) {
    struct post *posts = run->shared;
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(posts[i].strong);
}

SCENARIO(.hunts = "threads that come and go, and use weakrt after their record is gone",
         .takes = TAKES(record_new, record_reused, record_none, flush, refill_recordless, keep_recordless,
                        death_recordless, death_waits, get_alive, look_below, depot_batch),
         .counted = {"threads", "late users"}, .mixes = true, .begin = begin, .work = work, .end = end)
