/* SPDX-License-Identifier: MIT */
/* What the files with rows of weakrt share. They are built twice: with weakrt_inline.h and the static library
 * (BENCH_INLINE), and as calls into the shared one. */
#ifndef WR_BENCH_WEAKRT_PEER_H
#define WR_BENCH_WEAKRT_PEER_H

#include "work.h"

#ifdef BENCH_INLINE
#include "weakrt_inline.h"
#else
#include "weakrt.h"
#endif

static const wr_type payload_type
    __attribute__((unused)) = {.abi = WR_TYPE_ABI, .name = "payload", .size = sizeof(struct payload)};

static inline __attribute__((always_inline)) void *make(const wr_type *type) {
    void *obj = wr_new(type);
    BENCH_CHECK(obj != NULL);
    return obj;
}

#endif /* WR_BENCH_WEAKRT_PEER_H */
