/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"
#include "command.h"
#include "counters.h"
#include "loop.h"
#include "reuse.h"

#define KEEP_BYTES (16u * 1024) /* an empty buffer up to this size is kept for the next messages */
#define LINGER_MS 5000u

size_t conn_output_limit = 8u * 1024 * 1024;

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void free_sock(uv_handle_t *handle) {
    free(((struct sock *)handle)->writing);
    free(handle);
}

/* ---- output ---- */

static void wake(struct conn *conn) {
    if (!conn->woken)
        conn->woken = loop_wake(conn->loop, hold_ref_of(conn)); /* no memory: goes out with what comes next */
}

bool conn_send(struct conn *conn, const void *data, size_t len) {
    pthread_mutex_lock(&conn->lock);
    bool fits = !conn->doomed && len <= conn_output_limit &&
                conn->output.len + conn->in_flight <= conn_output_limit - len;
    if (fits) {
        buf_add(&conn->output, data, len);
        fits = !conn->output.failed;
    }
    if (!fits && !conn->doomed) {
        conn->doomed = true;
        count(SLOW, 1);
    }
    wake(conn);
    pthread_mutex_unlock(&conn->lock);
    return fits;
}

void conn_doom(struct conn *conn) {
    pthread_mutex_lock(&conn->lock);
    conn->doomed = true;
    wake(conn);
    pthread_mutex_unlock(&conn->lock);
}

void conn_reply(struct conn *conn) {
    if (conn->reply.failed)
        conn_doom(conn);
    else if (conn->reply.len != 0)
        (void)conn_send(conn, conn->reply.data, conn->reply.len);
    conn->reply.len = 0;
    if (conn->reply.cap > KEEP_BYTES)
        buf_free(&conn->reply);
}

/* Take the output, unless something is being written. Returns whether the connection is to go on. */
static bool take_output(struct conn *conn, struct buf *out) {
    pthread_mutex_lock(&conn->lock);
    conn->woken = false;
    bool kill = conn->doomed;
    if (!kill && conn->sock->writing == NULL) {
        *out = conn->output;
        conn->output = (struct buf){0};
        conn->in_flight = out->len;
        kill = out->len == 0 && conn->finishing;
    }
    pthread_mutex_unlock(&conn->lock);
    return !kill;
}

/* All was written. Returns whether the connection is to go on. */
static bool written(struct conn *conn, struct buf *out) {
    pthread_mutex_lock(&conn->lock);
    conn->in_flight = 0;
    if (conn->output.data == NULL && out->cap <= KEEP_BYTES) {
        conn->output = (struct buf){.data = out->data, .cap = out->cap};
        *out = (struct buf){0};
    }
    bool kill = conn->finishing && conn->output.len == 0;
    pthread_mutex_unlock(&conn->lock);
    buf_free(out);
    return !kill;
}

static void on_written(uv_write_t *write, int status) {
    struct sock *sock = write->data;
    hold_enter();
    free(sock->writing);
    sock->writing = NULL;
    struct conn *conn = status == UV_ECANCELED ? NULL : hold_get(sock->conn);
    if (conn != NULL) {
        struct buf nothing = {0};
        if (status == 0 && written(conn, &nothing))
            conn_flush(conn);
        else
            (void)hold_kill(conn);
        hold_put(conn);
    }
    hold_leave();
}

void conn_flush(struct conn *conn) {
    struct buf out = {0};
    struct sock *sock = conn->sock;
    if (!take_output(conn, &out)) {
        buf_free(&out);
        (void)hold_kill(conn);
        return;
    }
    if (out.len == 0) {
        if (out.data != NULL)
            (void)written(conn, &out); /* gives the memory back */
        return;
    }
    uv_buf_t whole = uv_buf_init(out.data, (unsigned)out.len);
    int done = uv_try_write((uv_stream_t *)&sock->tcp, &whole, 1);
    if (done == UV_EAGAIN)
        done = 0;
    if (done == (int)out.len) {
        if (!written(conn, &out))
            (void)hold_kill(conn);
        return;
    }
    uv_buf_t rest =
        uv_buf_init(out.data + (done < 0 ? 0 : done), (unsigned)out.len - (unsigned)(done < 0 ? 0 : done));
    sock->writing = out.data;
    sock->write.data = sock;
    if (done < 0 || uv_write(&sock->write, (uv_stream_t *)&sock->tcp, &rest, 1, on_written) != 0)
        (void)hold_kill(conn); /* sock frees what it was to write */
}

