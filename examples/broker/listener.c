/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "counters.h"

static uv_poll_t poll_handle;
static int listening = -1;
static int spare = -1; /* given up for a moment when there are no descriptors left, to turn a client away */
static unsigned next_loop;

static uv_timer_t *pause_timer;

#define PAUSE_MS 50u

static int open_spare(void) {
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void turn_away(int fd) {
    (void)close(fd);
    count(REFUSED, 1);
    if (spare < 0)
        spare = open_spare();
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer) {
    (void)timer;
    (void)uv_poll_start(&poll_handle, UV_READABLE, on_readable);
}

/* Out of descriptors: without the spare one the client would wait in the backlog, and the loop would spin. Other
 * threads, the C library in them too, may be quicker to take the number; then it is tried again later. Returns whether
 * to go on. */
static bool out_of_descriptors(void) {
    if (spare >= 0)
        (void)close(spare);
    spare = -1;
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        turn_away(fd);
    else
        spare = open_spare();
    if (spare >= 0)
        return true;
    (void)uv_poll_stop(&poll_handle);
    (void)uv_timer_start(pause_timer, on_pause_over, PAUSE_MS, 0);
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)poll, (void)status, (void)events;
    for (int i = 0; i < 64; i++) { /* then others have their turn */
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && spare < 0 && (spare = open_spare()) < 0)
            turn_away(fd); /* the spare one comes first */
        else if (fd >= 0)
            loop_give(loops_at(next_loop++ % loops_count()), fd);
        else if (errno == EMFILE || errno == ENFILE) {
            if (!out_of_descriptors())
                return;
        } else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

int listener_start(const char *address, int *port) {
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    int on = 1, result = uv_ip4_addr(address, *port, &addr);
    if (result != 0)
        return result;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listening < 0 || setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listening, (struct sockaddr *)&addr, len) != 0 || listen(listening, 4096) != 0 ||
        getsockname(listening, (struct sockaddr *)&addr, &len) != 0 || (spare = open_spare()) < 0)
        return -errno;
    *port = ntohs(addr.sin_port);
    pause_timer = malloc(sizeof *pause_timer); /* its loop frees it, as it does all timers */
    if (pause_timer == NULL)
        return UV_ENOMEM;
    (void)uv_timer_init(&loops_at(0)->uv, pause_timer);
    result = uv_poll_init(&loops_at(0)->uv, &poll_handle, listening);
    return result != 0 ? result : uv_poll_start(&poll_handle, UV_READABLE, on_readable);
}

void listener_end(void) {
    (void)close(listening);
    (void)close(spare);
}
