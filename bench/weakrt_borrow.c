/* SPDX-License-Identifier: MIT */
/* weakrt's borrows and cells, and what they make a death cost. */
#include "weakrt_peer.h"

static const wr_type lent_type = {
    .abi = WR_TYPE_ABI, .flags = WR_BORROWABLE, .name = "lent", .size = sizeof(struct payload)};

/* ---- borrow ---- */

BENCH(borrow_return) {
    struct payload *obj = make(&lent_type);
    obj->value = 1;
    wr_weak weak = wr_weak_of(obj);
    uint64_t sum = 0;
    BENCH_TIMES(10000) {
        wr_borrowed borrowed;
        BENCH_HIDE(weak.bits);
        struct payload *lent = wr_borrow(weak, &borrowed);
        BENCH_HIDE(lent);
        sum += lent != NULL;
        wr_return(&borrowed);
    }
    BENCH_CHECK(sum == bench_done() && wr_refcount(obj) == 1);
}

static wr_weak shared;
static void borrow_shared(unsigned thread) {
    (void)thread;
    wr_weak *place = &shared;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        wr_borrowed borrowed;
        BENCH_HIDE(place);
        struct payload *lent = wr_borrow(*place, &borrowed);
        BENCH_HIDE(lent);
        BENCH_CHECK(lent != NULL);
        wr_return(&borrowed);
    }
}

BENCH(borrow_return_shared) {
    shared = wr_weak_of(make(&lent_type));
    bench_threads(bench_thread_count(), borrow_shared);
}

BENCH(cold_borrow_return) {
    uint32_t count = (uint32_t)bench_size(BENCH_COLD);
    wr_weak *weak = bench_array(count, sizeof *weak);
    for (uint32_t i = 0; i < count; i++) {
        struct payload *obj = make(&lent_type);
        obj->value = 1;
        weak[i] = wr_weak_of(obj);
    }
    uint64_t state = 1, got = 0;
    BENCH_TIMES(50000) {
        wr_borrowed borrowed;
        got += wr_borrow(weak[bench_below(&state, count)], &borrowed) != NULL;
        wr_return(&borrowed);
    }
    BENCH_CHECK(got == bench_done());
}

/* ---- deaths of what can be borrowed ---- */

static void lent_deaths(void) {
    BENCH_TIMES(1000) {
        struct payload *obj = make(&lent_type);
        wr_weak weak = wr_weak_of(obj);
        wr_release(obj);
        BENCH_CHECK(wr_weak_is_dead(weak));
    }
}

BENCH(borrowable_death_nobody) {
    lent_deaths();
}

/* The dying side's own thread has borrowed, nobody else. */
BENCH(borrowable_death_own) {
    wr_borrowed borrowed;
    BENCH_CHECK(wr_borrow(wr_weak_of(make(&lent_type)), &borrowed) != NULL);
    wr_return(&borrowed);
    lent_deaths();
}

static uint64_t busy; /* atomic: the other thread has begun */
static void *borrow_for_ever(void *arg) {
    for (;;) {
        wr_borrowed borrowed;
        BENCH_CHECK(wr_borrow(shared, &borrowed) != NULL);
        wr_return(&borrowed);
        __atomic_store_n(&busy, 1, __ATOMIC_RELAXED);
    }
    return arg;
}

static void start_borrower(void) {
    shared = wr_weak_of(make(&lent_type));
    bench_spawn(0, borrow_for_ever, NULL);
    while (!__atomic_load_n(&busy, __ATOMIC_RELAXED))
        ;
}

BENCH(borrowable_death_busy) {
    start_borrower();
    lent_deaths();
}

/* A thousand that die with their owner. */
struct owner {
    void *children[1000];
};
static void release_children(void *self) {
    struct owner *owner = self;
    for (int i = 0; i < 1000; i++)
        wr_release(owner->children[i]);
}
static const wr_type owner_type = {
    .abi = WR_TYPE_ABI, .name = "owner", .size = sizeof(struct owner), .destroy = release_children};

BENCH(borrowable_death_batch) {
    start_borrower();
    while (bench_round()) {
        struct owner *owner = make(&owner_type);
        wr_weak weak = {0};
        for (int i = 0; i < 1000; i++) {
            owner->children[i] = make(&lent_type);
            weak = wr_weak_of(owner->children[i]);
        }
        bench_start();
        wr_release(owner);
        bench_stop(1000);
        BENCH_CHECK(wr_weak_is_dead(weak));
    }
}

/* ---- cells ---- */

static wr_cell cell;

BENCH(cell_load_release) {
    void *obj = make(&payload_type);
    wr_cell_store(&cell, obj);
    BENCH_TIMES(10000) {
        void *loaded = wr_cell_load(&cell);
        BENCH_HIDE(loaded);
        wr_release(loaded);
    }
    BENCH_CHECK(wr_refcount(obj) == 2);
}

static void load_shared(unsigned thread) {
    (void)thread;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        void *loaded = wr_cell_load(&cell);
        BENCH_CHECK(loaded != NULL);
        wr_release(loaded);
    }
}

BENCH(cell_load_release_shared) {
    void *obj = make(&payload_type);
    wr_cell_store(&cell, obj);
    bench_threads(bench_thread_count(), load_shared);
    BENCH_CHECK(wr_refcount(obj) == 2);
}

BENCH(cell_borrow) {
    wr_cell_store(&cell, make(&lent_type));
    uint64_t got = 0;
    BENCH_TIMES(10000) {
        wr_borrowed borrowed;
        void *lent = wr_cell_borrow(&cell, &borrowed);
        BENCH_HIDE(lent);
        got += lent != NULL;
        wr_return(&borrowed);
    }
    BENCH_CHECK(got == bench_done());
}

static void borrow_cell_shared(unsigned thread) {
    (void)thread;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        wr_borrowed borrowed;
        BENCH_CHECK(wr_cell_borrow(&cell, &borrowed) != NULL);
        wr_return(&borrowed);
    }
}

BENCH(cell_borrow_shared) {
    wr_cell_store(&cell, make(&lent_type));
    bench_threads(bench_thread_count(), borrow_cell_shared);
}

BENCH(cell_exchange) {
    void *other = make(&payload_type);
    wr_cell_store(&cell, make(&payload_type));
    BENCH_TIMES(10000) {
        void *old = wr_cell_exchange(&cell, other);
        wr_release(other);
        other = old;
    }
    BENCH_CHECK(wr_refcount(other) == 1);
}
