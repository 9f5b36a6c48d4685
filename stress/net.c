/* SPDX-License-Identifier: MIT */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE 4096      /* descriptors that may be connections; a process is not given higher ones here */
#define PEER_SOCKETS 24 /* of each peer: few, so that descriptors are reused soon and events come in heaps */
#define REFUSED_LEAST 1e-4 /* of the connections closed: fewer, and the run has not met the race */

struct peer {
    int fds[PEER_SOCKETS];        /* + 1; 0: none */
    uint16_t ports[PEER_SOCKETS]; /* its own: what it sends, over and over */
};

static struct {
    struct run *run;
    void (*watch)(struct conn *conn);
    struct sockaddr_in address;
    struct conn *listener;
    _Atomic(struct conn *)
        table[TABLE];        /* by descriptor; holds a reference, whoever exchanges it out has it */
    atomic_bool used[TABLE]; /* it was a connection before */
    struct peer peers[MAX_THREADS];
} net;

/* ---- connections ---- */

static void set_linger(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0}; /* a reset, and no port left waiting */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void close_descriptor(const struct conn *conn) {
    /* Whatever else waits for it in the kernel, such as a poll of io_uring, is to hear of it. */
    (void)shutdown(conn->fd, SHUT_RDWR);
    (void)close(conn->fd);
}

static void destroy_conn(void *self) {
    struct conn *conn = self;
    close_descriptor(conn);
    item_destroy(self);
    if (!conn->listener)
        worker_count(worker_self, NET_CLOSED, 1);
}

static const wr_type conn_type = {
    .abi = WR_TYPE_ABI, .name = "connection", .size = sizeof(struct conn), .destroy = destroy_conn};

static struct conn *conn_new(struct worker *worker, int fd, uint16_t peer) {
    struct conn *conn = net.run->raw ? calloc(1, sizeof *conn) : item_new(worker, &conn_type, 0);
    if (conn == NULL)
        violation("out of memory");
    conn->fd = fd;
    conn->peer = peer;
    conn->handle = net.run->raw ? (uint64_t)(uintptr_t)conn : wr_weak_to_u64(item_weak(&conn->item));
    return conn;
}

/* Give the reference from the table up; `kill`: nobody is to find it any more even while others serve it. */
static void conn_drop(struct worker *worker, struct conn *conn, bool kill) {
    if (net.run->raw) {
        close_descriptor(conn);
        free(conn);
        worker_count(worker, NET_CLOSED, 1);
        return;
    }
    wr_weak weak = wr_weak_from_u64(conn->handle);
    if (kill && wr_kill(conn) != 1)
        violation("a connection was killed before its only killer came");
    wr_release(conn);
    if (kill && random_below(worker, 16) == 0) {
        item_check_dead(weak);
        worker_count(worker, NET_PLANTED, 1);
    }
}

