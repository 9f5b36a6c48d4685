/* SPDX-License-Identifier: MIT */
/*
 * Payloads of dead objects, made unusable where somebody watches: AddressSanitizer and valgrind are told (that
 * is how a use after death is reported although the memory is type-stable), a debug build fills them with a
 * pattern and notices at reuse that it was written to.
 */
#ifndef WR_POISON_H
#define WR_POISON_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fatal.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISON_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ASAN 1
#endif
#endif

#ifdef POISON_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Under valgrind: set before the first slot is made; false where its header is not there. */
extern bool poison_valgrind;

/* Find out who watches. */
void poison_start(void);

/* Tell valgrind. */
void poison_tell_made(void *payload, size_t size) __attribute__((cold));
void poison_tell_freed(void *payload) __attribute__((cold));

/* Tell whether anybody is to be told of payloads that are made and freed. */
static inline bool poison_watches(void) {
#if defined(POISON_ASAN) || defined(WR_DEBUG)
    return true;
#else
    return __builtin_expect(poison_valgrind, false);
#endif
}

/* Note that the payload of a slot is an object of `size` bytes now. `used` says that it was one before. */
static inline void poison_made(void *payload, size_t size, size_t slot_size, bool used) {
    (void)payload, (void)size, (void)slot_size, (void)used;
#ifdef POISON_ASAN
    __asan_poison_memory_region(payload, slot_size);
    __asan_unpoison_memory_region(payload, size);
#elif defined(WR_DEBUG)
    for (size_t i = 0; used && i < slot_size; i++)
        if (((unsigned char *)payload)[i] != 0xdd)
            fatal_object("wr_new", payload, "this memory was written to after the object that had it died");
#endif
    if (__builtin_expect(poison_valgrind, false))
        poison_tell_made(payload, size);
}

/* Note that the payload of a slot is no object any more. */
static inline void poison_freed(void *payload, size_t slot_size) {
    (void)payload, (void)slot_size;
#ifdef POISON_ASAN
    __asan_poison_memory_region(payload, slot_size);
#elif defined(WR_DEBUG)
    memset(payload, 0xdd, slot_size);
#endif
    if (__builtin_expect(poison_valgrind, false))
        poison_tell_freed(payload);
}

#endif /* WR_POISON_H */
