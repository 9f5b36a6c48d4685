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

#endif
