/* SPDX-License-Identifier: MIT */
/*
 * Shared refs and proxies, taken and dropped by all: on a few objects the last user lets go of the shared ref at
 * the moment others ask for it. Whoever asks gets one that refers to the object, and while he has it everybody
 * else gets the same; there are never more than two on an object's list. At times an object is cleared, or replaced.
 */
#include "weakrefs.h"

#define POSTS 4u

/* Each weakref on the list has the value that some moment's other weak values of the item have. */
static void list(struct item *item) {
    wr_weakref *refs[4];
    size_t count = wr_weakref_list(item, refs, 4);
    if (count > 2)
        violation("%zu weakrefs are listed, and no more than two can be shared", count);
    for (size_t i = 0; i < count; i++) {
        void *got = wr_weak_get(wr_weakref_value(refs[i])); /* NULL: cleared meanwhile */
        if (got != NULL && got != item)
            violation("a listed weakref has the value of another object");
        wr_release(got);
        wr_release(refs[i]);
    }
}

static void check_two(struct worker *worker, struct item *item, bool proxy) {
    wr_weakref *(*make)(void *, wr_callback, void *) = proxy ? wr_proxy_new : wr_weakref_new;
    wr_weakref *first = make(item, NULL, NULL), *second = make(item, NULL, NULL);
    if (first == NULL || second == NULL)
        violation("no weakref to a live object");
    if (wr_weakref_check_proxy(first) != proxy || wr_weakref_check_ref_exact(first) == proxy ||
        wr_weakref_check_ref(first) == proxy || !wr_weakref_check(first))
        violation("a shared weakref of the wrong kind");
    bool cleared = wr_weakref_is_dead(first) == 1;
    worker_count(worker, cleared ? 1 : 0, 1);
    if (first != second && !cleared)
        violation("two shared weakrefs on one object");
    void *got = NULL;
    if (wr_weakref_get(second, &got) == 1 && got != item)
        violation("a shared weakref refers to another object");
    if (wr_weakref_count(item) > 2)
        violation("more than two shared weakrefs on one object");
    if (random_below(worker, 4) == 0)
        list(item);
    wr_release(got);
    wr_release(first);
    wr_release(second);
}

static void replace(struct worker *worker, struct post *post) {
    struct item *item = item_new(worker, &item_type, 0);
    uint64_t bits = item_weak(item).bits;
    struct item *old = atomic_exchange_explicit(&post->strong, item, memory_order_acq_rel);
    atomic_store_explicit(&post->weak, bits, memory_order_release);
    wr_release(old);
}

static void work(struct worker *worker) {
    struct post *posts = worker->run->shared;
    while (worker_goes_on(worker)) {
        struct post *post = &posts[random_below(worker, POSTS)];
        uint32_t way = random_below(worker, 64);
        if (way == 0) {
            replace(worker, post);
            continue;
        }
        struct item *item = post_get(worker, post);
        if (item == NULL)
            continue;
        if (way == 1)
            (void)item_clear(item);
        for (uint32_t times = random_below(worker, 16); times > 0; times--)
            check_two(worker, item, random_below(worker, 2) != 0);
        wr_release(item);
    }
}

static void begin(struct run *run) {
    static struct post posts[POSTS];
    run->shared = posts;
    for (unsigned i = 0; i < POSTS; i++)
        replace(worker_self, &posts[i]);
}

static void end(struct run *run) {
    struct post *posts = run->shared;
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(posts[i].strong);
}

SCENARIO(.hunts = "shared refs: found while their last user drops them",
         .takes = TAKES(shared_found, shared_dying, leave_linked, leave_late, leave_free, cut_won),
         .counted = {"shared", "cleared meanwhile"}, .mixes = true, .begin = begin, .work = work, .end = end)
