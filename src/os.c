/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

void *os_reserve(size_t *size, size_t least, size_t align) {
    int saved = errno;
    char *start = NULL;
    for (size_t want = *size; want >= least && start == NULL; want /= 2) {
        char *raw = mmap(NULL, want + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (raw == MAP_FAILED)
            continue;
        size_t before = -(uintptr_t)raw & (align - 1);
        if (before != 0)
            munmap(raw, before);
        munmap(raw + before + want, align - before);
        start = raw + before;
        *size = want;
    }
#ifdef MADV_DONTDUMP
    if (start != NULL)
        (void)madvise(start, *size, MADV_DONTDUMP); /* a core file is not to be as large as the reserve */
#endif
    errno = saved;
    return start;
}

bool os_commit(void *start, size_t size) {
    int saved = errno;
    bool done = mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
#ifdef MADV_DODUMP
    if (done)
        (void)madvise(start, size, MADV_DODUMP);
#endif
    errno = saved;
    return done;
}

void os_prefer_huge(void *start, size_t size) {
#ifdef MADV_HUGEPAGE
    int saved = errno;
    (void)madvise(start, size, MADV_HUGEPAGE);
    errno = saved;
#else
    (void)start, (void)size;
#endif
}

bool os_discard(void *start, size_t size) {
#ifdef __linux__
    int saved = errno;
    bool done = madvise(start, size, MADV_DONTNEED) == 0;
    errno = saved;
    return done;
#else
    /* Elsewhere MADV_DONTNEED need not zero the pages, and the arena relies on that. */
    (void)start, (void)size;
    return false;
#endif
}

void os_random(void *bytes, size_t size) {
    int saved = errno;
    size_t done = 0;
#if defined(__linux__) && defined(SYS_getrandom)
    while (done < size) {
        long got = syscall(SYS_getrandom, (char *)bytes + done, size - done, 0);
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            break;
    }
#endif
    /* A time and an address; the finalizer of MurmurHash3 spreads them. */
    for (uint64_t x = (uint64_t)os_now() ^ (uint64_t)(uintptr_t)&saved; done < size; done++) {
        x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd) + (uintptr_t)bytes;
        ((unsigned char *)bytes)[done] = (unsigned char)(x >> 56);
    }
    errno = saved;
}

const char *os_environment(const char *name) {
#ifdef __linux__
    return secure_getenv(name);
#else
    return getenv(name);
#endif
}

unsigned os_processors(void) {
    int saved = errno;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    errno = saved;
    return count > 1 ? (unsigned)count : 1;
}

/* The headers of the kernel, linux/membarrier.h and linux/futex.h, are not there with every C library. */
#define MEMBARRIER_PRIVATE 8           /* MEMBARRIER_CMD_PRIVATE_EXPEDITED */
#define MEMBARRIER_REGISTER_PRIVATE 16 /* MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED */

static bool membarrier_done(int command) {
#if defined(__linux__) && defined(SYS_membarrier)
    int saved = errno;
    bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
    errno = saved;
    return done;
#else
    (void)command;
    return false;
#endif
}

bool os_barrier_prepare(void) {
    return membarrier_done(MEMBARRIER_REGISTER_PRIVATE) && os_barrier();
}

bool os_barrier(void) {
    return membarrier_done(MEMBARRIER_PRIVATE);
}

int64_t os_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t os_deadline(int64_t timeout_ms) {
    if (timeout_ms < 0)
        return -1;
    int64_t now = os_now();
    return timeout_ms > (INT64_MAX - now) / 1000000 ? INT64_MAX : now + timeout_ms * 1000000;
}

#define NAP 1000000 /* ns: not felt by who waits for a destroy, and next to no work */

#ifdef __linux__

#define WAIT_PRIVATE (9 | 128) /* FUTEX_WAIT_BITSET_PRIVATE: until a time, not for one as FUTEX_WAIT does */
#define WAKE_PRIVATE (1 | 128) /* FUTEX_WAKE_PRIVATE */
#define ANY_BIT 0xffffffffu    /* FUTEX_BITSET_MATCH_ANY */

void os_wait(uint32_t *word, uint32_t value, int64_t deadline) {
    int saved = errno;
    struct timespec at = {.tv_sec = (time_t)(deadline / 1000000000),
                          .tv_nsec = (long)(deadline % 1000000000)};
    (void)syscall(SYS_futex, word, WAIT_PRIVATE, value, deadline < 0 ? NULL : &at, NULL, ANY_BIT);
    errno = saved;
}

static void wake(uint32_t *word, int how_many) {
    int saved = errno;
    (void)syscall(SYS_futex, word, WAKE_PRIVATE, how_many, NULL, NULL, 0);
    errno = saved;
}

#else /* no futex: look again and again, politely */

void os_wait(uint32_t *word, uint32_t value, int64_t deadline) {
    (void)word, (void)value, (void)deadline;
    (void)sched_yield();
}

static void wake(uint32_t *word, int how_many) {
    (void)word, (void)how_many;
}

#endif

void os_nap(void) {
    uint32_t nobody_wakes = 0;
    os_wait(&nobody_wakes, 0, os_now() + NAP);
}

void os_wake_one(uint32_t *word) {
    wake(word, 1);
}

void os_wake_all(uint32_t *word) {
    wake(word, INT_MAX);
}
