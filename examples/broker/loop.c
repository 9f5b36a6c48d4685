/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <stdlib.h>
#include <unistd.h>

#include "clients.h"
#include "conn.h"
#include "counters.h"

static struct loop *loops;
static unsigned loop_count;

struct loop *loops_at(unsigned i) {
    return &loops[i];
}

unsigned loops_count(void) {
    return loop_count;
}

/* ---- from other threads ---- */

void loop_give(struct loop *loop, int fd) {
    pthread_mutex_lock(&loop->lock);
    struct fds *fds = &loop->fds;
    bool given = !loop->stopping;
    if (given && fds->count == fds->cap) {
        size_t cap = fds->cap == 0 ? 16 : fds->cap * 2;
        int *at = realloc(fds->at, cap * sizeof *at);
        given = at != NULL;
        if (given) {
            fds->at = at;
            fds->cap = cap;
        }
    }
    if (given) {
        fds->at[fds->count++] = fd;
        (void)uv_async_send(&loop->async);
    }
    pthread_mutex_unlock(&loop->lock);
    if (!given) {
        (void)close(fd);
        count(REFUSED, 1);
    }
}

bool loop_wake(struct loop *loop, hold_ref ref) {
    pthread_mutex_lock(&loop->lock);
    bool added = refs_add(&loop->woken, ref);
    if (added && loop->woken.count == 1)
        (void)uv_async_send(&loop->async);
    pthread_mutex_unlock(&loop->lock);
    return added;
}

void loop_forget(struct loop *loop, hold_ref ref) {
    pthread_mutex_lock(&loop->lock);
    refs_remove(&loop->woken, ref);
    pthread_mutex_unlock(&loop->lock);
}

void loops_stop(void) {
    for (struct loop *loop = loops; loop < loops + loop_count; loop++) {
        pthread_mutex_lock(&loop->lock);
        if (!loop->stopping) {
            loop->stopping = true;
            (void)uv_async_send(&loop->async);
        }
        pthread_mutex_unlock(&loop->lock);
    }
}

/* ---- on the loop ---- */

void loop_free_handle(uv_handle_t *handle) {
    free(handle);
}

/* Timers are memory of their own; the rest is part of something that lives longer. */
static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, uv_handle_get_type(handle) == UV_TIMER ? loop_free_handle : NULL);
}

static void end_if_empty(struct loop *loop) {
    if (loop->ending && loop->live == 0)
        uv_walk(&loop->uv, close_handle, NULL);
}

void loop_lost(struct loop *loop) {
    loop->live--;
    end_if_empty(loop);
}

/* Kill all connections of this loop. None is made any more. */
static void kill_all(struct loop *loop) {
    struct refs all;
    while (!clients_copy(&all)) /* no memory: others are giving it back */
        free(all.at);
    for (size_t i = 0; i < all.count; i++) {
        struct conn *conn = hold_get(all.at[i]);
        if (conn == NULL)
            continue;
        if (conn->loop == loop)
            (void)hold_kill(conn);
        hold_put(conn);
    }
    free(all.at);
}

static void on_async(uv_async_t *async) {
    struct loop *loop = async->loop->data;
    hold_enter();
    pthread_mutex_lock(&loop->lock);
    struct refs woken = loop->woken;
    struct fds fds = loop->fds;
    bool stopping = loop->stopping;
    loop->woken = (struct refs){0};
    loop->fds = (struct fds){0};
    pthread_mutex_unlock(&loop->lock);

    for (size_t i = 0; i < fds.count; i++) {
        if (stopping)
            (void)close(fds.at[i]);
        else
            conn_open(loop, fds.at[i]);
    }
    for (size_t i = 0; i < woken.count; i++) {
        struct conn *conn = hold_get(woken.at[i]);
        if (conn == NULL)
            continue;
        conn_flush(conn);
        hold_put(conn);
    }
    free(fds.at);
    free(woken.at);
    if (stopping && !loop->ending) {
        loop->ending = true;
        kill_all(loop);
        end_if_empty(loop);
    }
    hold_leave();
}

static int loop_init(struct loop *loop) {
    (void)pthread_mutex_init(&loop->lock, NULL);
    int result = uv_loop_init(&loop->uv);
    if (result != 0)
        return result;
    loop->uv.data = loop;
    result = uv_async_init(&loop->uv, &loop->async, on_async);
    if (result == 0)
        result = uv_tcp_init(&loop->uv, &loop->unused);
    return result != 0 ? result : hold_loop_init(loop);
}

static void *run(void *arg) {
    struct loop *loop = arg;
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

int loops_start(unsigned count) {
    loops = calloc(count, sizeof *loops);
    if (loops == NULL)
        return UV_ENOMEM;
    for (loop_count = 0; loop_count < count; loop_count++) {
        int result = loop_init(&loops[loop_count]);
        if (result != 0)
            return result;
    }
    for (unsigned i = 1; i < count; i++) {
        int result = pthread_create(&loops[i].thread, NULL, run, &loops[i]);
        if (result != 0)
            return -result;
    }
    return 0;
}

void loops_run(void) {
    (void)run(&loops[0]);
    for (unsigned i = 1; i < loop_count; i++)
        (void)pthread_join(loops[i].thread, NULL);
    for (struct loop *loop = loops; loop < loops + loop_count; loop++) {
        hold_loop_end(loop);
        if (uv_loop_close(&loop->uv) != 0)
            abort(); /* a handle was forgotten */
        free(loop->woken.at);
        free(loop->fds.at);
        (void)pthread_mutex_destroy(&loop->lock);
    }
    free(loops);
}
