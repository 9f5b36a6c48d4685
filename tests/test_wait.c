/* SPDX-License-Identifier: MIT */
/* Kill and wait for the end (S42), and be told of it. */
#include "stopper.h"

#include "queues.h"

#include <semaphore.h>

static void post(void *arg) {
    sem_post(arg);
}
static void count(void *arg) {
    ++*(unsigned *)arg;
}

TEST(S42_kill_wait_of_the_last_reference_destroys_it) {
    unsigned destroyed = 0;
    struct log log = {0};
    void *obj = probe_new(&destroyed);
    wr_weakref *ref = new_ref(obj, logs, &log);
    CHECK_EQ(wr_kill_wait(obj, 0), 0);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
    CHECK_EQ(wr_kill_wait(probe_new(&destroyed), -1), 0); /* never weak */
    CHECK_EQ(destroyed, 2);
}

TEST(S42_a_timeout_leaves_it_killed_with_its_last_holder) {
    unsigned destroyed = 0;
    probe *obj = probe_new(&destroyed);
    wr_weak w = wr_weak_of(obj);
    wr_retain(obj);
    CHECK_EQ(wr_kill_wait(obj, 1), -ETIMEDOUT);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(wr_refcount(obj), 1); /* the caller's is gone */
    CHECK_EQ(destroyed, 0);
    wr_retain(obj);
    CHECK_EQ(wr_kill_wait(obj, 0), -ETIMEDOUT); /* killed already: waits all the same */
    wr_release(obj);
    CHECK_EQ(destroyed, 1);
}

struct held {
    void *obj;
    sem_t go;
    unsigned destroyed; /* plain: the waiter reads it after destroy, or there is a race */
};
static void *lets_go(void *arg) {
    struct held *held = arg;
    while (sem_wait(&held->go) != 0)
        ;
    wr_release(held->obj);
    return NULL;
}

TEST(S42_zero_comes_after_destroy_returned_on_another_thread) {
    for (unsigned round = 0; round < scaled(300); round++) {
        struct held held = {.destroyed = 0};
        pthread_t thread;
        held.obj = probe_new(&held.destroyed);
        wr_retain(held.obj);
        REQUIRE(sem_init(&held.go, 0, 0) == 0);
        REQUIRE(pthread_create(&thread, NULL, lets_go, &held) == 0);
        sem_post(&held.go);
        CHECK_EQ(wr_kill_wait(held.obj, round % 2 ? -1 : 1000000), 0);
        CHECK_EQ(held.destroyed, 1);
        REQUIRE(pthread_join(thread, NULL) == 0);
        sem_destroy(&held.go);
    }
}

/* Its destroy runs on the thread of its loop. */
struct looped {
    wr_queue *queue;
    unsigned destroyed;
};
static void *runs_loop(void *arg) {
    struct looped *looped = arg;
    while (wr_queue_run(looped->queue, 0) == 0)
        (void)readable_within(looped->queue, -1);
    return NULL;
}
TEST(S42_zero_comes_after_destroy_returned_in_its_queue_on_another_thread) {
    for (unsigned round = 0; round < scaled(300); round++) {
        struct looped looped = {.queue = new_queue()};
        pthread_t thread;
        void *obj = new_bound_probe(looped.queue, &looped.destroyed);
        CHECK_EQ(wr_kill_wait(wr_retain(obj), 0), -ETIMEDOUT);
        REQUIRE(pthread_create(&thread, NULL, runs_loop, &looped) == 0);
        CHECK_EQ(wr_kill_wait(obj, -1), 0);
        CHECK_EQ(looped.destroyed, 1);
        REQUIRE(pthread_join(thread, NULL) == 0);
        wr_queue_free(looped.queue);
    }
}

/* Many wait for one object while others take and drop references. */
struct crowd {
    void *obj;
    wr_weak weak;
    unsigned destroyed;
};
static void waits(unsigned index, void *arg) {
    struct crowd *crowd = arg;
    if (index < 3) {
        CHECK_EQ(wr_kill_wait(crowd->obj, -1), 0);
        CHECK_EQ(crowd->destroyed, 1);
    } else {
        for (void *obj; (obj = wr_weak_get(crowd->weak)) != NULL;) {
            sched_yield();
            wr_release(obj);
        }
    }
}
TEST(S42_many_wait_for_one_object) {
    for (unsigned round = 0; round < scaled(200); round++) {
        struct crowd crowd = {.destroyed = 0};
        crowd.obj = probe_new(&crowd.destroyed);
        crowd.weak = wr_weak_of(crowd.obj);
        for (int i = 0; i < 2; i++)
            wr_retain(crowd.obj);
        run_threads(5, waits, &crowd);
        CHECK_EQ(crowd.destroyed, 1);
    }
}

