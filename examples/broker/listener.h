/* SPDX-License-Identifier: MIT */
#ifndef BROKER_LISTENER_H
#define BROKER_LISTENER_H

#include "loop.h"

/* Listen at an address in the first loop, and deal connections out to all loops in turn. *port 0 picks one, and is set
 * to it. Returns 0, or an error of libuv. */
int listener_start(const char *address, int *port);
void listener_end(void);

#endif
