/* SPDX-License-Identifier: MIT */
/* All connections by number. It holds references only: who closes a connection need not tell it. */
#ifndef BROKER_CLIENTS_H
#define BROKER_CLIENTS_H

#include "refs.h"

/* Give a pinned connection its number, and list it. Returns false: no memory. */
bool clients_add(struct conn *conn);
/* The reference of a number; {0} when there is none. */
hold_ref clients_find(uint64_t id);
/* Copy all references, in the order of their numbers, for the caller to free. Returns false: no memory. */
bool clients_copy(struct refs *out);
/* Take a connection out; only for those ways of holding one that must. */
void clients_remove(uint64_t id);

#endif
