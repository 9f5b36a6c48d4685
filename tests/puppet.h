/* SPDX-License-Identifier: MIT */
/* Forced interleavings, in builds with -DWR_HOOK: a puppet is a thread that stops before atomic operations of the
 * library, and goes on when the test says so. While it stands the test does what another thread would. */
#ifndef WR_TESTS_PUPPET_H
#define WR_TESTS_PUPPET_H

#include "arena.h"
#include "word.h"

#include "common.h"

#ifdef WR_HOOK

#include <sched.h>

/* Under ThreadSanitizer the hand-over between test and puppet orders nothing, so that only the library's own orders
 * count and a missing one is reported. On the bare machine the hand-over must work by itself. */
#if ON_TSAN
#define PUPPET_LOAD memory_order_relaxed
#define PUPPET_STORE memory_order_relaxed
#else
#define PUPPET_LOAD memory_order_acquire
#define PUPPET_STORE memory_order_release
#endif

typedef struct puppet {
    pthread_t thread;
    void (*fn)(void *arg);
    void *arg;
    _Atomic(const char *) op;          /* stop before this operation, or NULL: any */
    _Atomic(const volatile void *) at; /* on this address, or NULL: any */
    atomic_uint passes;                /* how many such stops to pass by before */
    atomic_int state;
} puppet;
enum { PUPPET_STANDS, PUPPET_RUNS, PUPPET_DONE };

static _Thread_local puppet *puppet_self;

static void puppet_wait(puppet *p, int state_to_leave) {
    while (atomic_load_explicit(&p->state, PUPPET_LOAD) == state_to_leave)
        sched_yield();
}

static void puppet_hook(const char *op, const volatile void *at) {
    puppet *p = puppet_self;
    if (p == NULL)
        return;
    const char *wanted = atomic_load_explicit(&p->op, PUPPET_LOAD);
    const volatile void *address = atomic_load_explicit(&p->at, PUPPET_LOAD);
    if ((wanted != NULL && strncmp(op, wanted, strlen(wanted)) != 0) || (address != NULL && address != at))
        return;
    unsigned passes = atomic_load_explicit(&p->passes, PUPPET_LOAD);
    if (passes > 0) {
        atomic_store_explicit(&p->passes, passes - 1, PUPPET_STORE);
        return;
    }
    atomic_store_explicit(&p->state, PUPPET_STANDS, PUPPET_STORE);
    puppet_wait(p, PUPPET_STANDS);
}

static void *puppet_main(void *arg) {
    puppet *p = arg;
    wr_release(probe_new(NULL)); /* the thread's record is made here and not under the eyes of the test */
    puppet_wait(p, PUPPET_STANDS);
    puppet_self = p;
    p->fn(p->arg);
    puppet_self = NULL;
    atomic_store_explicit(&p->state, PUPPET_DONE, PUPPET_STORE);
    return NULL;
}

/* Make a puppet that stands before the call of fn(arg). */
static inline void puppet_start(puppet *p, void (*fn)(void *), void *arg) {
    memset(p, 0, sizeof *p);
    p->fn = fn;
    p->arg = arg;
    if (atomic_hook != puppet_hook)
        atomic_hook = puppet_hook;
    REQUIRE(pthread_create(&p->thread, NULL, puppet_main, p) == 0);
}

static inline bool puppet_go(puppet *p, unsigned passes, const char *op, const volatile void *at) {
    if (atomic_load_explicit(&p->state, PUPPET_LOAD) == PUPPET_DONE)
        return false;
    atomic_store_explicit(&p->op, op, PUPPET_STORE);
    atomic_store_explicit(&p->at, at, PUPPET_STORE);
    atomic_store_explicit(&p->passes, passes, PUPPET_STORE);
    atomic_store_explicit(&p->state, PUPPET_RUNS, PUPPET_STORE);
    puppet_wait(p, PUPPET_RUNS);
    return atomic_load_explicit(&p->state, PUPPET_LOAD) == PUPPET_STANDS;
}

/* Let it run until it stands before `op` (NULL: any) on `at`. Returns false when it came to its end instead. */
static inline bool puppet_run_to(puppet *p, const char *op, const volatile void *at) {
    return puppet_go(p, 0, op, at);
}

/* Let it pass `steps` operations, after the one that it stands before, and stand before the next. Returns false when
 * it came to its end. */
static inline bool puppet_steps(puppet *p, unsigned steps) {
    return puppet_go(p, steps, NULL, NULL);
}

/* Let it run to the end of its function. What it did is not ordered before what the caller does next. */
static inline void puppet_let_go(puppet *p) {
    static const char nowhere;
    (void)puppet_go(p, 0, NULL, &nowhere);
}

/* The same, and wait for the thread. */
static inline void puppet_run_out(puppet *p) {
    puppet_let_go(p);
    REQUIRE(pthread_join(p->thread, NULL) == 0);
}

/* ---- what puppets do ---- */

static inline void puppet_release(void *obj) {
    wr_release(obj);
}

typedef struct look_up {
    wr_weak w;
    void *got;
} look_up;

static inline void puppet_get(void *arg) {
    look_up *look = arg;
    look->got = wr_weak_get(look->w);
}

static inline void puppet_kill(void *obj) {
    CHECK_EQ(wr_kill(obj), 1);
}

/* An object whose death may be asked for while a puppet stands: counted with an atomic that orders nothing. */
static atomic_uint counted_deaths;

static inline void counted_destroy(void *self) {
    (void)self;
    atomic_fetch_add_explicit(&counted_deaths, 1, memory_order_relaxed);
}

static inline unsigned deaths(void) {
    return atomic_load_explicit(&counted_deaths, memory_order_relaxed);
}

static inline void *counted_new(void) {
    static const wr_type type = {
        .abi = WR_TYPE_ABI, .name = "counted", .size = sizeof(probe), .destroy = counted_destroy};
    void *obj = wr_new(&type);
    REQUIRE(obj != NULL);
    return obj;
}

/* Make the only holder's object as if no weak value had ever been made in its slot. There must be none that is used. */
static inline void unmint(void *obj) {
    wr_store_relaxed(&wr_slot_of(obj)->below, 0u);
}

/* Make an object without destroy in `slot`, which must be free; NULL: its tags are used up. */
static inline void *object_in(const struct wr_slot *slot) {
    enum { TRIES = 1000 };
    static const wr_type type = {.abi = WR_TYPE_ABI, .name = "filler"};
    static void *others[TRIES];
    void *found = NULL;
    for (unsigned round = 0; round < 8 && !found; round++) {
        unsigned count = 0;
        while (count < TRIES && !found) {
            void *obj = wr_new_flex(&type, class_payload(arena_class(slot)));
            REQUIRE(obj != NULL);
            if (wr_slot_of(obj) == slot)
                found = obj;
            else
                others[count++] = obj;
        }
        while (count > 0)
            wr_release(others[--count]);
    }
    CHECK(found != NULL || ON_WEAR);
    return found;
}

#endif
#endif
