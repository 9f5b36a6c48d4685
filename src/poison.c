/* SPDX-License-Identifier: MIT */
#include "poison.h"

bool poison_valgrind;

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_VALGRIND 1
#endif
#endif

#ifdef HAVE_VALGRIND

/* All objects are blocks of one pool, so that memcheck knows where each was made and freed, and which were
 * lost. */
void poison_start(void) {
    if (RUNNING_ON_VALGRIND) {
        VALGRIND_CREATE_MEMPOOL(&poison_valgrind, 0, 1);
        poison_valgrind = true;
    }
}

void poison_tell_made(void *payload, size_t size) {
    VALGRIND_MEMPOOL_ALLOC(&poison_valgrind, payload, size);
}

void poison_tell_freed(void *payload) {
    VALGRIND_MEMPOOL_FREE(&poison_valgrind, payload);
}

#else

void poison_start(void) {
}

void poison_tell_made(void *payload, size_t size) {
    (void)payload, (void)size;
}

void poison_tell_freed(void *payload) {
    (void)payload;
}

#endif
