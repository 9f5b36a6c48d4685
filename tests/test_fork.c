/* SPDX-License-Identifier: MIT */
/* fork: the child has what the forking thread had, and no lock is stuck in it. */
#include "filter.h"
#include "stopper.h"
#include "child.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static const wr_type sizes[] = {{.abi = WR_TYPE_ABI, .size = 16},
                                {.abi = WR_TYPE_ABI, .size = 100},
                                {.abi = WR_TYPE_ABI, .size = 1000},
                                {.abi = WR_TYPE_ABI, .size = 9000}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Visit the depot with every size: more objects than a cache holds. Returns whether all went well. */
static bool use_all(unsigned count) {
    bool good = true;
    for (unsigned s = 0; s < SIZES; s++) {
        void *objects[300];
        wr_weak values[300];
        for (unsigned i = 0; i < count; i++) {
            objects[i] = wr_new(&sizes[s]);
            values[i] = wr_weak_of(objects[i]);
            good &= objects[i] != NULL && can_get(values[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            wr_release(objects[i]);
            good &= wr_weak_is_dead(values[i]);
        }
    }
    return good;
}

TEST(a_child_goes_on_with_objects_and_weak_values) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p), dead;
    probe *q = probe_new(NULL);
    dead = wr_weak_of(q);
    wr_release(q);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        be_a_child();
        bool good = can_get(w) && wr_weak_is_dead(dead) && use_all(300);
        wr_release(p);
        good &= destroyed == 1 && wr_weak_is_dead(w) && wr_weak_get(w) == NULL;
        (void)wr_trim();
        good &= use_all(300);
        _exit(good ? 0 : 1);
    }
    child_was_good(child);
    CHECK(can_get(w)); /* the child's objects are copies */
    CHECK_EQ(destroyed, 0);
    wr_release(p);
}

static atomic_bool stop;
static probe *shared;
static wr_weak shared_value;

static void be_busy(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) {
        for (unsigned i = 0; i < scaled(200) + 5; i++) {
            pid_t child = fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                be_a_child();
                bool good = use_all(300) && can_get(shared_value);
                (void)wr_trim();
                good &= use_all(100);
                _exit(good ? 0 : 1);
            }
            child_was_good(child);
        }
        atomic_store(&stop, true);
    } else {
        for (unsigned i = 0; !atomic_load(&stop); i++) {
            CHECK(use_all(i % 3 ? 1 : 300));
            CHECK(can_get(shared_value));
            if (i % 8 == 0)
                (void)wr_trim();
        }
    }
}

TEST(a_child_of_a_busy_process_is_not_locked_out) {
    REQUIRE(pthread_atfork(wr_atfork_prepare, wr_atfork_parent, wr_atfork_child) == 0);
    shared = probe_new(NULL);
    shared_value = wr_weak_of(shared);
    run_threads(3, be_busy, NULL);
    wr_release(shared);
}

TEST(the_handlers_leave_no_lock_taken) {
    wr_atfork_prepare();
    wr_atfork_parent();
    CHECK(use_all(300));
    wr_atfork_prepare();
    wr_atfork_child();
    CHECK(use_all(300));
    (void)wr_trim();
}

/* ---- what other threads were about ---- */

static unsigned waited_destroyed;
static void *waits_for_end(void *obj) {
    (void)wr_kill_wait(obj, -1);
    CHECK_EQ(waited_destroyed, 1);
    return NULL;
}
TEST(in_a_child_nobody_waits_any_more_who_is_not_there) {
    probe *obj = probe_new(&waited_destroyed);
    struct wr_slot *slot = wr_slot_of(obj);
    pthread_t thread;
    wr_retain(obj);
    REQUIRE(pthread_create(&thread, NULL, waits_for_end, obj) == 0);
    while (wr_refcount(obj) != 1) /* it has its record on the object's list */
        sched_yield();
    wr_atfork_prepare();
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        be_a_child();
        wr_atfork_child();
        bool good = slot->list.head == NULL; /* its stack is the next thread's */
        wr_release(obj);
        _exit(good && waited_destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(child);
    wr_release(obj);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static pthread_barrier_t inside_destroy;
static void destroy_meets_fork(void *self) {
    (void)self;
    pthread_barrier_wait(&inside_destroy);
    pthread_barrier_wait(&inside_destroy);
}
static void *releases(void *obj) {
    wr_release(obj);
    return NULL;
}

TEST(what_absent_threads_were_destroying_is_not_waited_for_in_a_child) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = destroy_meets_fork};
    pthread_t thread;
    pthread_barrier_init(&inside_destroy, NULL, 2);
    REQUIRE(pthread_create(&thread, NULL, releases, wr_new(&type)) == 0);
    pthread_barrier_wait(&inside_destroy);
    wr_atfork_prepare();
    pid_t child = fork();
    if (child == 0) {
        be_a_child();
        wr_atfork_child();
        _exit(wr_kill_all(&type, -1) == 0 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(child);
    CHECK_EQ(wr_kill_all(&type, 0), -ETIMEDOUT);
    pthread_barrier_wait(&inside_destroy);
    CHECK_EQ(wr_kill_all(&type, -1), 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    pthread_barrier_destroy(&inside_destroy);
}

TEST(a_queue_that_a_child_frees_stays_readable_in_the_parent) {
    unsigned destroyed = 0;
    wr_queue *queue = wr_queue_new();
    REQUIRE(queue != NULL);
    wr_release_later(probe_new(&destroyed), queue);
    wr_atfork_prepare();
    pid_t child = fork();
    if (child == 0) {
        be_a_child();
        wr_atfork_child();
        wr_queue_free(queue); /* what waits is the child's too */
        _exit(destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(child);
    struct pollfd p = {.fd = wr_queue_fd(queue), .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

/* ---- locks that other threads slept for ---- */

static void count_entries(void *cache) {
    CHECK_EQ(wr_cache_len(cache), 0);
}

/* Who gives a lock back wakes those that sleep for it, which is a system call. */
TEST(in_a_child_nobody_is_woken_who_is_not_there) {
    NEEDS_STOPPER;
    if (watched() || emulated())
        SKIP("the tool itself may make the system call that this test forbids");
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    wr_cache *c = wr_cache_new_ex(&o);
    REQUIRE(c != NULL);
    struct stopper s;
    wr_atfork_prepare();
    stopper_start(&s, count_entries, c, "cas_acquire", shard_lock(c),
                  2); /* it is held: about to sleep, and has said so */
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        be_a_child();
        wr_atfork_child();
        if (!filter_call(SYS_futex, CALL_IS_THE_END))
            _exit(0);
        count_entries(c);
        _exit(0);
    }
    wr_atfork_parent();
    stopper_finish(&s);
    child_was_good(child);
    wr_cache_free(c);
}
