/* SPDX-License-Identifier: MIT */
#ifndef BROKER_REUSE_H
#define BROKER_REUSE_H

/* Count, for INFO, whether a descriptor, and the memory of a connection, were another connection's before. From any
 * thread. */
void reuse_note(int fd, const void *conn);

#endif
