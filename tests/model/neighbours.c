/* SPDX-License-Identifier: MIT */
/* What the library asks of the system, in the checker's hands: os.h, lock.h, alloc.h, event descriptors, a little of
 * pthread.h. */
#include "checker.h"

#include <pthread.h>
#include <string.h>

#include "alloc.h"
#include "lock.h"
#include "os.h"
#include "past.h"
#include "poison.h"

unsigned model_most = 1;

/* ---- locks: one step to take, none of its own to give, which is part of the step before ---- */

static struct model_site site_of(volatile void *word, const char *text, const char *function) {
    return (struct model_site){word, text, function, sizeof(uint32_t)};
}

void lock_take(struct lock *lock) UNCHECKED_LOCKS {
    memory_lock(site_of(&lock->state, "lock", __func__));
}

void lock_give(struct lock *lock) UNCHECKED_LOCKS {
    memory_unlock(site_of(&lock->state, "lock", __func__));
}

/* ---- pages ---- */

void *os_reserve(size_t *size, size_t least, size_t align) {
    (void)least, (void)align;
    *size = WR_CHUNK_BYTES * WR_RESERVE_CHUNKS;
    return checker->arena;
}

bool os_commit(void *start, size_t size) {
    plain_commit(start, size);
    return true;
}

void os_prefer_huge(void *start, size_t size) {
    (void)start, (void)size;
}

bool os_discard(void *start, size_t size) {
    if (checker->refuse_discard)
        return false;
    plain_discard(start, size);
    return true;
}

/* ---- barriers ---- */

bool os_barrier_prepare(void) {
    return !checker->no_membarrier;
}

bool os_barrier(void) {
    model_membarrier(__func__);
    return true;
}

/* ---- the machine: always the same, so that a run can be repeated ---- */

void os_random(void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)(i * 37);
}

unsigned os_processors(void) {
    return 1;
}

/* ---- lives of payloads: what poison.c tells valgrind ---- */

bool poison_watched = true;
bool poison_tails;
bool poison_ages;
uint32_t poison_quarantine;

void poison_start(const void *reserve, size_t size) {
    (void)reserve, (void)size;
}

uint64_t poison_born(void *payload, size_t slot_size) {
    (void)payload, (void)slot_size;
    return 0;
}

void poison_tell_made(void *payload, size_t size, size_t slot_size, bool used) {
    (void)slot_size, (void)used;
    plain_made(payload, size);
}

void poison_tell_freed(void *payload, size_t slot_size) {
    (void)slot_size;
    plain_freed(payload);
}

/* ---- sleeping: a sleep with a deadline is over at once, and the time is the deadline's ---- */

int64_t os_now(void) {
    return checker->now;
}

int64_t os_deadline(int64_t timeout_ms) {
    return timeout_ms < 0 ? -1 : checker->now + timeout_ms * 1000000;
}

void os_wait(uint32_t *word, uint32_t value, int64_t deadline) {
    memory_sleep(site_of(word, "word", __func__), value, deadline >= 0);
    if (deadline > checker->now)
        checker->now = deadline;
}

void os_nap(void) {
    schedule_yield(__func__);
}

void os_wake_one(uint32_t *word) {
    memory_wake(site_of(word, "word", __func__), 1);
}

void os_wake_all(uint32_t *word) {
    memory_wake(site_of(word, "word", __func__), THREAD_MAX);
}

int model_yield(void) {
    schedule_yield(__func__);
    return 0;
}

/* ---- event descriptors: a counter each. The system may well order what is done to one; nothing relies on it ---- */

#define FD_MAX 4
static uint64_t counters[FD_MAX];
static int opened;
static uint32_t closed[FD_MAX]; /* plain: closing comes after all other use, or there is a race */
static bool readable_now;

static struct model_site counter_of(int fd, const char *function) {
    if (fd < 0 || fd >= opened || model_read(&closed[fd]))
        model_fail("%s: a descriptor that is closed", function);
    return (struct model_site){&counters[fd], "descriptor", function, sizeof counters[fd]};
}

int model_eventfd(void) {
    return opened < FD_MAX ? opened++ : -1;
}

ssize_t model_fd_read(int fd, void *buffer, size_t size) {
    uint64_t value = model_rmw(counter_of(fd, __func__), EXCHANGE, 0, RELAXED);
    readable_now = false;
    memcpy(buffer, &value, sizeof value);
    (void)size;
    return value != 0 ? (ssize_t)sizeof value : -1;
}

ssize_t model_fd_write(int fd, const void *buffer, size_t size) {
    (void)buffer;
    (void)model_rmw(counter_of(fd, __func__), ADD, 1, RELAXED);
    readable_now = true;
    memory_wake(counter_of(fd, __func__), THREAD_MAX);
    return (ssize_t)size;
}

int model_fd_close(int fd) {
    (void)counter_of(fd, __func__);
    model_write(&closed[fd], 1);
    return 0;
}

bool model_fd_readable_now(void) {
    return readable_now;
}

void model_fd_poll(int fd) {
    memory_sleep(counter_of(fd, __func__), 0, false);
}

bool model_fd_readable(int fd) {
    return model_load(counter_of(fd, __func__), ACQUIRE) != 0;
}

/* ---- memory ---- */

void *alloc_zeroed(size_t size) {
    size_t rounded = (size + 63) & ~(size_t)63;
    if (checker->pool_used + rounded > POOL_BYTES)
        model_fail("more than %d bytes allocated: raise POOL_BYTES", POOL_BYTES);
    void *memory = checker->pool + checker->pool_used;
    checker->pool_used += rounded;
    return memory;
}

/* The pool is emptied before each run. */
void alloc_free(void *memory) {
    (void)memory;
}

/* ---- threads ---- */

void *model_maker(void) {
    static void *makers[THREAD_MAX]; /* what a struct maker is made of */
    return &makers[checker->current];
}

int model_once(pthread_once_t *once, void (*function)(void)) {
    if (*once == PTHREAD_ONCE_INIT) {
        *once = PTHREAD_ONCE_INIT + 1;
        function();
    }
    return 0;
}

int model_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    *key = 0;
    checker->thread_exit = destructor;
    return 0;
}

int model_setspecific(pthread_key_t key, const void *value) {
    (void)key;
    memcpy(&checker->threads[checker->current].exit_value, &value, sizeof value);
    return 0;
}

/* ---- records of references, which no model makes ---- */

uint32_t wr_holders_every;

void *wr_hold_slow(void *obj, wr_holder *holder, const char *place) {
    (void)holder, (void)place;
    return obj;
}
void wr_drop_slow(void *obj, wr_holder *holder, const char *place) {
    (void)obj, (void)holder, (void)place;
}
void holders_collect(struct wr_slot *slot, struct holders *holders, struct lock *stripe) {
    (void)slot, (void)holders, (void)stripe;
}
void holders_forget(struct wr_slot *slot, struct annex *annex) {
    (void)slot, (void)annex;
}
void holders_places(struct wr_slot *slot, char *text, size_t size) {
    (void)slot, (void)size;
    text[0] = '\0';
}
void holders_complain(const void *obj, int64_t timeout_ms, const struct holders *holders) {
    (void)obj, (void)timeout_ms, (void)holders;
}
void holders_write(FILE *f, struct wr_slot *slot) {
    (void)f, (void)slot;
}
int holders_report(FILE *f) {
    (void)f;
    return 0;
}