/* A look-up that found another incarnation gives back what turns out to be the last reference: what is left is an
 * orphan, and nobody but who waits is there to end it. */
static void looks(void *arg) {
    CHECK_NULL(wr_weak_get(*(wr_weak *)arg));
}
static void *waits_alone(void *arg) {
    CHECK_EQ(wr_kill_wait(arg, -1), 0);
    return NULL;
}
TEST(S42_an_object_given_back_by_a_look_up_is_not_waited_for_in_vain) {
    NEEDS_STOPPER;
    for (unsigned round = 0; round < scaled(20); round++) {
        unsigned destroyed = 0;
        void *obj = probe_new(&destroyed);
        wr_weak w = wr_weak_of(obj);
        struct stopper s;
        pthread_t thread;
        w.bits += 2; /* of an incarnation to come */
        stopper_start(&s, looks, &w, "sub", &wr_slot_of(obj)->word, 1);
        REQUIRE(pthread_create(&thread, NULL, waits_alone, obj) == 0);
        while (wr_refcount(obj) != 1)
            sched_yield();
        stopper_finish(&s);
        REQUIRE(pthread_join(thread, NULL) == 0);
        CHECK_EQ(destroyed, 1);
    }
}

/* A destroy that lets go of an object, whose death has to wait, and then waits for that very object to be
 * destroyed. */
struct outer {
    void *inner; /* two references */
    int result;
};
static struct outer *outer_now;
static void outer_destroy(void *self) {
    (void)self;
    wr_release(outer_now->inner);
    outer_now->result = wr_kill_wait(outer_now->inner, -1);
}
TEST(S42_the_deaths_that_wait_on_this_thread_run_first) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = outer_destroy};
    unsigned destroyed = 0;
    struct outer outer = {.inner = probe_new(&destroyed), .result = 1};
    outer_now = &outer;
    wr_retain(outer.inner);
    wr_release(wr_new(&type));
    CHECK_EQ(outer.result, 0);
    CHECK_EQ(destroyed, 1);
}

/* The same of a borrowable object, whose destroy comes after its callbacks have let go of who holds the other. */
static void release_inner(void *inner) {
    wr_release(inner);
}
static void lets_holder_go(wr_weakref *ref, void *holder) {
    (void)ref;
    wr_release(holder);
}
static void borrowable_destroy(void *self) {
    (void)self;
    outer_now->result = wr_kill_wait(outer_now->inner, 0);
}
TEST(S42_a_death_that_waits_behind_a_borrowable_object_runs_first_too) {
    static const wr_type type = {
        .abi = WR_TYPE_ABI, .size = 8, .flags = WR_BORROWABLE, .destroy = borrowable_destroy};
    unsigned destroyed = 0;
    struct outer outer = {.inner = probe_new(&destroyed), .result = 1};
    outer_now = &outer;
    void *obj = wr_new(&type), *holder = wr_box_new(wr_retain(outer.inner), release_inner);
    wr_weakref *ref = new_ref(obj, lets_holder_go, holder);
    wr_release(obj);
    CHECK_EQ(outer.result, 0);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
}

/* ---- EDEADLK ---- */

static int results[4];
static void waits_for_referent(wr_weakref *ref, void *arg) {
    (void)ref;
    results[0] = wr_kill_wait(arg, -1);
}
static void waits_for_itself(void *self) {
    results[1] = wr_kill_wait(self, -1);
}
static const wr_type self_waiting_type = {.abi = WR_TYPE_ABI, .size = 16, .destroy = waits_for_itself};
static void finalize_waits(void *self) {
    results[2] = wr_kill_wait(self, -1);
}
static const wr_type finalize_waiting_type = {.abi = WR_TYPE_ABI, .size = 16, .finalize = finalize_waits};

