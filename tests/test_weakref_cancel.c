/* SPDX-License-Identifier: MIT */
/* Cancel: S43. */
#include "queues.h"

#include <semaphore.h>

static void wait_for(sem_t *s) {
    while (sem_wait(s) != 0)
        ;
}

TEST(S43_a_cancelled_callback_never_runs) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *a = new_owning_ref(p, &log), *b = new_owning_ref(p, &log), *c = new_owning_ref(p, &log);
    CHECK_EQ(wr_weakref_cancel(b), 1);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(wr_weakref_cancel(b), 0);
    CHECK_PTR_EQ(referent(b), p); /* still a weakref */
    wr_release(p);
    CHECK_EQ(log.calls, 2);
    CHECK_PTR_EQ(log.refs[0], c);
    CHECK_PTR_EQ(log.refs[1], a);
    CHECK_EQ(log.freed, 3);
    CHECK_EQ(wr_weakref_cancel(a), 0); /* it had run */
    CHECK_EQ(wr_weakref_cancel_timed(b, 0), 0);
    wr_release(a);
    wr_release(b);
    wr_release(c);
    CHECK_EQ(log.freed, 3);
}

TEST(S43_nothing_to_cancel_is_0) {
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL), *proxy = new_proxy(p, NULL, NULL);
    CHECK_EQ(wr_weakref_cancel(ref), 0);
    CHECK_EQ(wr_weakref_cancel_timed(proxy, 1000), 0);
    wr_release(p);
    CHECK_EQ(wr_weakref_cancel(ref), 0);
    wr_release(ref);
    wr_release(proxy);
}

TEST(S43_a_callback_that_waits_in_its_queue_is_cancelled) {
    struct log log = {0};
    wr_queue *queue = new_queue();
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_bound_ref(p, queue, &log);
    wr_release(p);
    CHECK_EQ(log.calls + log.freed, 0);
    CHECK_EQ(wr_weakref_cancel(ref), 1);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(wr_queue_run(queue, 0), 0);
    CHECK_EQ(wr_weakref_cancel(ref), 0);
    wr_release(ref);
    wr_queue_free(queue);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
}

/* ---- from inside ---- */

struct inside {
    wr_weakref *self, *older, *newer;
    unsigned calls, freed;
};
static void cancels_itself(wr_weakref *ref, void *arg) {
    struct inside *in = arg;
    in->calls++;
    CHECK_EQ(wr_weakref_cancel(ref), 0);
    CHECK_EQ(wr_weakref_cancel_timed(ref, -1), 0);
    CHECK_EQ(wr_weakref_cancel(in->newer), 0); /* has run */
    CHECK_EQ(wr_weakref_cancel(in->older), 1); /* dead, but its turn has not come */
}
static void frees_inside(void *arg) {
    struct inside *in = arg;
    in->freed++;
    CHECK_EQ(wr_weakref_cancel(in->self), 0);
}

TEST(S43_a_callback_may_cancel_itself_and_its_siblings) {
    struct log log = {0};
    struct inside in = {0};
    for (int kill = 0; kill < 2; kill++) {
        probe *p = probe_new(NULL);
        wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
        o.callback = cancels_itself;
        o.arg = &in;
        o.arg_destroy = frees_inside;
        in.older = new_owning_ref(p, &log);
        in.self = wr_weakref_new_ex(p, &o);
        in.newer = new_owning_ref(p, &log);
        if (kill)
            CHECK_EQ(wr_kill(p), 1);
        wr_release(p);
        CHECK_EQ(in.calls, kill + 1);
        CHECK_EQ(in.freed, kill + 1);
        CHECK_EQ(log.calls, kill + 1);
        CHECK_EQ(log.freed, 2 * (kill + 1));
        wr_release(in.older);
        wr_release(in.self);
        wr_release(in.newer);
    }
}

TEST(S43_the_argument_destructor_may_cancel_too) {
    struct inside in = {0};
    probe *p = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = &in;
    o.arg_destroy = frees_inside;
    in.self = wr_weakref_new_ex(p, &o);
    CHECK_EQ(wr_weakref_cancel(in.self), 1);
    CHECK_EQ(in.freed, 1);
    wr_release(in.self);
    wr_release(p);
}

/* ---- against one that runs on another thread ---- */

struct running {
    probe *obj;
    wr_weakref *ref, *other;
    sem_t begun, end;
    unsigned done;   /* plain: seen after cancel returned 0, or a race */
    bool in_destroy; /* the slow part is the argument destructor */
};