static void conn_close(struct worker *worker, int fd, const struct conn *expected) {
    struct conn *conn = atomic_load_explicit(&net.table[fd], memory_order_relaxed);
    if (conn == NULL || (expected != NULL && conn != expected) ||
        !atomic_compare_exchange_strong_explicit(&net.table[fd], &conn, NULL, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return;
    conn_drop(worker, conn, random_below(worker, 2) == 0);
}

struct conn *net_get(struct worker *worker, net_handle handle) {
    if (net.run->raw) {
        worker_count(worker, NET_SERVED, 1);
        return (struct conn *)(uintptr_t)handle;
    }
    struct conn *conn = item_get(worker, wr_weak_from_u64(handle));
    worker_count(worker, conn != NULL ? NET_SERVED : NET_REFUSED, 1);
    return conn;
}

void net_put(struct worker *worker, struct conn *conn) {
    (void)worker;
    if (!net.run->raw)
        wr_release(conn);
}

/* ---- serving ---- */

static void accept_some(struct worker *worker, const struct conn *listener) {
    for (int i = 0; i < 8; i++) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        int fd = accept4(listener->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        set_linger(fd);
        if (fd >= TABLE) {
            (void)close(fd);
            return;
        }
        struct conn *conn = conn_new(worker, fd, ntohs(from.sin_port));
        if (atomic_exchange_explicit(&net.used[fd], true, memory_order_relaxed))
            worker_count(worker, NET_REUSED, 1);
        /* The table's reference may be gone as soon as it is there: asking for events needs one more. */
        if (!net.run->raw)
            (void)wr_retain(conn);
        if (net.run->raw)
            net.watch(conn);
        if (atomic_exchange_explicit(&net.table[fd], conn, memory_order_acq_rel) != NULL)
            violation("descriptor %d was given out while its last connection was in the table", fd);
        if (!net.run->raw) {
            net.watch(conn);
            wr_release(conn);
        }
    }
}

/* Read what is there. Returns whether the connection is at its end. */
static bool read_some(struct worker *worker, struct conn *conn) {
    uint8_t buffer[256];
    ssize_t got = recv(conn->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0)
        return errno != EAGAIN && errno != EINTR;
    for (ssize_t i = 0; i < got; i++) {
        uint8_t wanted = (uint8_t)(conn->received++ % 2 == 0 ? conn->peer >> 8 : conn->peer);
        if (buffer[i] != wanted && !net.run->raw)
            violation("connection " WR_WEAK_FMT " of port %u read what another one's peer sent",
                      WR_WEAK_ARGS(wr_weak_from_u64(conn->handle)), conn->peer);
    }
    if (got > 0)
        (void)send(conn->fd, buffer, 2, MSG_DONTWAIT | MSG_NOSIGNAL);
    return got == 0 || random_below(worker, 16) == 0;
}

void net_serve(struct worker *worker, struct conn *conn) {
    if (conn->listener) {
        accept_some(worker, conn);
        return;
    }
    int fd = conn->fd;
    if (atomic_exchange_explicit(&conn->busy, 1, memory_order_acquire) != 0)
        return; /* the event comes again */
    bool ended = read_some(worker, conn);
    atomic_store_explicit(&conn->busy, 0, memory_order_release);
    if (ended)
        conn_close(worker, fd, conn);
}

void net_close_any(struct worker *worker) {
    int start = (int)random_below(worker, 64 + 2 * PEER_SOCKETS * net.run->threads);
    for (int fd = start; fd < start + 16 && fd < TABLE; fd++) {
        if (atomic_load_explicit(&net.table[fd], memory_order_relaxed) != NULL) {
            conn_close(worker, fd, NULL);
            return;
        }
    }
}

/* ---- peers ---- */

static void peer_connect(struct peer *peer, unsigned i) {
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    set_linger(fd);
    if ((connect(fd, (struct sockaddr *)&net.address, sizeof net.address) != 0 && errno != EINPROGRESS) ||
        getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
        (void)close(fd);
        return;
    }
    peer->fds[i] = fd + 1;
    peer->ports[i] = ntohs(own.sin_port);
}

static void peer_close(struct peer *peer, unsigned i) {
    (void)close(peer->fds[i] - 1);
    peer->fds[i] = 0;
}

static bool peer_send(struct peer *peer, unsigned i) {
    uint8_t message[2] = {(uint8_t)(peer->ports[i] >> 8), (uint8_t)peer->ports[i]};
    ssize_t sent = send(peer->fds[i] - 1, message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)sizeof message || (sent < 0 && errno == EAGAIN);
}

void net_peer_step(struct worker *worker) {
    struct peer *peer = &net.peers[worker->number];
    unsigned i = random_below(worker, PEER_SOCKETS);
    uint8_t buffer[256];
    if (peer->fds[i] == 0) {
        peer_connect(peer, i);
        return;
    }
    ssize_t got = recv(peer->fds[i] - 1, buffer, sizeof buffer, MSG_DONTWAIT);
    bool alive = got > 0 || (got < 0 && (errno == EAGAIN || errno == ENOTCONN));
    if (alive)
        alive = peer_send(peer, i);
    if (alive && random_below(worker, 8) == 0) { /* with what was sent still under way */
        worker_count(worker, NET_RESETS, 1);
        alive = false;
    }
    if (!alive)
        peer_close(peer, i);
}

/* ---- begin and end ---- */

void net_open(struct run *run, void (*watch)(struct conn *conn)) {
    struct worker *worker = worker_self;
    socklen_t size = sizeof net.address;
    net.run = run;
    net.watch = watch;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    net.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)&net.address, size) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&net.address, &size) != 0)
        violation("no listener on 127.0.0.1: %s", strerror(errno));
    net.listener = conn_new(worker, fd, 0);
    net.listener->listener = true;
    watch(net.listener);
}

void net_end(struct run *run) {
    struct worker *worker = worker_self;
    for (unsigned p = 0; p < MAX_THREADS; p++)
        for (unsigned i = 0; i < PEER_SOCKETS; i++)
            if (net.peers[p].fds[i] != 0)
                peer_close(&net.peers[p], i);
    for (int fd = 0; fd < TABLE; fd++)
        conn_close(worker, fd, NULL);
    if (run->raw)
        close_descriptor(net.listener), free(net.listener);
    else
        wr_release(net.listener);
    double closed = (double)run_counted(run, NET_CLOSED);
    double refused = (double)run_counted(run, NET_REFUSED);
    if (!run->raw && (closed == 0 || refused < closed * REFUSED_LEAST))
        run_lacks(run, "%.0f events of %.0f closed connections were refused, fewer than %g of them", refused,
                  closed, REFUSED_LEAST);
    if (run_counted(run, NET_REUSED) == 0)
        run_lacks(run, "no descriptor was reused");
}
