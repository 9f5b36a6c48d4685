/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "alloc.h"
#include "borrow.h"
#include "fatal.h"
#include "registry.h"
#include "lock.h"
#include "wait.h"

#define RECORD_ALIGN 128 /* two cache lines: processors fetch pairs */

static struct thread nobody = {.busy = true, .temporary = true}; /* never written */
static struct thread gone = {.busy = true,
                             .temporary = true}; /* the same, for one whose record was returned */

_Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec"))) = &nobody;

/* Every block a record was allocated in, so that leak checkers find them. */
struct block {
    struct block *next;
    struct thread *thread;
};

static struct lock records;
static struct block *blocks GUARDED_BY(records);
static struct thread *unowned GUARDED_BY(records); /* linked through `next` */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool have_exit_key; /* constant after `once` */

bool thread_is_real(const struct thread *thread) {
    return thread != &nobody && thread != &gone;
}

/* Report that a thread ends in user code of ours, of the death of an object or of something else. */
static _Noreturn void ends_inside(const struct thread *thread) {
    static const char rule[] =
        "a thread ends inside a callback, finalize or destroy: each returns to weakrt, by no "
        "longjmp past it, pthread_exit or cancellation";
    if (thread->inside != NULL)
        fatal_object("thread exit", wr_payload_of(thread->inside), rule);
    fatal("weakrt: %s", rule);
}

/* A thread ends: its slots go to the depot, its record to the next thread. */
static void leave(void *record) {
    struct thread *thread = record;
    if (thread->busy)
        ends_inside(thread);
    borrow_thread_leaves(thread);
    thread_flush(thread);
    thread_current = &gone;
    lock_take(&records);
    thread->next = unowned;
    unowned = thread;
    lock_give(&records);
}

static void make_exit_key(void) {
    have_exit_key = pthread_key_create(&exit_key, leave) == 0;
}

static void set_up(struct thread *thread) {
    uint32_t size = thread->quarantine_size;
    memset(thread, 0, sizeof *thread + size * sizeof(uint32_t));
    thread->quarantine = (uint32_t *)(void *)(thread + 1);
    thread->quarantine_size = size;
    for (uint32_t class = 0; class < CLASS_COUNT; class ++)
        thread->cache[class].room = class_batch(class);
}

static struct thread *allocate_record(void) {
    struct block *block = alloc_zeroed(sizeof(struct block) + RECORD_ALIGN + sizeof(struct thread) +
                                       poison_quarantine * sizeof(uint32_t));
    if (block == NULL)
        return NULL;
    uintptr_t end = (uintptr_t)(block + 1);
    struct thread *thread =
        (struct thread *)(void *)((char *)block + sizeof *block + (-end & (RECORD_ALIGN - 1)));
    for (uint32_t class = 0; class < CLASS_COUNT; class ++)
        thread->cache[class].room = class_batch(class);
    thread->quarantine = (uint32_t *)(void *)(thread + 1);
    thread->quarantine_size = poison_quarantine;
    lock_take(&records);
    block->next = blocks;
    block->thread = thread;
    blocks = block;
    lock_give(&records);
    return thread;
}

static struct thread *own_record(void) {
    (void)pthread_once(&once, make_exit_key);
    if (!have_exit_key)
        return NULL;
    lock_take(&records);
    struct thread *thread = unowned;
    if (thread != NULL)
        unowned = thread->next;
    lock_give(&records);
    if (thread == NULL) {
        wr_path(record_new);
        thread = allocate_record();
    } else {
        wr_path(record_reused);
    }
    if (thread != NULL && pthread_setspecific(exit_key, thread) != 0) {
        leave(thread);
        thread = NULL;
    }
    return thread;
}

struct thread *thread_attach(struct thread *temporary) {
    if (thread_is_real(thread_current))
        return thread_current;
    int saved = errno;
    struct thread *thread = thread_current == &gone ? NULL : own_record();
    errno = saved;
    if (thread == NULL) {
        wr_path(record_none);
        memset(temporary, 0, sizeof *temporary);
        temporary->temporary = true;
        temporary->next = thread_current;
        thread = temporary;
    }
    thread_current = thread;
    return thread;
}

void thread_detach(struct thread *thread) {
    if (thread->temporary)
        thread_current = thread->next;
}

/* ---- the cache ---- */

