/* SPDX-License-Identifier: MIT */
#include "poison.h"

#include <stdio.h>
#include <string.h>

#include "debug.h"
#include "fatal.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_VALGRIND 1
#endif
#endif

/* LeakSanitizer's, where the program has it. */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak)); /* NOLINT */

#define PATTERN 0xdd

bool poison_watched;
uint32_t poison_quarantine;
static bool fills;
static bool on_valgrind;

void poison_choose(bool fill, uint32_t quarantine) {
#ifdef POISON_ASAN
    fill = false; /* the memory of the dead cannot be read */
#endif
    fills = fill;
    poison_quarantine = quarantine;
    poison_watched = on_valgrind || fill || quarantine != 0;
}

/* For valgrind all objects are blocks of one pool, so that memcheck knows where each was made and freed, and which
 * were lost. LeakSanitizer has nothing like that: it is told that what objects point to is in use. */
void poison_start(const void *reserve, size_t size) {
    debug_start();
    if (__lsan_register_root_region != NULL)
        __lsan_register_root_region(reserve, size);
#ifdef HAVE_VALGRIND
    if (RUNNING_ON_VALGRIND) {
        VALGRIND_CREATE_MEMPOOL(&on_valgrind, 0, 1);
        on_valgrind = true;
        poison_choose(false, poison_quarantine);
    }
#endif
}

static void check(const void *payload, size_t slot_size) {
    const unsigned char *bytes = payload;
    char rule[96];
    size_t at = 0;
    while (at < slot_size && bytes[at] == PATTERN)
        at++;
    if (at == slot_size)
        return;
    (void)snprintf(rule, sizeof rule, "byte %u was written to after the object that had it died",
                   (unsigned)at);
    fatal_object("wr_new", payload, rule);
}

void poison_tell_made(void *payload, size_t size, size_t slot_size, bool used) {
    if (fills && used)
        check(payload, slot_size);
#ifdef HAVE_VALGRIND
    if (on_valgrind)
        VALGRIND_MEMPOOL_ALLOC(&on_valgrind, payload, size);
#else
    (void)size;
#endif
}

void poison_tell_freed(void *payload, size_t slot_size) {
    if (fills)
        memset(payload, PATTERN, slot_size);
#ifdef HAVE_VALGRIND
    if (on_valgrind)
        VALGRIND_MEMPOOL_FREE(&on_valgrind, payload);
#endif
}
