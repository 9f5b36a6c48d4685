/* SPDX-License-Identifier: MIT */
/*
 * Connections are objects of weakrt. A reference is a weak value; to pin is wr_weak_get; to kill is wr_kill, and who
 * did it gives up the owner's reference. Each connection is bound to the queue of its loop: wherever the last pin is
 * put back, destroy runs in the loop, which is the one thread that may touch its libuv handle.
 */
#include "hold.h"

#include <inttypes.h>
#include <stdlib.h>
#include <weakrt.h>

#include "conn.h"
#include "counters.h"
#include "loop.h"

const char hold_name[] = "weakrt";

static void destroy(void *self) {
    conn_destroy(self);
}

static int describe(const void *self, char *buf, size_t len) {
    const struct conn *conn = self;
    return snprintf(buf, len, "connection %" PRIu64 " from %s", conn->id, conn->addr);
}

static const wr_type conn_type = {.abi = WR_TYPE_ABI,
                                  .name = "connection",
                                  .size = sizeof(struct conn),
                                  .destroy = destroy,
                                  .describe = describe};

struct delivery {
    uv_poll_t poll; /* first: freed as a handle */
    wr_queue *queue;
};

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    (void)wr_queue_run(((struct delivery *)poll)->queue, 0);
}

int hold_loop_init(struct loop *loop) {
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL)
        return UV_ENOMEM;
    if ((delivery->queue = wr_queue_new()) == NULL) {
        free(delivery);
        return UV_ENOMEM;
    }
    loop->hold = delivery;
    int result = uv_poll_init(&loop->uv, &delivery->poll, wr_queue_fd(delivery->queue));
    return result != 0 ? result : uv_poll_start(&delivery->poll, UV_READABLE, on_readable);
}

void hold_loop_end(struct loop *loop) {
    wr_queue_free(((struct delivery *)loop->hold)->queue);
    free(loop->hold);
}

void hold_enter(void) {
}

void hold_leave(void) {
}

struct conn *hold_new(struct loop *loop) {
    struct conn *conn = wr_new(&conn_type);
    if (conn == NULL)
        return NULL;
    if (wr_bind(conn, ((struct delivery *)loop->hold)->queue) != 0) {
        wr_release(conn);
        return NULL;
    }
    return wr_retain(conn); /* one reference is the owner's, one the caller's */
}

hold_ref hold_ref_of(struct conn *conn) {
    return (hold_ref){wr_weak_to_u64(wr_weak_of(conn))};
}

struct conn *hold_get(hold_ref ref) {
    struct conn *conn = wr_weak_get(wr_weak_from_u64(ref.bits));
    if (conn == NULL && ref.bits != 0)
        count(STALE_REFUSED, 1);
    return conn;
}

void hold_put(struct conn *conn) {
    wr_release(conn);
}

bool hold_is_dead(hold_ref ref) {
    return wr_weak_is_dead(wr_weak_from_u64(ref.bits));
}

bool hold_kill(struct conn *conn) {
    if (wr_kill(conn) != 1)
        return false;
    wr_release(conn); /* the owner's */
    return true;
}

void hold_info(FILE *f) {
    wr_stats s;
    wr_stats_get(&s, sizeof s);
    (void)fprintf(
        f, "weakrt_live:%" PRIu64 "\r\nweakrt_live_killed:%" PRIu64 "\r\nweakrt_live_bytes:%" PRIu64 "\r\n",
        s.live, s.live_killed, s.live_bytes);
    (void)fprintf(f, "weakrt_committed_bytes:%" PRIu64 "\r\nweakrt_slots_retired:%" PRIu64 "\r\n",
                  s.committed_bytes, s.slots_retired);
    (void)fprintf(f, "weakrt_killed:%" PRIu64 "\r\nweakrt_stale_refs:%" PRIu64 "\r\n", s.killed,
                  s.stale_refs);
    (void)fprintf(f, "weakrt_callbacks_fired:%" PRIu64 "\r\nweakrt_callbacks_queued:%" PRIu64 "\r\n",
                  s.callbacks_fired, s.callbacks_queued);
}

void hold_metrics(FILE *f) {
    (void)wr_stats_write(f, WR_PROMETHEUS);
}

uint64_t hold_left(FILE *f) {
    wr_stats s;
    wr_stats_get(&s, sizeof s);
    if (s.live != 0)
        (void)wr_report_live(f);
    return s.live;
}
