/* SPDX-License-Identifier: MIT */
/* What the tests of weakrt share beside test.h: the library's header as this build uses it, the size of loops,
 * and objects that tell of their death. A file that needs the library's internals includes "word.h" before
 * this. */
#ifndef WR_TESTS_COMMON_H
#define WR_TESTS_COMMON_H

#include "test.h"

#if defined(WR_TEST_INLINE) && !defined(WEAKRT_INLINE_H)
#include "weakrt_inline.h"
#else
#include "weakrt.h"
#endif

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ON_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define ON_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ON_ASAN 1
#elif __has_feature(thread_sanitizer)
#define ON_TSAN 1
#endif
#endif
#ifndef ON_ASAN
#define ON_ASAN 0
#endif
#ifndef ON_TSAN
#define ON_TSAN 0
#endif

#ifdef WR_DEBUG
#define ON_DEBUG 1
#else
#define ON_DEBUG 0
#endif

/* VARIANT=wear: slots are used up within some hundred lives, and a chunk that old is never trimmed. */
#ifdef WR_TAG_START
#define ON_WEAR 1
#else
#define ON_WEAR 0
#endif

/* VARIANT=small: room for about two million small objects. */
#ifdef WR_RESERVE_CHUNKS
#define ON_SMALL 1
#else
#define ON_SMALL 0
#endif

/* Is the program slowed down, and its memory use distorted, by a tool? */
static inline bool watched(void) {
    return ON_ASAN || ON_TSAN || RUNNING_ON_VALGRIND;
}

/* Is the program made for another processor, and run by an emulator of programs (tools/run-tests --emulator)? */
static inline bool emulated(void) {
    return getenv("TEST_EMULATED") != NULL;
}

/* How often to do what is worth doing n times on the bare machine. */
static inline unsigned scaled(unsigned n) {
    unsigned less = RUNNING_ON_VALGRIND ? n / 50 : ON_TSAN ? n / 10 : ON_ASAN ? n / 5 : n;
    return less > 0 ? less : 1;
}

/* An object that counts its death and owns up to one other. */
typedef struct probe {
    void *child; /* a strong reference, or NULL */
    unsigned
        *destroyed; /* incremented by destroy, if not NULL; not atomic, so that a missing order is a race */
    uint64_t value;
} probe;

static inline void probe_destroy(void *self) {
    probe *p = self;
    if (p->destroyed)
        ++*p->destroyed;
    wr_release(p->child);
}

static const wr_type probe_type = {
    .abi = WR_TYPE_ABI, .name = "probe", .size = sizeof(probe), .destroy = probe_destroy};

static inline probe *probe_new(unsigned *destroyed) {
    probe *p = wr_new(&probe_type);
    REQUIRE(p != NULL);
    p->destroyed = destroyed;
    return p;
}

/* A type of `size` bytes and nothing else. */
#define PLAIN_TYPE(bytes) ((wr_type){.abi = WR_TYPE_ABI, .name = "plain", .size = (bytes)})

/* Take a reference and give it back at once. Was there one to be had? */
static inline bool can_get(wr_weak w) {
    void *obj = wr_weak_get(w);
    wr_release(obj);
    return obj != NULL;
}

#endif
