/* SPDX-License-Identifier: MIT */
/* S19: to die, to clear and to kill need no memory, on any thread; and what to make weakrefs needs, if there is
 *      none. */
#include "weakrefs.h"

static bool refuse; /* set while one thread runs */
static atomic_uint refused;

static void *sometimes(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (refuse) {
        atomic_fetch_add(&refused, 1);
        return NULL;
    }
    return realloc(ptr, size);
}

static void start_refusing(void) {
    refuse = true;
}

enum { COUNT = 50 };

static void check_50_fire(void (*end)(void *obj)) {
    struct log log = {0};
    wr_weakref *refs[COUNT];
    REQUIRE(wr_set_allocator(sometimes, NULL) == 0);
    probe *p = probe_new(NULL);
    for (int i = 0; i < COUNT; i++)
        refs[i] = new_owning_ref(p, &log);
    start_refusing();
    end(p);
    CHECK_EQ(log.calls, COUNT);
    CHECK_EQ(log.dead, COUNT);
    CHECK_EQ(log.freed, COUNT);
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(wr_weakref_is_dead(refs[i]), 1);
        CHECK(wr_weakref_callback(refs[i]) == NULL);
        CHECK_PTR_EQ(log.refs[i], refs[COUNT - 1 - i]);
        wr_release(refs[i]);
    }
}

static void kill_and_release(void *obj) {
    CHECK_EQ(wr_kill(obj), 1);
    wr_release(obj);
}
static void clear_and_release(void *obj) {
    CHECK_EQ(wr_weakref_clear(obj), 0);
    wr_release(obj);
}

TEST(S19_a_death_without_memory_clears_and_calls_all_50) {
    check_50_fire(wr_release);
}
TEST(S19_a_kill_without_memory_clears_and_calls_all_50) {
    check_50_fire(kill_and_release);
}
TEST(S19_a_clear_without_memory_clears_and_calls_all_50) {
    check_50_fire(clear_and_release);
}

/* A thread that cannot even have a record of its own. */
static void *release_on_thread(void *obj) {
    wr_release(obj);
    return NULL;
}
static void release_elsewhere(void *obj) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, release_on_thread, obj) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_GT(atomic_load(&refused), 0);
}

TEST(S19_a_death_on_a_thread_without_a_record_too) {
    check_50_fire(release_elsewhere);
}

/* On such a thread, inside such a death, more of the same. */
struct inner {
    probe *other;
    struct log log;
    unsigned calls;
};
static void uses_the_library(wr_weakref *ref, void *arg) {
    struct inner *in = arg;
    in->calls++;
    CHECK_EQ(wr_weakref_cancel(ref), 0); /* it knows itself, also by a record on the stack */
    wr_weakref *extra = new_ref(in->other, logs, &in->log), *again = new_ref(in->other, logs, &in->log);
    CHECK_EQ(wr_weakref_cancel(extra), 1);
    CHECK_EQ(wr_kill(in->other), 1);
    CHECK_EQ(in->log.calls, 1);
    wr_release(extra);
    wr_release(again);
}

TEST(S19_callbacks_on_a_thread_without_a_record_may_do_anything) {
    struct inner in = {.other = NULL};
    REQUIRE(wr_set_allocator(sometimes, NULL) == 0);
    in.other = probe_new(NULL);
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, uses_the_library, &in);
    start_refusing();
    release_elsewhere(p);
    CHECK_EQ(in.calls, 1);
    wr_release(ref);
    wr_release(in.other);
}

TEST(S43_cancel_without_memory_and_record_works) {
    struct log log = {0};
    REQUIRE(wr_set_allocator(sometimes, NULL) == 0);
    start_refusing();
    probe *p = wr_new(&probe_type); /* slots are not the allocator's */
    wr_weakref *ref = new_owning_ref(p, &log);
    CHECK_EQ(wr_weakref_cancel(ref), 1);
    CHECK_EQ(log.freed, 1);
    CHECK_GT(atomic_load(&refused), 0);
    wr_release(ref);
    wr_release(p);
}
