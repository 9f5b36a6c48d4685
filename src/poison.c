/* SPDX-License-Identifier: MIT */
#include "poison.h"

#include <stdio.h>
#include <string.h>

#include "atomic.h"
#include "debug.h"
#include "fatal.h"
#include "os.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_VALGRIND 1
#endif
#endif

/* LeakSanitizer's, where the program has it. */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak));

#define DEAD 0xdd
#define ZONE 0xfd

bool poison_watched;
bool poison_tails;
bool poison_ages;
uint32_t poison_quarantine;
static bool fills;
static bool guards;
static bool on_valgrind;

void poison_choose(struct poison_choice choice) {
#ifdef HAVE_VALGRIND
    on_valgrind = RUNNING_ON_VALGRIND != 0;
#endif
#ifdef POISON_ASAN
    bool unreadable = true; /* the memory of the dead, and what is behind the living */
#else
    bool unreadable = on_valgrind;
#endif
    fills = choice.fill && !unreadable;
    guards = choice.guard && !unreadable;
    poison_tails = choice.guard || choice.ages;
    poison_ages = choice.ages;
    poison_quarantine = choice.quarantine;
    poison_watched = on_valgrind || fills || poison_tails || poison_quarantine != 0;
}

/* For valgrind all objects are blocks of one pool, so that memcheck knows where each was made and freed, and which
 * were lost. LeakSanitizer has nothing like that: it is told that what objects point to is in use. */
void poison_start(const void *reserve, size_t size) {
    debug_start();
#ifdef HAVE_VALGRIND
    if (on_valgrind)
        VALGRIND_CREATE_MEMPOOL(&on_valgrind, 0, 1);
#endif
    if (__lsan_register_root_region != NULL)
        __lsan_register_root_region(reserve, size);
}

/* Return the first of `count` bytes that is not `pattern`; `count`: all are. */
static size_t first_other(const unsigned char *bytes, size_t count, unsigned char pattern) {
    size_t at = 0;
    while (at < count && bytes[at] == pattern)
        at++;
    return at;
}

/* See that nobody wrote to a dead payload. */
static void check_dead(const void *payload, size_t watched) {
    char rule[96];
    size_t at = first_other(payload, watched, DEAD);
    if (at == watched)
        return;
    (void)snprintf(rule, sizeof rule, "byte %zu was written to after the object that had it died", at);
    fatal_object("wr_new", payload, rule);
}

/* See that nobody wrote to what is behind an object that has died. */
static void check_zone(const void *payload, size_t watched, const struct poison_tail *tail) {
    char rule[96];
    size_t size = tail->size;
    if (tail->check != ~tail->size)
        fatal_object("wr_release", payload, "what is behind it was written to while it lived");
    size_t at = first_other((const unsigned char *)payload + size, watched - size, ZONE);
    if (at == watched - size)
        return;
    (void)snprintf(rule, sizeof rule, "byte %zu was written to while it lived, but it has only %zu",
                   size + at, size);
    fatal_object("wr_release", payload, rule);
}

void poison_tell_made(void *payload, size_t size, size_t slot_size, bool used) {
    size_t watched = poison_watched_size(slot_size);
    struct poison_tail *tail = poison_tail_of(payload, slot_size);
    if (fills && used)
        check_dead(payload, watched);
#ifdef HAVE_VALGRIND
    if (on_valgrind) {
        VALGRIND_MEMPOOL_ALLOC(&on_valgrind, payload, size);
        if (tail != NULL)
            (void)VALGRIND_MAKE_MEM_DEFINED(tail, sizeof *tail);
    }
#endif
    if (tail == NULL)
        return;
    if (guards)
        memset((char *)payload + size, ZONE, watched - size);
    tail->size = (uint32_t)size;
    tail->check = ~tail->size;
    if (poison_ages)
        wr_store_relaxed(&tail->born, (uint64_t)os_now());
}

void poison_tell_freed(void *payload, size_t slot_size) {
    size_t watched = poison_watched_size(slot_size);
    if (guards && watched != slot_size)
        check_zone(payload, watched, poison_tail_of(payload, slot_size));
    if (fills)
        memset(payload, DEAD, watched);
#ifdef HAVE_VALGRIND
    if (on_valgrind)
        VALGRIND_MEMPOOL_FREE(&on_valgrind, payload);
#endif
}

uint64_t poison_born(void *payload, size_t slot_size) {
    struct poison_tail *tail = poison_ages ? poison_tail_of(payload, slot_size) : NULL;
    return tail != NULL ? wr_load_relaxed(&tail->born) : 0;
}
