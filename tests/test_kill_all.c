/* SPDX-License-Identifier: MIT */
/* Kill all objects of a type, and wait for the end of them, wherever that has begun already. */
#include "borrows.h"
#include "queues.h"

#include <sched.h>
#include <semaphore.h>

static const wr_type listed_type = {.abi = WR_TYPE_ABI,
                                    .flags = WR_LISTED,
                                    .name = "listed",
                                    .size = sizeof(probe),
                                    .destroy = probe_destroy};

TEST(kill_all_reaches_every_object_of_a_type_and_no_other) {
    unsigned destroyed = 0, n = scaled(3000);
    void **objs = calloc(n, sizeof *objs);
    REQUIRE(objs != NULL);
    probe *other = probe_new(NULL);
    wr_weak w = wr_weak_of(other);
    for (unsigned i = 0; i < n; i++) {
        objs[i] = wr_new(&listed_type);
        ((probe *)objs[i])->destroyed = &destroyed;
    }
    CHECK_EQ(wr_kill_all(&listed_type, 0), -ETIMEDOUT); /* all are held */
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(wr_kill(objs[i]), 0);
        CHECK_EQ(wr_refcount(objs[i]), 1);
        wr_release(objs[i]);
    }
    CHECK_EQ(destroyed, n);
    CHECK_EQ(wr_kill_all(&listed_type, -1), 0);
    CHECK(!wr_weak_is_dead(w));
    wr_release(other);
    CHECK_EQ(wr_kill_all(NULL, 0), -EINVAL);
    CHECK_EQ(wr_kill_all(&no_weakref_type, 0), -ENOTSUP);
    free(objs);
}

/* How often each object was destroyed: on its own thread, or on the one that kills. */
static unsigned let_go[3][300];
static void holds_a_while(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) {
        for (unsigned i = 0; i < 5; i++)
            sched_yield();
        CHECK_EQ(wr_kill_all(&listed_type, -1), 0);
        return;
    }
    for (unsigned i = 0; i < scaled(300); i++) {
        probe *obj = wr_new(&listed_type);
        obj->destroyed = &let_go[index][i];
        sched_yield();
        wr_release(obj);
    }
}
TEST(kill_all_waits_while_others_let_go) {
    run_threads(3, holds_a_while, NULL);
    for (unsigned i = 0; i < scaled(300); i++) {
        CHECK_EQ(let_go[1][i], 1);
        CHECK_EQ(let_go[2][i], 1);
    }
}

/* ---- ends that are under way already ---- */

/* A destroy or finalize that says that it has begun, and goes on when it is told to. */
static struct {
    sem_t begun, go;
    unsigned over; /* plain: who waited for the end reads it, or there is a race */
    bool keep;     /* finalize is to keep a reference */
    void *kept;
    wr_weak w;
} slow;

static void slow_part(void) {
    sem_post(&slow.begun);
    while (sem_wait(&slow.go) != 0)
        ;
}
static void slow_destroy(void *self) {
    (void)self;
    slow_part();
    slow.over++;
}
static void slow_finalize(void *self) {
    slow_part();
    for (int i = 0; i < 100; i++) /* most likely it is waited for by now */
        sched_yield();
    if (slow.keep)
        slow.kept = wr_retain(self);
}
static void destroy_at_once(void *self) {
    (void)self;
    slow.over++;
}
static const wr_type slow_type = {.abi = WR_TYPE_ABI, .name = "slow", .size = 8, .destroy = slow_destroy};
static const wr_type slowly_finalized_type = {.abi = WR_TYPE_ABI,
                                              .name = "slowly finalized",
                                              .size = 8,
                                              .finalize = slow_finalize,
                                              .destroy = destroy_at_once};

static void *releases(void *obj) {
    wr_release(obj);
    while (slow.keep && !wr_weak_is_dead(slow.w)) /* until it is killed */
        sched_yield();
    wr_release(slow.kept);
    return NULL;
}

/* Start the end of an object on another thread, and wait until it has begun. */
static pthread_t start_end(void *obj) {
    pthread_t thread;
    REQUIRE(sem_init(&slow.begun, 0, 0) == 0 && sem_init(&slow.go, 0, 0) == 0);
    REQUIRE(pthread_create(&thread, NULL, releases, obj) == 0);
    while (sem_wait(&slow.begun) != 0)
        ;
    return thread;
}
static void finish_end(pthread_t thread) {
    REQUIRE(pthread_join(thread, NULL) == 0);
    sem_destroy(&slow.begun);
    sem_destroy(&slow.go);
}

TEST(S42_kill_all_waits_for_a_destroy_that_has_begun_on_another_thread) {
    pthread_t thread = start_end(wr_new(&slow_type)); /* never weak: no matter */
    CHECK_EQ(wr_kill_all(&slow_type, 0), -ETIMEDOUT);
    CHECK_EQ(wr_kill_all(&slow_type, 1), -ETIMEDOUT);
    sem_post(&slow.go);
    CHECK_EQ(wr_kill_all(&slow_type, -1), 0);
    CHECK_EQ(slow.over, 1);
    finish_end(thread);
}

