/* SPDX-License-Identifier: MIT */
/* The output of a connection: any thread appends, its loop writes. */
#include <stdlib.h>

#include "conn.h"
#include "counters.h"
#include "loop.h"

size_t conn_output_limit = 8u * 1024 * 1024;

static void wake(struct conn *conn) {
    if (!conn->woken)
        conn->woken = loop_wake(conn->loop, hold_ref_of(conn)); /* no memory: goes out with what comes next */
}

bool conn_send(struct conn *conn, const void *data, size_t len) {
    pthread_mutex_lock(&conn->lock);
    bool slow = !conn->doomed &&
                (len > conn_output_limit || conn->output.len + conn->in_flight > conn_output_limit - len);
    count(SLOW, slow);
    conn->doomed |= slow;
    if (!conn->doomed)
        buf_add(&conn->output, data, len);
    conn->doomed |= conn->output.failed;
    bool sent = !conn->doomed;
    wake(conn);
    pthread_mutex_unlock(&conn->lock);
    return sent;
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
    if (conn->reply.cap > CONN_KEEP_BYTES)
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
    if (conn->output.data == NULL && out->cap <= CONN_KEEP_BYTES) {
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
