/* SPDX-License-Identifier: MIT */
/* How a connection begins and ends. */
#include "conn.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients.h"
#include "counters.h"
#include "loop.h"
#include "reuse.h"

#define LINGER_MS 5000u

static void write_addr(const uv_tcp_t *tcp, char *out, size_t size) {
    struct sockaddr_storage peer = {0};
    char ip[48] = "?";
    int len = sizeof peer, port = 0;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&peer, &len) == 0 && peer.ss_family == AF_INET) {
        port = ntohs(((struct sockaddr_in *)&peer)->sin_port);
        (void)uv_ip4_name((struct sockaddr_in *)&peer, ip, sizeof ip);
    }
    (void)snprintf(out, size, "%s:%d", ip, port);
}

void conn_open(struct loop *loop, int fd) {
    struct sock *sock = calloc(1, sizeof *sock);
    struct conn *conn = sock == NULL ? NULL : hold_new(loop);
    if (conn == NULL) {
        free(sock);
        (void)close(fd);
        count(REFUSED, 1);
        return;
    }
    (void)uv_tcp_init(&loop->uv, &sock->tcp);
    conn->loop = loop;
    conn->sock = sock;
    conn->since = time(NULL);
    (void)pthread_mutex_init(&conn->lock, NULL);
    sock->conn = hold_ref_of(conn);
    loop->live++;
    int result = uv_tcp_open(&sock->tcp, fd);
    if (result != 0)
        (void)close(fd);
    write_addr(&sock->tcp, conn->addr, sizeof conn->addr);
    (void)uv_tcp_nodelay(&sock->tcp, 1);
    count(ACCEPTED, 1);
    reuse_note(fd, conn);
    if (result != 0 || !clients_add(conn) || conn_read(conn) != 0)
        (void)hold_kill(conn);
    hold_put(conn);
}

/* ---- its end ---- */

struct farewell {
    uv_timer_t timer; /* first: freed as a handle */
    hold_ref conn;
};

static void on_linger(uv_timer_t *timer) {
    hold_enter();
    struct conn *conn = hold_get(((struct farewell *)timer)->conn);
    if (conn != NULL) {
        if (hold_kill(conn))
            count(LINGERED, 1);
        hold_put(conn);
    }
    hold_leave();
}

void conn_finish(struct conn *conn) {
    if (conn->finishing)
        return;
    conn->finishing = true;
    (void)uv_read_stop((uv_stream_t *)&conn->sock->tcp);
    struct farewell *farewell = malloc(sizeof *farewell);
    if (farewell == NULL) {
        conn_doom(conn);
        return;
    }
    farewell->conn = hold_ref_of(conn);
    conn->linger = &farewell->timer;
    (void)uv_timer_init(&conn->loop->uv, &farewell->timer);
    (void)uv_timer_start(&farewell->timer, on_linger, LINGER_MS, 0);
}

static void free_sock(uv_handle_t *handle) {
    free(((struct sock *)handle)->writing);
    free(handle);
}

void conn_destroy(struct conn *conn) {
    buf_free(&conn->input);
    buf_free(&conn->reply);
    buf_free(&conn->output);
    resp_free(&conn->request);
    subscriptions_free(&conn->channels);
    subscriptions_free(&conn->patterns);
    if (conn->sock == NULL)
        return; /* it was never opened */
    pthread_mutex_destroy(&conn->lock);
    if (conn->linger != NULL)
        uv_close((uv_handle_t *)conn->linger, loop_free_handle);
    conn->sock->conn = (hold_ref){0};
    uv_close((uv_handle_t *)&conn->sock->tcp, free_sock);
    count(CLOSED, 1);
    loop_lost(conn->loop);
}
