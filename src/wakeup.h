/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that an event loop watches: readable whenever something waits and who pushed it has returned. It is
 * written once for many pushes, and read once for each look at what they left.
 */
#ifndef WR_WAKEUP_H
#define WR_WAKEUP_H

#include <stdbool.h>
#include <stdint.h>

struct wakeup {
    uint64_t signal;       /* atomic, see [WAKE] */
    int read_fd, write_fd; /* one eventfd, or a pipe. Constant between open and close */
};

/* Returns false with errno: there is no descriptor to be had. */
bool wakeup_open(struct wakeup *wakeup);
void wakeup_close(struct wakeup *wakeup);

/* After a push: return when the descriptor is readable, by this call or another. Async-signal-safe. */
void wakeup_signal(struct wakeup *wakeup);

/* Before a look at what was pushed: make it unreadable until a push that this look may not see. */
void wakeup_look(struct wakeup *wakeup);

#endif /* WR_WAKEUP_H */
