/* SPDX-License-Identifier: MIT */
#include "reuse.h"

#include <stdbool.h>
#include <stddef.h>

#include "counters.h"

enum { MAX_FD = 1 << 16, PLACES = 1 << 16, PROBES = 64 }; /* beyond them nothing is counted */

static atomic_bool fds[MAX_FD];
static atomic_uintptr_t places[PLACES]; /* a hash table of addresses, 0: free */

static bool seen(uintptr_t address) {
    size_t at = (size_t)((uint64_t)address * 0x9e3779b97f4a7c15u >> 48);
    for (int i = 0; i < PROBES; i++, at = (at + 1) % PLACES) {
        uintptr_t there = 0;
        if (atomic_compare_exchange_strong_explicit(&places[at], &there, address, memory_order_relaxed,
                                                    memory_order_relaxed))
            return false;
        if (there == address)
            return true;
    }
    return false;
}

void reuse_note(int fd, const void *conn) {
    if (fd < MAX_FD && atomic_exchange_explicit(&fds[fd], true, memory_order_relaxed))
        count(FDS_REUSED, 1);
    if (seen((uintptr_t)conn))
        count(PLACES_REUSED, 1);
}
