/* SPDX-License-Identifier: MIT */
/*
 * Payloads of dead objects, made unusable where somebody watches. AddressSanitizer and valgrind are told: that is how
 * a use after death is reported although the memory is type-stable. Without them, and with `poison` switched on
 * (debug.h; a debug build does that by itself), they are filled with a pattern, which is looked at before the memory is
 * used again; `quarantine` is how many freed slots of each thread that waits for.
 */
#ifndef WR_POISON_H
#define WR_POISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Constant from the first slot on. */
extern bool poison_watched;        /* births and deaths are to be told */
extern uint32_t poison_quarantine; /* slots for each thread */

/* Fill dead payloads, and keep that many slots of each thread from reuse. Before the first slot. */
void poison_choose(bool fill, uint32_t quarantine);

/* Find out who watches, and tell them where all slots will be. Before the first slot. */
void poison_start(const void *reserve, size_t size);

/* Tell who watches; the caller saw that somebody does. */
void poison_tell_made(void *payload, size_t size, size_t slot_size, bool used) __attribute__((cold));
void poison_tell_freed(void *payload, size_t slot_size) __attribute__((cold));

/* Tell whether anybody is to be told of payloads that are made and freed. */
static inline bool poison_watches(void) {
#ifdef POISON_ASAN
    return true;
#else
    return __builtin_expect(poison_watched, false);
#endif
}

/* Note that the payload of a slot is an object of `size` bytes now. `used` says that it was one before. */
static inline void poison_made(void *payload, size_t size, size_t slot_size, bool used) {
#ifdef POISON_ASAN
    __asan_poison_memory_region(payload, slot_size);
    __asan_unpoison_memory_region(payload, size);
#endif
    if (__builtin_expect(poison_watched, false))
        poison_tell_made(payload, size, slot_size, used);
}

/* Note that the payload of a slot is no object any more. */
static inline void poison_freed(void *payload, size_t slot_size) {
#ifdef POISON_ASAN
    __asan_poison_memory_region(payload, slot_size);
#endif
    if (__builtin_expect(poison_watched, false))
        poison_tell_freed(payload, slot_size);
}

#endif /* WR_POISON_H */