TEST(S42_kill_all_waits_for_a_finalize_and_ends_what_that_keeps) {
    for (unsigned round = 2 * scaled(50); round > 0;
         round--) { /* until the finalize ends while it is waited for */
        slow.keep = round % 2;
        slow.kept = NULL;
        slow.over = 0;
        void *obj = wr_new(&slowly_finalized_type);
        slow.w = wr_weak_of(obj);
        pthread_t thread = start_end(obj);
        CHECK_EQ(wr_kill_all(&slowly_finalized_type, 0), -ETIMEDOUT);
        CHECK(!wr_weak_is_dead(slow.w));
        sem_post(&slow.go);
        CHECK_EQ(wr_kill_all(&slowly_finalized_type, -1), 0);
        CHECK_EQ(slow.over, 1);
        finish_end(thread);
    }
}

TEST(S42_kill_all_waits_for_what_waits_in_a_queue) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    wr_release_later(probe_new(&destroyed), queue);
    CHECK_EQ(wr_kill_all(&probe_type, 0), -ETIMEDOUT);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(wr_kill_all(&probe_type, -1), 0);
    wr_queue_free(queue);
}

TEST(S42_kill_all_runs_the_deaths_that_wait_for_any_thread) {
    unsigned destroyed = 0;
    wr_release_later(probe_new(&destroyed), NULL);
    CHECK_EQ(wr_kill_all(&probe_type, -1), 0);
    CHECK_EQ(destroyed, 1);
}

TEST(kill_all_does_not_take_the_dead_without_destroy_for_ending) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .name = "plain", .size = 40};
    wr_release(wr_new(&type));
    void *obj = wr_new(&type);
    (void)wr_weak_of(obj);
    wr_release(obj);
    CHECK_EQ(wr_kill_all(&type, -1), 0);
}

/* ---- EDEADLK ---- */

static int inside[3];
static const wr_type self_killing_type;
static void kills_all_in_finalize(void *self) {
    (void)self;
    inside[0] = wr_kill_all(&self_killing_type, -1);
}
static void kills_all_in_destroy(void *self) {
    (void)self;
    inside[1] = wr_kill_all(&self_killing_type, -1);
}
static const wr_type self_killing_type = {.abi = WR_TYPE_ABI,
                                          .name = "self-killing",
                                          .size = 8,
                                          .finalize = kills_all_in_finalize,
                                          .destroy = kills_all_in_destroy};
static void kills_all(wr_weakref *ref, void *arg) {
    (void)ref;
    inside[2] = wr_kill_all(arg, -1);
}

TEST(S42_kill_all_inside_the_end_of_one_of_them_is_a_deadlock) {
    void *obj = wr_new(&self_killing_type);
    wr_weakref *ref = new_ref(obj, kills_all, (void *)(uintptr_t)&self_killing_type);
    wr_release(obj);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(inside[i], -EDEADLK);
    wr_release(ref);
    CHECK_EQ(wr_kill_all(&self_killing_type, -1), 0);
}

TEST(S42_kill_all_while_this_thread_borrows_one_of_them_is_a_deadlock) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    CHECK_EQ(wr_kill_all(&shy_type, -1), -EDEADLK);
    wr_release(p); /* dead, and its end is left to this thread's return */
    CHECK_EQ(wr_kill_all(&shy_type, -1), -EDEADLK);
    wr_return(&b);
    CHECK_EQ(wr_kill_all(&shy_type, -1), 0);
    CHECK_EQ(destroyed, 1);
}

/* One of the type waits in the queue before the run, or is pushed during it. */
static wr_queue *run_now;
static unsigned run_destroyed;
static void kills_all_in_run(wr_weakref *ref, void *arg) {
    (void)ref;
    if (arg == NULL) {
        inside[0] = wr_kill_all(&shy_type, -1);
        wr_release_later(shy_new(&run_destroyed), run_now);
    }
    inside[1] = wr_kill_all(&shy_type, -1);
}
TEST(S42_kill_all_inside_the_run_of_the_queue_that_one_waits_in_is_a_deadlock) {
    run_now = new_queue();
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = kills_all_in_run;
    o.queue = run_now;
    for (unsigned before = 0; before < 2; before++) {
        if (before)
            o.arg = run_now;
        void *trigger = probe_new(NULL);
        wr_weakref *ref = wr_weakref_new_ex(trigger, &o);
        wr_release(trigger);
        if (before)
            wr_release_later(shy_new(&run_destroyed), run_now);
        CHECK_EQ(wr_queue_run(run_now, 1), 1);
        CHECK_EQ(inside[0], 0);
        CHECK_EQ(inside[1], -EDEADLK);
        CHECK_EQ(run_destroyed, before);
        CHECK_EQ(wr_queue_run(run_now, 0), 1);
        CHECK_EQ(run_destroyed, before + 1);
        CHECK_EQ(wr_kill_all(&shy_type, -1), 0);
        wr_release(ref);
    }
    wr_queue_free(run_now);
}