struct wr_slot *thread_take_slow(struct thread *thread, uint32_t class) {
    struct cache *cache = &thread->cache[class];
    if (cache->head == 0 && cache->spare != 0) {
        wr_path(refill_spare);
        cache->head = cache->spare;
        cache->spare = 0;
        cache->room = 0;
    }
    if (cache->head != 0)
        return thread_take(thread, class);
    uint32_t count;
    struct wr_slot *slot = arena_take(class, &count);
    if (slot == NULL)
        return NULL;
    uint32_t rest = wr_read(&slot->link);
    if (!thread->temporary) {
        wr_path(refill_depot);
        cache->head = rest;
        cache->room = class_batch(class) - (count - 1);
    } else if (rest != 0) {
        wr_path(refill_recordless);
        arena_give(class, wr_slot_at(rest), count - 1);
    }
    return slot;
}

/* Put a slot into the cache, or where there is none, the depot. */
static void keep(struct thread *thread, uint32_t class, struct wr_slot *slot) {
    struct cache *cache = &thread->cache[class];
    if (wr_unlikely(cache->room == 0)) {
        if (thread->temporary) {
            wr_path(keep_recordless);
            wr_write(&slot->link, 0);
            arena_give(class, slot, 1);
            return;
        }
        if (cache->spare != 0) {
            wr_path(keep_overflow);
            arena_give(class, wr_slot_at(cache->spare), class_batch(class));
        } else {
            wr_path(keep_spare);
        }
        cache->spare = cache->head;
        cache->head = 0;
        cache->room = class_batch(class);
    }
    cache_push(cache, slot);
}

/* Put a slot in quarantine. Returns the one that has been there longest, or NULL. */
static struct wr_slot *quarantine(struct thread *thread, struct wr_slot *slot) {
    uint32_t oldest = thread->quarantine[thread->oldest];
    thread->quarantine[thread->oldest] = wr_index_of(slot);
    thread->oldest = (thread->oldest + 1) % thread->quarantine_size;
    return oldest ? wr_slot_at(oldest) : NULL;
}

void thread_free_slow(struct thread *thread, struct wr_slot *slot, uint64_t dead_word) {
    uint32_t class = arena_class(slot);
    if (!class_is_special(class))
        poison_freed(wr_payload_of(slot), class_payload(class));
    if (wr_unlikely(!word_reusable(dead_word))) {
        wr_path(retire);
        stats_count(STAT_RETIRED);
        return; /* its tags are used up: it stays readable and dead for ever (S23) */
    }
    if (thread->quarantine_size != 0 && !class_is_special(class)) {
        slot = quarantine(thread, slot);
        if (slot == NULL)
            return;
        class = arena_class(slot);
    }
    keep(thread, class, slot);
}

void thread_flush(struct thread *thread) {
    wr_path(flush);
    for (uint32_t i = 0; i < thread->quarantine_size; i++) {
        if (thread->quarantine[i] != 0) {
            struct wr_slot *slot = wr_slot_at(thread->quarantine[i]);
            thread->quarantine[i] = 0;
            keep(thread, arena_class(slot), slot);
        }
    }
    for (uint32_t class = 0; class < CLASS_COUNT && !thread->temporary; class ++) {
        struct cache *cache = &thread->cache[class];
        if (cache->spare != 0)
            arena_give(class, wr_slot_at(cache->spare), class_batch(class));
        if (cache->head != 0)
            arena_give(class, wr_slot_at(cache->head), class_batch(class) - cache->room);
        *cache = (struct cache){.room = class_batch(class)};
    }
}

void thread_add_counts(struct counts *sum) {
    lock_take(&records);
    for (struct block *block = blocks; block != NULL; block = block->next)
        stats_add(sum, &block->thread->counts);
    lock_give(&records);
}

/* ---- fork ---- */

void thread_lock(void) UNCHECKED_LOCKS {
    lock_take(&records);
}

void thread_unlock(void) UNCHECKED_LOCKS {
    lock_give(&records);
}

void thread_forget_absent(void) UNCHECKED_LOCKS {
    unowned = NULL;
    for (struct block *block = blocks; block != NULL; block = block->next) {
        struct thread *thread = block->thread;
        if (thread == thread_current)
            continue;
        wait_forget(thread->waits);
        wait_forget_ends();
        registry_refire(thread->firing);
        stats_keep(&thread->counts);
        struct borrows *borrows = thread->borrows;
        set_up(thread);
        thread->borrows = borrows;
        thread->next = unowned;
        unowned = thread;
    }
}
