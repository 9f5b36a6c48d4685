/* SPDX-License-Identifier: MIT */
/*
 * Proxies called while their referents die. A few proxies are on posts; everybody calls through what he finds
 * there, and compares, hashes and describes it, while the referents are replaced, killed and let go. A call pins
 * its referent or says that it is stale; once stale, always stale.
 */
#include "weakrefs.h"

#include <errno.h>
#include <sched.h>

#define POSTS 4u

struct standin {
    _Atomic(wr_weakref *) proxy; /* a reference, as on a post */
    _Atomic unsigned readers;    /* who are between reading the pointer and having a reference */
} __attribute__((aligned(64)));

static int called(void *self, void *arg) {
    struct worker *worker = arg;
    struct item *item = self;
    item_check(item, wr_weak_from_u64(0));
    item_mark(worker, item);
    perturb_holding();
    for (volatile int i = 0; i < 20; i++)
        ;
    item_check(item, wr_weak_from_u64(item->self));
    return 7;
}

static void use(struct worker *worker, wr_weakref *proxy) {
    int result = 0;
    bool dead = wr_weakref_is_dead(proxy) == 1;
    int status = wr_call(proxy, called, worker, &result);
    worker_count(worker, status == 0 ? 0 : 1, 1);
    if (status != (result == 7 ? 0 : -ESTALE))
        violation("wr_call returned %d, and the function %d", status, result);
    if (dead && status == 0)
        violation("a call through a proxy succeeded after it was seen dead");
    int equal = wr_equal(proxy, proxy);
    if (equal != 1 && equal != -ESTALE)
        violation("wr_equal of a proxy and itself returned %d", equal);
    if (status == -ESTALE && equal != -ESTALE)
        violation("a proxy was compared after it was seen stale");
    uint64_t hash;
    char text[100];
    if (wr_hash(proxy, &hash) != -ENOTSUP || wr_describe(proxy, text, sizeof text) <= 0)
        violation("a proxy was hashed, or could not be described");
}

/* Make an item and a proxy for it, and keep the item for a while. */
static void replace(struct worker *worker, struct standin *standin) {
    struct item *item = item_new(worker, &item_type, 8);
    (void)item_weak(item);
    wr_weakref *proxy = wr_proxy_new(item, NULL, NULL);
    if (proxy == NULL)
        violation("no proxy for a live object");
    wr_weakref *old = atomic_exchange(&standin->proxy, wr_retain(proxy));
    while (atomic_load(&standin->readers) != 0) /* then nobody has the old pointer without a reference */
        sched_yield();
    wr_release(old);
    for (uint32_t times = random_below(worker, 200); times > 0; times--) /* while it lives */
        use(worker, proxy);
    wr_release(proxy);
    if (random_below(worker, 2) == 0)
        (void)wr_kill(item);
    wr_release(item);
}

static void work(struct worker *worker) {
    struct standin *standins = worker->run->shared;
    while (worker_goes_on(worker)) {
        struct standin *standin = &standins[random_below(worker, POSTS)];
        if (random_below(worker, 32) == 0) {
            replace(worker, standin);
            continue;
        }
        atomic_fetch_add(&standin->readers, 1);
        wr_weakref *proxy = wr_retain(atomic_load(&standin->proxy));
        atomic_fetch_sub(&standin->readers, 1);
        for (uint32_t times = 1 + random_below(worker, 8); proxy != NULL && times > 0; times--)
            use(worker, proxy);
        wr_release(proxy);
    }
}

static void begin(struct run *run) {
    static struct standin standins[POSTS];
    run->shared = standins;
}

static void end(struct run *run) {
    struct standin *standins = run->shared;
    for (unsigned i = 0; i < POSTS; i++)
        wr_release(standins[i].proxy);
}

SCENARIO(.hunts = "proxies called while their referents die: pinned, or stale for good",
         .takes = TAKES(get_alive, look_below, leave_linked, leave_free, cut_won, close_won),
         .counted = {"calls", "stale"}, .mixes = true, .begin = begin, .work = work, .end = end)
