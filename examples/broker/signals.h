/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT, which end the broker. */
#ifndef BROKER_SIGNALS_H
#define BROKER_SIGNALS_H

/* Keep them from every thread: before the first is made. */
void signals_block(void);

/* Have the first loop take them. Returns 0, or an error of libuv. */
int signals_start(void);
void signals_end(void);

#endif
