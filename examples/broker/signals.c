/* SPDX-License-Identifier: MIT */
/*
 * They stay blocked in all threads for good, and the first loop reads them from a descriptor. So one that comes again,
 * or so late that no loop runs any more, waits until the process has ended by itself. (A uv_signal_t gives the signal
 * back to the system when it is closed, and then the next one kills.)
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loop.h"

static uv_poll_t poll_handle;
static int fd = -1;

static sigset_t endings(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return set;
}

void signals_block(void) {
    sigset_t set = endings();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)poll, (void)status, (void)events;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
        loops_stop();
}

int signals_start(void) {
    sigset_t set = endings();
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = uv_poll_init(&loops_at(0)->uv, &poll_handle, fd);
    return result != 0 ? result : uv_poll_start(&poll_handle, UV_READABLE, on_readable);
}

void signals_end(void) {
    (void)close(fd);
}
