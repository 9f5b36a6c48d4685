/* SPDX-License-Identifier: MIT */
/*
 * A server loop that keeps a weak value in epoll_event.data, and a worker thread that answers later.
 *
 * Two clients tell the server to hang up on each other, both messages come in one batch of events, and the first one
 * handled closes the other's connection and accepts a new one, on the same descriptor. The second event of the batch
 * is stale then. Had its data been the descriptor, it would reach the new connection; had it been a pointer, it would
 * reach memory that was freed. The weak value in it reads dead.
 *
 * A worker holds a weak value too, while the loop closes. Nobody tells it, and nothing is looked up in a table.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct conn {
    int fd; /* owned */
    struct server *server;
};

struct server {
    int epoll;
    struct conn *first, *second; /* what the loop owns: a strong reference each, or NULL */
    int hung_up, stale;
};

static void conn_destroy(void *self) {
    struct conn *conn = self;
    (void)close(conn->fd); /* now, and not before: whoever resolved the connection may still write to it */
}

static const wr_type conn_type = {
    .abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct conn), .destroy = conn_destroy};

/* Make a connection and wait for its events. Returns the client's end. */
static int server_accept(struct server *server, struct conn **owner) {
    int fds[2];
    struct conn *conn = wr_new(&conn_type);
    REQUIRE(conn != NULL && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    conn->fd = fds[0];
    conn->server = server;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = wr_weak_to_u64(wr_weak_of(conn))};
    REQUIRE(epoll_ctl(server->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0);
    *owner = conn;
    return fds[1];
}

/* Close a connection: no event or worker gets at it from now on, those that did already may finish. */
static void server_close(struct conn **owner) {
    struct conn *conn = *owner;
    *owner = NULL;
    REQUIRE(wr_kill(conn) == 1);
    wr_release(conn);
}

static void on_readable(struct conn *conn) {
    struct server *server = conn->server;
    struct conn **other = conn == server->first ? &server->second : &server->first;
    char byte;
    REQUIRE(read(conn->fd, &byte, 1) == 1 && byte == 'h'); /* "hang up on the other one" */
    int fd = (*other)->fd;
    server_close(other);
    (void)close(server_accept(server, other)); /* a client that comes and goes */
    REQUIRE((*other)->fd == fd);               /* the number is in use again, for somebody else */
    server->hung_up++;
}

/* Handle one batch. Returns how many events it had. */
static int server_turn(struct server *server) {
    struct epoll_event events[8];
    int count = epoll_wait(server->epoll, events, 8, -1);
    for (int i = 0; i < count; i++) {
        struct conn *conn = wr_weak_get(wr_weak_from_u64(events[i].data.u64));
        if (conn == NULL) {
            server->stale++;
            continue;
        }
        on_readable(conn);
        wr_release(conn);
    }
    return count;
}

struct job {
    wr_weak conn;
    int answered;
};

static void *worker(void *arg) {
    struct job *job = arg;
    struct conn *conn = wr_weak_get(job->conn);
    if (conn != NULL)
        job->answered = write(conn->fd, "a", 1) == 1;
    wr_release(conn);
    return NULL;
}

/* Have another thread answer. Returns whether it could. */
static int answer(wr_weak conn) {
    struct job job = {conn, 0};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, worker, &job) == 0 && pthread_join(thread, NULL) == 0);
    return job.answered;
}

int main(void) {
    struct server server = {.epoll = epoll_create1(0)};
    REQUIRE(server.epoll >= 0);

    int clients[2] = {server_accept(&server, &server.first), server_accept(&server, &server.second)};
    REQUIRE(write(clients[0], "h", 1) == 1 && write(clients[1], "h", 1) == 1);
    REQUIRE(server_turn(&server) == 2);
    REQUIRE(server.hung_up == 1 && server.stale == 1);

    struct conn *fresh;
    int client = server_accept(&server, &fresh);
    wr_weak weak = wr_weak_of(fresh);
    char byte;
    REQUIRE(answer(weak) && read(client, &byte, 1) == 1 && byte == 'a');
    server_close(&fresh);
    REQUIRE(!answer(weak) && read(client, &byte, 1) == 0);

    printf("one message handled, one stale event refused\n");
    server_close(&server.first);
    server_close(&server.second);
    (void)close(client), (void)close(clients[0]), (void)close(clients[1]), (void)close(server.epoll);
    return 0;
}
