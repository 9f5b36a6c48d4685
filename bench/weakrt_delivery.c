/* SPDX-License-Identifier: MIT */
/* weakrt's queues, and waiting for an object's end. */
#include "weakrt_peer.h"

#include <poll.h>

/* ---- queues ---- */

static wr_queue *queue;
static uint64_t delivered;

static void count_delivered(wr_weakref *ref, void *arg) {
    (void)arg;
    delivered++;
    wr_release(ref);
}
static void count_destroyed(void *self) {
    (void)self;
    delivered++;
}
static const wr_type later_type = {
    .abi = WR_TYPE_ABI, .name = "later", .size = sizeof(struct payload), .destroy = count_destroyed};

static void delivery_prepare(void) {
    queue = wr_queue_new();
    BENCH_CHECK(queue != NULL);
}
static void *delivery_new(void) {
    wr_weakref_options options = WR_WEAKREF_OPTIONS_INIT;
    options.callback = count_delivered;
    options.queue = queue;
    void *obj = make(&payload_type);
    BENCH_CHECK(wr_weakref_new_ex(obj, &options) != NULL);
    return obj;
}
static void delivery_die(void *obj) {
    wr_release(obj);
}
static void delivery_run(uint64_t until) {
    struct pollfd wait = {.fd = wr_queue_fd(queue), .events = POLLIN};
    while (delivered < until) {
        BENCH_CHECK(poll(&wait, 1, -1) == 1);
        wr_queue_run(queue, 0);
    }
}
static void *later_new(void) {
    return make(&later_type);
}
static void later_die(void *obj) {
    wr_release_later(obj, queue);
}

#include "rows_delivery.h"

/* ---- waiting ---- */

BENCH(kill_wait_alone) {
    BENCH_TIMES(10000)
    BENCH_CHECK(wr_kill_wait(make(&payload_type), -1) == 0);
}

/* Another thread has a reference, and gives it up when it learns of the kill; which it learns by looking. */
static void *held; /* atomic; NULL: nothing */
static void *hold_and_release(void *arg) {
    for (;;) {
        void *obj = __atomic_load_n(&held, __ATOMIC_ACQUIRE);
        if (obj == NULL)
            continue;
        wr_release(obj);
        __atomic_store_n(&held, NULL, __ATOMIC_RELEASE);
    }
    return arg;
}

BENCH(kill_wait_held) {
    bench_spawn(0, hold_and_release, NULL);
    BENCH_TIMES(1000) {
        void *obj = make(&payload_type);
        __atomic_store_n(&held, wr_retain(obj), __ATOMIC_RELEASE);
        BENCH_CHECK(wr_kill_wait(obj, -1) == 0);
        while (__atomic_load_n(&held, __ATOMIC_ACQUIRE) != NULL)
            ;
    }
}