static void slow_part(struct running *r) {
    sem_post(&r->begun);
    wait_for(&r->end);
}
static void runs_long(wr_weakref *ref, void *arg) {
    (void)ref;
    struct running *r = arg;
    if (!r->in_destroy)
        slow_part(r);
    r->done++;
}
static void frees_long(void *arg) {
    struct running *r = arg;
    if (r->in_destroy)
        slow_part(r);
    r->done++;
}
static void *ends_it(void *arg) {
    wr_release(((struct running *)arg)->obj);
    return NULL;
}
static void *cancels_it(void *arg) {
    struct running *r = arg;
    CHECK_EQ(wr_weakref_cancel(r->ref), 0);
    CHECK_EQ(r->done, 2);
    return NULL;
}

static void start_running(struct running *r, pthread_t *thread, bool in_destroy) {
    *r = (struct running){.obj = probe_new(NULL), .in_destroy = in_destroy};
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = runs_long;
    o.arg = r;
    o.arg_destroy = frees_long;
    r->ref = wr_weakref_new_ex(r->obj, &o);
    REQUIRE(sem_init(&r->begun, 0, 0) == 0 && sem_init(&r->end, 0, 0) == 0);
    REQUIRE(pthread_create(thread, NULL, ends_it, r) == 0);
    wait_for(&r->begun);
}

static void finish_running(struct running *r, pthread_t thread) {
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_EQ(r->done, 2);
    wr_release(r->ref);
    sem_destroy(&r->begun);
    sem_destroy(&r->end);
}

TEST(S43_the_timed_form_gives_up_on_a_running_callback) {
    for (int in_destroy = 0; in_destroy < 2; in_destroy++) {
        struct running r;
        pthread_t thread;
        start_running(&r, &thread, in_destroy);
        CHECK_EQ(wr_weakref_cancel_timed(r.ref, 0), -ETIMEDOUT);
        CHECK_EQ(wr_weakref_cancel_timed(r.ref, 3), -ETIMEDOUT);
        CHECK_EQ(wr_weakref_cancel_timed(r.ref, 3), -ETIMEDOUT);
        sem_post(&r.end);
        CHECK_EQ(wr_weakref_cancel_timed(r.ref, 1000000), 0);
        CHECK_EQ(r.done, 2);
        finish_running(&r, thread);
    }
}

TEST(S43_cancel_waits_for_a_running_callback_and_its_destructor) {
    for (unsigned round = 0; round < scaled(200); round++) {
        struct running r;
        pthread_t thread, cancellers[3];
        start_running(&r, &thread, round % 2);
        for (int i = 0; i < 3; i++)
            REQUIRE(pthread_create(&cancellers[i], NULL, cancels_it, &r) == 0);
        CHECK_EQ(wr_weakref_cancel_timed(r.ref, 0), -ETIMEDOUT);
        sem_post(&r.end);
        for (int i = 0; i < 3; i++)
            REQUIRE(pthread_join(cancellers[i], NULL) == 0);
        finish_running(&r, thread);
    }
}

/* Two callbacks that cancel each other would wait for ever; with the timed form both get -ETIMEDOUT or find the
 * other over. */
struct mutual {
    wr_weakref *refs[2];
    probe *objs[2];
    pthread_barrier_t both;
    atomic_int results[2];
};
static struct mutual mutual;
static void cancels_the_other(wr_weakref *ref, void *arg) {
    (void)ref;
    unsigned index = *(unsigned *)arg;
    pthread_barrier_wait(&mutual.both);
    atomic_store(&mutual.results[index], wr_weakref_cancel_timed(mutual.refs[1 - index], 5));
}
static void release_one(unsigned index, void *arg) {
    (void)arg;
    wr_release(mutual.objs[index]);
}

TEST(S43_two_that_cancel_each_other_time_out) {
    static unsigned indices[] = {0, 1};
    REQUIRE(pthread_barrier_init(&mutual.both, NULL, 2) == 0);
    for (int i = 0; i < 2; i++) {
        mutual.objs[i] = probe_new(NULL);
        mutual.refs[i] = new_ref(mutual.objs[i], cancels_the_other, &indices[i]);
    }
    run_threads(2, release_one, NULL);
    int a = atomic_load(&mutual.results[0]), b = atomic_load(&mutual.results[1]);
    CHECK(a == -ETIMEDOUT || b == -ETIMEDOUT);
    CHECK(a == -ETIMEDOUT || a == 0);
    CHECK(b == -ETIMEDOUT || b == 0);
    wr_release(mutual.refs[0]);
    wr_release(mutual.refs[1]);
}
