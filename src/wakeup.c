/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "wakeup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__) && !defined(WR_NO_EVENTFD) /* tests take the pipe */
#define HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#include "atomic.h"

/* `signal`: whether the descriptor was made readable since the last look at the items, and the how-manieth look that
 * was, so that a pusher who was slow to say so says nothing of a later time. */
#define READABLE UINT64_C(1)
#define LOOK UINT64_C(2)

bool wakeup_open(struct wakeup *wakeup) {
#ifdef HAVE_EVENTFD
    wakeup->read_fd = wakeup->write_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup->read_fd >= 0)
        return true;
#endif
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    wakeup->read_fd = ends[0];
    wakeup->write_fd = ends[1];
    return true;
}

void wakeup_close(struct wakeup *wakeup) {
    (void)close(wakeup->read_fd);
    if (wakeup->write_fd != wakeup->read_fd)
        (void)close(wakeup->write_fd);
}

/* Full is as good as written: it is readable then. */
static void make_readable(struct wakeup *wakeup) {
    int saved = errno;
    uint64_t one = 1;
    ssize_t done;
    do
        done = write(wakeup->write_fd, &one, sizeof one);
    while (done < 0 && errno == EINTR);
    errno = saved;
}

static void make_unreadable(struct wakeup *wakeup) {
    int saved = errno;
    uint64_t buffer[64];
    while (read(wakeup->read_fd, buffer, sizeof buffer) == (ssize_t)sizeof buffer)
        ; /* a pipe may hold more; an eventfd gives 8 bytes once */
    errno = saved;
}

void wakeup_signal(struct wakeup *wakeup) {
    /* order: acq_rel [WAKE], with the look of who takes the items, between making it unreadable and taking them: if
     * that comes later, it sees what was pushed. */
    uint64_t signal = wr_or_acq_rel(&wakeup->signal, UINT64_C(0));
    if (signal & READABLE)
        return;
    make_readable(wakeup);
    /* order: acq_rel [WAKE], as above: who sees the mark sees it readable. It fails when there was a look meanwhile. */
    (void)wr_cas_acq_rel(&wakeup->signal, &signal, signal | READABLE);
}

void wakeup_look(struct wakeup *wakeup) {
    make_unreadable(wakeup);
    uint64_t signal = wr_load_relaxed(&wakeup->signal);
    /* order: acq_rel [WAKE], with wakeup_signal. */
    while (!wr_cas_acq_rel(&wakeup->signal, &signal, (signal | READABLE) + LOOK - READABLE))
        ;
}
