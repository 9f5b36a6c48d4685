/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lock.h"
#include "weakrt.h"

static void *libc_allocator(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static struct lock choice;
static wr_allocator allocator GUARDED_BY(choice) = libc_allocator; /* constant once in_use */
static void *allocator_ctx GUARDED_BY(choice);
static bool in_use GUARDED_BY(choice);

int wr_set_allocator(wr_allocator fn, void *ctx) {
    lock_take(&choice);
    bool late = in_use;
    if (!late) {
        allocator = fn ? fn : libc_allocator;
        allocator_ctx = fn ? ctx : NULL;
    }
    lock_give(&choice);
    return late ? -EBUSY : 0;
}

void *alloc_zeroed(size_t size) {
    int saved = errno;
    lock_take(&choice);
    wr_allocator fn = allocator;
    void *ctx = allocator_ctx;
    in_use = true;
    lock_give(&choice);
    void *memory = fn(ctx, NULL, size);
    if (memory != NULL)
        memset(memory, 0, size);
    errno = saved;
    return memory;
}

void alloc_free(void *memory) {
    if (memory == NULL)
        return;
    int saved = errno;
    lock_take(&choice);
    wr_allocator fn = allocator;
    void *ctx = allocator_ctx;
    lock_give(&choice);
    (void)fn(ctx, memory, 0);
    errno = saved;
}

void alloc_lock(void) UNCHECKED_LOCKS {
    lock_take(&choice);
}

void alloc_unlock(void) UNCHECKED_LOCKS {
    lock_give(&choice);
}