TEST(S42_waiting_inside_its_own_callback_or_destroy_is_a_deadlock) {
    memset(results, 0, sizeof results);
    void *obj = wr_new(&self_waiting_type);
    wr_weakref *ref = new_ref(obj, waits_for_referent, obj);
    CHECK_EQ(wr_weakref_clear(obj), 0); /* alive, inside its own callback */
    CHECK_EQ(results[0], -EDEADLK);
    CHECK_EQ(wr_refcount(obj), 1); /* the reference is kept */
    wr_release(ref);
    results[0] = 0;
    ref = new_ref(obj, waits_for_referent, obj);
    wr_release(obj);
    CHECK_EQ(results[0], -EDEADLK);
    CHECK_EQ(results[1], -EDEADLK);
    wr_release(ref);
    obj = wr_new(&finalize_waiting_type);
    (void)wr_weak_of(obj);
    wr_release(obj);
    CHECK_EQ(results[2], -EDEADLK);
}

/* finalize runs a queue, and what runs there waits for the object whose finalize it is. */
static wr_queue *queue_in_finalize;
static void finalize_runs_queue(void *self) {
    (void)self;
    (void)wr_queue_run(queue_in_finalize, 0);
}
static void waits_for_outer(void *self) {
    results[0] = wr_kill_wait(*(void **)self, -1);
}
TEST(S42_waiting_for_an_object_further_out_is_a_deadlock_too) {
    static const wr_type outer_type = {.abi = WR_TYPE_ABI, .size = 16, .finalize = finalize_runs_queue};
    static const wr_type inner_type = {.abi = WR_TYPE_ABI, .size = 16, .destroy = waits_for_outer};
    queue_in_finalize = new_queue();
    void *outer = wr_new(&outer_type), **inner = wr_new(&inner_type);
    *inner = outer;
    wr_release_later(inner, queue_in_finalize);
    wr_release(outer);
    CHECK_EQ(results[0], -EDEADLK);
    wr_queue_free(queue_in_finalize);
}

static void waits_in_run(wr_weakref *ref, void *arg) {
    (void)ref;
    results[3] = wr_kill_wait(arg, -1);
}
TEST(S42_waiting_inside_the_run_of_the_queue_it_is_bound_to_is_a_deadlock) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    void *bound = new_bound_probe(queue, &destroyed), *other = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = waits_in_run;
    o.arg = bound;
    o.queue = queue;
    wr_weakref *ref = wr_weakref_new_ex(other, &o);
    wr_release(other);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(results[3], -EDEADLK);
    CHECK_EQ(wr_refcount(bound), 1);
    wr_release(bound);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
    wr_queue_free(queue);
}

TEST(kill_wait_refuses_what_it_must) {
    CHECK_EQ(wr_kill_wait(NULL, 0), -EINVAL);
    void *plain = wr_new(&no_weakref_type), *obj = probe_new(NULL);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    CHECK_EQ(wr_kill_wait(plain, 0), -ENOTSUP);
    CHECK_EQ(wr_kill_wait(ref, 0), -ENOTSUP);
    CHECK_EQ(wr_kill_notify(NULL, post, NULL, NULL), -EINVAL);
    CHECK_EQ(wr_kill_notify(obj, NULL, NULL, NULL), -EINVAL);
    CHECK_EQ(wr_kill_notify(plain, post, NULL, NULL), -ENOTSUP);
    CHECK_EQ(wr_weakref_is_dead(ref), 0);
    wr_release(ref);
    wr_release(plain);
    wr_release(obj);
}

/* ---- told without waiting ---- */

TEST(kill_notify_tells_after_destroy_here_or_in_a_queue) {
    unsigned destroyed = 0, told = 0;
    probe *obj = probe_new(&destroyed);
    wr_weak w = wr_weak_of(obj);
    wr_retain(obj);
    CHECK_EQ(wr_kill_notify(obj, count, &told, NULL), 0);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(destroyed + told, 0);
    wr_release(obj);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(told, 1);

    wr_queue *queue = new_queue();
    CHECK_EQ(wr_kill_notify(probe_new(&destroyed), count, &told, queue), 0);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(told, 1);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(told, 2);
    CHECK_EQ(wr_kill_notify(probe_new(&destroyed), count, &told, queue), 0);
    wr_queue_free(queue); /* tells what waited */
    CHECK_EQ(told, 3);
}
