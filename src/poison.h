/* SPDX-License-Identifier: MIT */
/*
 * Payloads of dead objects, made unusable where somebody watches. AddressSanitizer and valgrind are told: that is how
 * a use after death is reported although the memory is type-stable. Without them, and with `poison` switched on
 * (debug.h; a debug build does that by itself), they are filled with a pattern, which is looked at before the memory is
 * used again; `quarantine` is how many freed slots of each thread that waits for.
 *
 * With `guard` or `ages` an object's slot is larger than it needs:
 *
 *     payload (size bytes) | zone: at least 16 bytes, filled with a pattern when guarded | tail
 *
 * but for those of the largest class, which have neither zone nor tail.
 */
#ifndef WR_POISON_H
#define WR_POISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weakrt.h"

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
extern bool poison_tails;          /* objects have zones and tails */
extern bool poison_ages;           /* `born` is set in them */
extern uint32_t poison_quarantine; /* slots for each thread */

/* What is to be done with slots. */
struct poison_choice {
    bool fill;           /* the payloads of the dead */
    bool guard;          /* the zone: see that nobody writes to it */
    bool ages;           /* note when each object was made */
    uint32_t quarantine; /* keep that many of each thread from reuse */
};

/* Choose. Before the first slot. */
void poison_choose(struct poison_choice choice);

/* The end of a slot's payload, where there are tails. Watched and filled is what is before it. */
struct poison_tail {
    uint32_t size;  /* of the object */
    uint32_t check; /* ~size, unless somebody wrote here */
    uint64_t born;  /* os_now at its birth, where ages are noted; atomic, in no order: a survey looks at it */
};
#define POISON_ZONE 16u /* bytes, at the least: an overrun is by one or a few as a rule */

/* Return how many bytes of payload an object needs. */
static inline size_t poison_padded(size_t size) {
    size_t padded = size + POISON_ZONE + sizeof(struct poison_tail);
    return !poison_tails ? size : padded < WR_MAX_SIZE ? padded : WR_MAX_SIZE;
}

/* Return how many bytes of a slot's payload are watched and filled: those before its tail, if it has one. */
static inline size_t poison_watched_size(size_t slot_size) {
    return poison_tails && slot_size != WR_MAX_SIZE ? slot_size - sizeof(struct poison_tail) : slot_size;
}

/* Return the tail of a slot, or NULL. */
static inline struct poison_tail *poison_tail_of(void *payload, size_t slot_size) {
    size_t watched = poison_watched_size(slot_size);
    return watched != slot_size ? (struct poison_tail *)(void *)((char *)payload + watched) : NULL;
}

/* Find out who watches, and tell them where all slots will be. Before the first slot. */
void poison_start(const void *reserve, size_t size);

/* Tell who watches; the caller saw that somebody does. */
void poison_tell_made(void *payload, size_t size, size_t slot_size, bool used) __attribute__((cold));
void poison_tell_freed(void *payload, size_t slot_size) __attribute__((cold));

/* Return when the live object in a slot was made; 0: nobody noted that. */
uint64_t poison_born(void *payload, size_t slot_size);

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
    __asan_poison_memory_region(payload, poison_watched_size(slot_size));
    __asan_unpoison_memory_region(payload, size);
#endif
    if (__builtin_expect(poison_watched, false))
        poison_tell_made(payload, size, slot_size, used);
}

/* Note that the payload of a slot is no object any more. */
static inline void poison_freed(void *payload, size_t slot_size) {
#ifdef POISON_ASAN
    __asan_poison_memory_region(payload, poison_watched_size(slot_size));
#endif
    if (__builtin_expect(poison_watched, false))
        poison_tell_freed(payload, slot_size);
}

#endif /* WR_POISON_H */