/* ---- the end ---- */

struct farewell {
    uv_timer_t timer; /* first: freed as a handle */
    hold_ref conn;
};

static void on_linger(uv_timer_t *timer) {
    hold_enter();
    struct conn *conn = hold_get(((struct farewell *)timer)->conn);
    if (conn != NULL) {
        conn->linger = NULL;
        if (hold_kill(conn))
            count(LINGERED, 1);
        hold_put(conn);
    }
    uv_close((uv_handle_t *)timer, free_handle);
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

void conn_destroy(struct conn *conn) {
    buf_free(&conn->input);
    buf_free(&conn->reply);
    buf_free(&conn->output);
    resp_free(&conn->request);
    names_free(&conn->channels);
    names_free(&conn->patterns);
    if (conn->sock == NULL)
        return; /* it was never opened */
    pthread_mutex_destroy(&conn->lock);
    conn->sock->conn = (hold_ref){0};
    uv_close((uv_handle_t *)&conn->sock->tcp, free_sock);
    count(CLOSED, 1);
    loop_lost(conn->loop);
}

/* ---- input ---- */

static void protocol_error(struct conn *conn, const char *why) {
    count(PROTOCOL_ERRORS, 1);
    buf_addf(&conn->reply, "-ERR Protocol error: %s\r\n", why);
    conn_finish(conn);
}

static void run_requests(struct conn *conn) {
    size_t used = 0;
    struct buf rest = conn->input; /* a view of what was not yet read */
    while (!conn->finishing) {
        const char *error = NULL;
        enum resp_result result = resp_parse(&conn->request, &rest, &error);
        if (result == RESP_ERROR)
            protocol_error(conn, error);
        if (result != RESP_REQUEST)
            break;
        if (conn->request.count != 0)
            command_run(conn, conn->request.args, conn->request.count);
        if (conn->reply.len > KEEP_BYTES)
            conn_reply(conn);
        size_t len = resp_next(&conn->request);
        used += len;
        rest.data += len;
        rest.len -= len;
    }
    buf_consume(&conn->input, conn->finishing ? conn->input.len : used);
    if (conn->input.len == 0 && conn->input.cap > KEEP_BYTES)
        buf_free(&conn->input);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *data) {
    struct sock *sock = (struct sock *)stream;
    if (len == 0)
        return;
    hold_enter();
    struct conn *conn = hold_get(sock->conn);
    if (conn == NULL) { /* killed; destroy is on its way */
        (void)uv_read_stop(stream);
        hold_leave();
        return;
    }
    pthread_mutex_lock(&conn->lock);
    conn->woken = true; /* it is flushed below */
    pthread_mutex_unlock(&conn->lock);
    if (len > 0) {
        buf_add(&conn->input, data->base, (size_t)len);
        if (conn->input.failed)
            conn_doom(conn);
        else
            run_requests(conn);
    } else if (len == UV_EOF) {
        conn_finish(conn); /* the peer may still read its replies */
    } else {
        conn_doom(conn);
    }
    conn_reply(conn);
    conn_flush(conn);
    hold_put(conn);
    hold_leave();
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    struct loop *loop = handle->loop->data;
    *out = uv_buf_init(loop->scratch, sizeof loop->scratch);
}

/* ---- the beginning ---- */

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
    if (result != 0 || !clients_add(conn) || uv_read_start((uv_stream_t *)&sock->tcp, on_alloc, on_read) != 0)
        (void)hold_kill(conn);
    hold_put(conn);
}
