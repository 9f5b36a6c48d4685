/* SPDX-License-Identifier: MIT */
/* Delivery to a plain epoll loop: sessions are dropped on a worker thread, and end on the loop's thread, which may free
 * what only it may touch. The loop polls the queue's descriptor like any other. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <weakrt.h>

enum { SESSIONS = 1000 };

static pthread_t loop_thread;
static wr_queue *loop_queue;
static int ended, told;

struct session {
    int number;
};

static void session_destroy(void *self) {
    (void)self;
    if (!pthread_equal(pthread_self(), loop_thread))
        abort();
    ended++; /* no lock: only the loop does this */
}

static const wr_type session_type = {.abi = WR_TYPE_ABI,
                                     .name = "session",
                                     .size = sizeof(struct session),
                                     .queue = &loop_queue, /* destroy runs there */
                                     .destroy = session_destroy};

static void on_gone(wr_weakref *ref, void *arg) {
    (void)ref;
    ++*(int *)arg;
}

static void *worker(void *sessions) {
    for (int i = 0; i < SESSIONS; i++)
        wr_release(((struct session **)sessions)[i]);
    return NULL;
}

int main(void) {
    static struct session *sessions[SESSIONS];
    static wr_weakref *watchers[SESSIONS];
    loop_thread = pthread_self();
    loop_queue = wr_queue_new();
    wr_weakref_options options = WR_WEAKREF_OPTIONS_INIT;
    options.callback = on_gone;
    options.arg = &told;
    options.queue = loop_queue; /* the callback runs there */
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = wr_new(&session_type);
        watchers[i] = wr_weakref_new_ex(sessions[i], &options);
    }

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = wr_queue_fd(loop_queue)};
    epoll_ctl(epoll, EPOLL_CTL_ADD, wr_queue_fd(loop_queue), &event);
    pthread_t thread;
    pthread_create(&thread, NULL, worker, sessions);
    while (ended < SESSIONS || told < SESSIONS)
        if (epoll_wait(epoll, &event, 1, -1) == 1)
            (void)wr_queue_run(loop_queue, 64); /* bounded: other descriptors get their turn */
    pthread_join(thread, NULL);

    printf("%d sessions ended and %d watchers were told, all on the loop's thread\n", ended, told);
    for (int i = 0; i < SESSIONS; i++)
        wr_release(watchers[i]);
    wr_queue *queue = loop_queue;
    loop_queue = NULL;
    wr_queue_free(queue);
    close(epoll);
    return 0;
}
