/* SPDX-License-Identifier: MIT */
/* What the tests of borrow and cells share: borrowable objects that tell of their destroy. */
#ifndef WR_TESTS_BORROWS_H
#define WR_TESTS_BORROWS_H

#include "common.h"

static const wr_type shy_type = {.abi = WR_TYPE_ABI,
                                 .flags = WR_BORROWABLE,
                                 .name = "shy",
                                 .size = sizeof(probe),
                                 .destroy = probe_destroy};

static inline probe *shy_new(unsigned *destroyed) {
    probe *p = wr_new(&shy_type);
    REQUIRE(p != NULL);
    p->destroyed = destroyed;
    return p;
}

/* Borrow by a value, and return at once. Was there something to borrow? */
static inline bool can_borrow(wr_weak w) {
    wr_borrowed b;
    void *obj = wr_borrow(w, &b);
    wr_return(&b);
    return obj != NULL;
}

struct turns {
    pthread_barrier_t at;
    probe *p;
    wr_weak w;
    wr_cell cell;
    unsigned destroyed;
};

/* Objects of which the value is 42 until their destroy. That reads and writes it plainly: a missing order is a race. */
static atomic_uint fragile_destroyed;
static inline void destroy_fragile(void *self) {
    CHECK_EQ(((probe *)self)->value, 42);
    ((probe *)self)->value = 13;
    atomic_fetch_add(&fragile_destroyed, 1);
}
static const wr_type fragile_type = {.abi = WR_TYPE_ABI,
                                     .flags = WR_BORROWABLE,
                                     .name = "fragile",
                                     .size = sizeof(probe),
                                     .destroy = destroy_fragile};

/* Of two threads the first borrows, the second drops the last reference, the first returns. */
static inline void take_turns(unsigned index, void *arg) {
    struct turns *t = arg;
    wr_borrowed b;
    if (index == 0) {
        CHECK_PTR_EQ(wr_borrow(t->w, &b), t->p);
        pthread_barrier_wait(&t->at);
        pthread_barrier_wait(&t->at);
        CHECK_EQ(t->p->value, 3);
        wr_return(&b);
        CHECK_EQ(t->destroyed, 1);
    } else {
        pthread_barrier_wait(&t->at);
        wr_release(t->p);
        CHECK_EQ(t->destroyed, 0);
        pthread_barrier_wait(&t->at);
    }
}

#endif
