/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weakrt.h>

struct conn {
    int id;
};
static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct conn)};

static void on_event(uint64_t data) { /* the 64 bits that epoll, a timer or a queued task kept */
    struct conn *conn = wr_weak_get(wr_weak_from_u64(data));
    (void)(conn != NULL ? printf("conn %d is alive\n", conn->id) : puts("stale event refused"));
    wr_release(conn); /* NULL: does nothing */
}

int main(void) {
    struct conn *conn = wr_new(&conn_type);
    if (conn == NULL)
        return 1;
    conn->id = 7;
    uint64_t data = wr_weak_to_u64(wr_weak_of(conn)); /* copy it anywhere, tell nobody */
    on_event(data);
    wr_release(conn); /* the last reference: memory and slot are free for the next object */
    conn = wr_new(&conn_type);
    on_event(data); /* the address may be in use again; the event is not for its new owner */
    wr_release(conn);
    return 0;
}
