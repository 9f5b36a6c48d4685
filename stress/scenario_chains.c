/* SPDX-License-Identifier: MIT */
/*
 * Deep chains. Each link owns the next, so that the death of the head is the death of all, one inside the
 * other: they wait and run in order, on a bounded stack. Meanwhile others get links in the middle by their
 * weak values: one that is held cuts the chain, and the rest dies when it is let go, on another thread.
 * Links may be killed meanwhile, and two chains may end in a common tail.
 */
#include "item.h"

#define CHAINS 4u
#define LOOKED_AT 32u /* links of a chain that others have weak values of */
#define STACK_LIMIT (64 * 1024)

struct link {
    struct item item;
    struct link *next; /* a reference */
};

struct chain {
    struct post head;
    struct post links[LOOKED_AT];
};

static _Thread_local const char *stack_base;

static void destroy_link(void *self) {
    struct link *link = self;
    ptrdiff_t depth = stack_base - (const char *)__builtin_frame_address(0);
    if (stack_base != NULL && (depth > STACK_LIMIT || depth < -STACK_LIMIT))
        violation("deaths in a chain have used %td bytes of stack", depth);
    item_destroy(self);
    wr_release(link->next);
}

static const wr_type link_type = {
    .abi = WR_TYPE_ABI, .name = "link", .size = sizeof(struct link), .destroy = destroy_link};

static void build(struct worker *worker, struct chain *chain) {
    uint32_t length = random_below(worker, 64) == 0 ? 20000 : 1 + random_below(worker, 400);
    uint32_t spacing = 1 + length / LOOKED_AT;
    /* The tail may be of another chain. */
    struct link *next = random_below(worker, 4) == 0
                            ? post_get(worker, &chain->links[random_below(worker, LOOKED_AT)])
                            : NULL;
    for (uint32_t i = 0; i < length; i++) {
        struct link *link = item_new(worker, &link_type, 0);
        link->next = next;
        next = link;
        if (i % spacing == 0)
            atomic_store_explicit(&chain->links[i / spacing].weak, item_weak(&link->item).bits,
                                  memory_order_release);
        else if (i % 3 == 0)
            (void)item_weak(&link->item);
    }
    worker_count(worker, 0, 1);
    struct item *old = atomic_exchange_explicit(&chain->head.strong, &next->item, memory_order_acq_rel);
    wr_release(old);
}

static void visit(struct worker *worker, struct chain *chain) {
    struct link *link = post_get(worker, &chain->links[random_below(worker, LOOKED_AT)]);
    worker_count(worker, link != NULL ? 1 : 2, 1);
    for (uint32_t steps = random_below(worker, 20); link != NULL && steps > 0; steps--) {
        struct link *next = wr_retain(link->next);
        wr_release(link);
        link = next;
        if (link != NULL)
            item_check(&link->item, wr_weak_from_u64(0));
    }
    if (link != NULL && random_below(worker, 16) == 0 && link->item.self != 0)
        (void)wr_kill(link);
    wr_release(link);
}

static void work(struct worker *worker) {
    struct chain *chains = worker->run->shared;
    stack_base = __builtin_frame_address(0);
    while (worker_goes_on(worker)) {
        struct chain *chain = &chains[random_below(worker, CHAINS)];
        if (random_below(worker, 32) == 0)
            build(worker, chain);
        else
            visit(worker, chain);
    }
    stack_base = NULL;
}

static void begin(struct run *run) {
    static struct chain chains[CHAINS];
    run->shared = chains;
}

static void end(struct run *run) {
    struct chain *chains = run->shared;
    for (unsigned i = 0; i < CHAINS; i++)
        wr_release(chains[i].head.strong);
}

SCENARIO(.hunts = "deaths inside deaths: in order, on a bounded stack, cut in the middle by gets",
         .takes = TAKES(death_waits, death_now, get_alive, retain, release_sole, sole_plain, look_below,
                        close_won, cut_won),
         .counted = {"chains", "gets", "found dead"}, .mixes = true, .begin = begin, .work = work, .end = end)
