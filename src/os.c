/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
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
    errno = saved;
    return start;
}

bool os_commit(void *start, size_t size) {
    int saved = errno;
    bool done = mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
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

void os_wait(uint32_t *word, uint32_t value) {
    int saved = errno;
#ifdef __linux__
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#else
    (void)word, (void)value;
    (void)sched_yield();
#endif
    errno = saved;
}

void os_wake(uint32_t *word) {
#ifdef __linux__
    int saved = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
#else
    (void)word;
#endif
}
