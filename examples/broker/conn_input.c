/* SPDX-License-Identifier: MIT */
/* The input of a connection: what was read, as requests that are run. On its loop. */
#include "command.h"
#include "counters.h"
#include "loop.h"

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
        if (conn->reply.len > CONN_KEEP_BYTES)
            conn_reply(conn);
        size_t len = resp_next(&conn->request);
        used += len;
        rest.data += len;
        rest.len -= len;
    }
    buf_consume(&conn->input, conn->finishing ? conn->input.len : used);
    if (conn->input.len == 0 && conn->input.cap > CONN_KEEP_BYTES)
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

int conn_read(struct conn *conn) {
    return uv_read_start((uv_stream_t *)&conn->sock->tcp, on_alloc, on_read);
}
