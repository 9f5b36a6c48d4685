/* SPDX-License-Identifier: MIT */
/* weakrt's boxes: what it costs to have memory of one's own counted by an object beside it. */
#include "weakrt_peer.h"

#include <stdlib.h>

static void *box_new(void) {
    struct payload *payload = calloc(1, sizeof *payload);
    BENCH_CHECK(payload != NULL);
    payload->value = 1;
    void *box = wr_box_new(payload, free);
    BENCH_CHECK(box != NULL);
    return box;
}

BENCH(box_create_destroy) {
    BENCH_TIMES(10000) {
        void *box = box_new();
        BENCH_HIDE(box);
        wr_release(box);
    }
}

BENCH(box_retain_use_release) {
    void *mine = box_new();
    uint64_t sum = 0;
    BENCH_TIMES(10000) {
        void *box = wr_retain(mine);
        BENCH_HIDE(box);
        sum += ((struct payload *)wr_box_get(box))->value;
        wr_release(box);
    }
    BENCH_CHECK(sum == bench_done() && wr_refcount(mine) == 1);
}

BENCH(box_get_use_release) {
    void *mine = box_new();
    wr_weak weak = wr_weak_of(mine);
    uint64_t sum = 0;
    BENCH_TIMES(10000) {
        BENCH_HIDE(weak.bits);
        void *box = wr_weak_get(weak);
        BENCH_CHECK(box != NULL);
        sum += ((struct payload *)wr_box_get(box))->value;
        wr_release(box);
    }
    BENCH_CHECK(sum == bench_done() && wr_refcount(mine) == 1);
}
