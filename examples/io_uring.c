/* SPDX-License-Identifier: MIT */
/* link if liburing.h: -luring */
/*
 * io_uring hands back 64 bits of user_data with each completion, however late. Here they are a weak value: a connection
 * is closed while its poll is in the kernel, and the completion that follows is refused.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#if defined(__has_include)
#if __has_include(<liburing.h>)
#define HAVE_URING 1
#endif
#endif

#ifdef HAVE_URING
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct conn {
    int fd; /* owned */
};

static void conn_destroy(void *self) {
    (void)close(((struct conn *)self)->fd);
}

static const wr_type conn_type = {
    .abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct conn), .destroy = conn_destroy};

static struct conn *conn_open(int *client) {
    int fds[2];
    struct conn *conn = wr_new(&conn_type);
    REQUIRE(conn != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    conn->fd = fds[0];
    *client = fds[1];
    return conn;
}

static void watch(struct io_uring *ring, const struct conn *conn) {
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    REQUIRE(entry != NULL);
    io_uring_prep_poll_add(entry, conn->fd, POLLIN);
    io_uring_sqe_set_data64(entry, wr_weak_to_u64(wr_weak_of(conn)));
    REQUIRE(io_uring_submit(ring) == 1);
}

/* Take one completion. Returns whether its connection was there. */
static int complete(struct io_uring *ring) {
    struct io_uring_cqe *done;
    REQUIRE(io_uring_wait_cqe(ring, &done) == 0);
    struct conn *conn = wr_weak_get(wr_weak_from_u64(io_uring_cqe_get_data64(done)));
    io_uring_cqe_seen(ring, done);
    if (conn == NULL)
        return 0;
    char byte;
    REQUIRE(read(conn->fd, &byte, 1) == 1);
    wr_release(conn);
    return 1;
}

int main(void) {
    struct io_uring ring;
    if (io_uring_queue_init(8, &ring, 0) != 0) {
        (void)fprintf(stderr, "the kernel has no io_uring for this process\n");
        return 77;
    }
    int client;
    struct conn *conn = conn_open(&client);
    watch(&ring, conn);
    REQUIRE(write(client, "a", 1) == 1 && complete(&ring));

    watch(&ring, conn);
    REQUIRE(wr_kill(conn) == 1); /* closed, with a poll in flight */
    REQUIRE(write(client, "b", 1) == 1 && !complete(&ring));
    wr_release(conn);
    (void)close(client);
    io_uring_queue_exit(&ring);
    puts("one completion handled, one refused");
    return 0;
}
#else
int main(void) {
    (void)fprintf(stderr, "built without liburing\n");
    return 77;
}
#endif
