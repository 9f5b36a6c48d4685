/* SPDX-License-Identifier: MIT */
/* Delivery between threads: nothing is lost or run twice, each producer's order is kept, and nobody sleeps
 * through a push. */
#include "stopper.h" /* first: it brings the library's internals */

#include <sched.h>
#include <semaphore.h>

#include "queues.h"

/* ---- many producers, one runner that polls ---- */

enum { PRODUCERS = 3 };
struct traffic {
    wr_queue *queue;
    unsigned each;
    unsigned long seen[PRODUCERS]; /* plain: only the runner touches it */
    unsigned long ran;
};

/* What travels: its value says whose it is, and the how-manieth. */
static void arrives(struct traffic *t, uint64_t value) {
    unsigned producer = (unsigned)(value >> 32);
    CHECK_EQ((uint32_t)value, t->seen[producer]);
    t->seen[producer]++;
    t->ran++;
}
static struct traffic *traffic_now;
static void parcel_destroy(void *self) {
    arrives(traffic_now, *(uint64_t *)self);
}
static const wr_type parcel_type = {
    .abi = WR_TYPE_ABI, .name = "parcel", .size = sizeof(uint64_t), .destroy = parcel_destroy};
static void parcel_callback(wr_weakref *ref, void *arg) {
    arrives(traffic_now, *(uint64_t *)arg);
    wr_release(ref);
}

static void send(struct traffic *t, unsigned producer, uint32_t n) {
    uint64_t value = (uint64_t)producer << 32 | n;
    if (n % 3 == 2) { /* a callback with the value as its argument */
        uint64_t *arg = malloc(sizeof *arg);
        REQUIRE(arg != NULL);
        *arg = value;
        wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
        o.callback = parcel_callback;
        o.arg = arg;
        o.arg_destroy = free;
        o.queue = t->queue;
        wr_type plain = PLAIN_TYPE(8);
        void *obj = wr_new(&plain);
        REQUIRE(wr_weakref_new_ex(obj, &o) != NULL); /* the callback drops it */
        wr_release(obj);
        return;
    }
    uint64_t *parcel = wr_new(&parcel_type);
    REQUIRE(parcel != NULL);
    *parcel = value;
    if (n % 3 == 0) {
        wr_release_later(parcel, t->queue);
    } else {
        REQUIRE(wr_bind(parcel, t->queue) == 0);
        wr_release(parcel);
    }
}

static void produce_or_run(unsigned index, void *arg) {
    struct traffic *t = arg;
    if (index < PRODUCERS) {
        for (uint32_t n = 0; n < t->each; n++) {
            send(t, index, n);
            if (n % 16 == 0)
                sched_yield();
        }
        return;
    }
    while (t->ran < (unsigned long)t->each * PRODUCERS) {
        /* The hang guard ends this when a push was slept through. */
        if (!readable_within(t->queue, -1))
            continue;
        int ran = wr_queue_run(t->queue, t->ran % 2 ? 7 : 0);
        CHECK_GE(ran, 0);
    }
}

TEST(S44_nothing_is_lost_or_reordered_or_slept_through) {
    struct traffic t = {.queue = new_queue(), .each = scaled(20000)};
    traffic_now = &t;
    run_threads(PRODUCERS + 1, produce_or_run, &t);
    for (int i = 0; i < PRODUCERS; i++)
        CHECK_EQ(t.seen[i], t.each);
    CHECK_EQ(wr_queue_run(t.queue, 0), 0);
    wr_queue_free(t.queue);
}

/* ---- cancel against the queue's run ---- */

struct meeting {
    wr_queue *queue;
    wr_weakref **refs;
    unsigned *calls; /* plain, one for each ref */
    int *cancelled;
    bool *over; /* set after cancel returned; no callback may begin then */
    unsigned n;
};
static void met(wr_weakref *ref, void *arg) {
    (void)ref;
    ++*(unsigned *)arg;
}
static void meet(unsigned index, void *arg) {
    struct meeting *m = arg;
    if (index == 0) {
        for (unsigned ran = 0; ran < m->n; ran++)
            (void)wr_queue_run(m->queue, 1);
        return;
    }
    for (unsigned i = m->n; i-- > 0;) {
        m->cancelled[i] = wr_weakref_cancel(m->refs[i]);
        /* Plain: a callback that runs later, or whose end cancel did not wait for, is a race or a wrong count. */
        CHECK_EQ(m->calls[i], !m->cancelled[i]);
    }
}
TEST(S43_cancel_and_the_queue_settle_each_callback) {
    unsigned n = scaled(4000);
    struct meeting m = {.queue = new_queue(),
                        .refs = calloc(n, sizeof *m.refs),
                        .calls = calloc(n, sizeof *m.calls),
                        .cancelled = calloc(n, sizeof *m.cancelled),
                        .n = n};
    REQUIRE(m.refs && m.calls && m.cancelled);
    for (unsigned i = 0; i < n; i++) {
        wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
        o.callback = met;
        o.arg = &m.calls[i];
        o.queue = m.queue;
        void *obj = probe_new(NULL);
        m.refs[i] = wr_weakref_new_ex(obj, &o);
        wr_release(obj);
    }
    run_threads(2, meet, &m);
    unsigned calls = 0, cancelled = 0;
    for (unsigned i = 0; i < n; i++) {
        calls += m.calls[i];
        cancelled += (unsigned)m.cancelled[i];
        wr_release(m.refs[i]);
    }
    CHECK_EQ(calls + cancelled, n);
    wr_queue_free(m.queue);
    free(m.refs);
    free(m.calls);
    free(m.cancelled);
}

/* ---- a callback that does not return ---- */

struct stuck {
    wr_queue *queue;
    sem_t in, go;
};
static void sticks(wr_weakref *ref, void *arg) {
    struct stuck *stuck = arg;
    (void)ref;
    sem_post(&stuck->in);
    while (sem_wait(&stuck->go) != 0)
        ;
}
static void *runs_queue(void *arg) {
    CHECK_EQ(wr_queue_run(((struct stuck *)arg)->queue, 0), 1);
    return NULL;
}
static wr_weakref *bind_stuck(void *obj, wr_callback callback, void *arg, wr_queue *queue) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    o.queue = queue;
    return wr_weakref_new_ex(obj, &o);
}
TEST(S43_a_callback_that_does_not_return_holds_up_its_own_thread_alone) {
    struct stuck stuck = {.queue = new_queue()};
    unsigned calls = 0, destroyed = 0;
    REQUIRE(sem_init(&stuck.in, 0, 0) == 0 && sem_init(&stuck.go, 0, 0) == 0);
    void *obj = probe_new(NULL), *other = probe_new(&destroyed);
    wr_weakref *behind = bind_stuck(obj, met, &calls, stuck.queue); /* older: its turn is later */
    wr_weakref *first = bind_stuck(obj, sticks, &stuck, stuck.queue);
    wr_release(obj);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, runs_queue, &stuck) == 0);
    while (sem_wait(&stuck.in) != 0)
        ;
    CHECK_EQ(wr_weakref_cancel_timed(first, 1), -ETIMEDOUT);
    CHECK_EQ(wr_weakref_cancel(behind), 1); /* of the same queue and object */
    CHECK_EQ(wr_queue_run(stuck.queue, 0), -EBUSY);
    CHECK_EQ(wr_kill_wait(other, -1), 0);
    CHECK_EQ(destroyed, 1);
    wr_release_later(probe_new(&destroyed), stuck.queue);
    CHECK(readable(stuck.queue));
    sem_post(&stuck.go);
    CHECK_EQ(wr_weakref_cancel(first), 0); /* waits until it is over */
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK_EQ(calls, 0);
    CHECK_EQ(wr_queue_run(stuck.queue, 0), 1);
    CHECK_EQ(destroyed, 2);
    wr_release(first);
    wr_release(behind);
    wr_queue_free(stuck.queue);
}

/* ---- a queue freed under the hands of who runs it ---- */

static struct stuck held_up;
TEST_ABORTS(S45_freeing_a_queue_that_another_thread_runs_is_misuse, "it is being run") {
    held_up.queue = new_queue();
    REQUIRE(sem_init(&held_up.in, 0, 0) == 0 && sem_init(&held_up.go, 0, 0) == 0);
    void *obj = probe_new(NULL);
    (void)bind_stuck(obj, sticks, &held_up, held_up.queue);
    wr_release(obj);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, runs_queue, &held_up) == 0);
    while (sem_wait(&held_up.in) != 0)
        ;
    wr_queue_free(held_up.queue);
}

/* ---- drop of a weakref against the queue's pop of it ---- */

struct drop {
    wr_queue *queue;
    wr_weakref **refs;
    unsigned n;
};
static void drop_or_pop(unsigned index, void *arg) {
    struct drop *d = arg;
    for (unsigned i = 0; i < d->n; i++) {
        if (index == 0)
            wr_release(d->refs[i]);
        else
            (void)wr_queue_run(d->queue, 1);
    }
}
TEST(S16_a_weakref_dropped_while_its_queue_pops_it_is_freed_once) {
    struct log log = {0};
    unsigned n = scaled(4000);
    struct drop d = {.queue = new_queue(), .refs = calloc(n, sizeof *d.refs), .n = n};
    REQUIRE(d.refs != NULL);
    for (unsigned i = 0; i < n; i++) {
        wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
        o.callback = met;
        o.arg = &log.calls;
        o.queue = d.queue;
        void *obj = probe_new(NULL);
        d.refs[i] = wr_weakref_new_ex(obj, &o);
        wr_release(obj);
    }
    run_threads(2, drop_or_pop, &d);
    (void)wr_queue_run(d.queue, 0);
    CHECK_LE(log.calls, n);
    wr_queue_free(d.queue);
    free(d.refs);
}

/* ---- forced: one producer stands between its push and its write ---- */

struct pusher {
    void *obj;
    wr_queue *queue;
};
static void pushes(void *arg) {
    struct pusher *p = arg;
    wr_release_later(p->obj, p->queue);
}
TEST(S44_who_was_slow_to_say_that_it_is_readable_does_not_say_so_of_a_later_time) {
    NEEDS_STOPPER;
    unsigned destroyed = 0;
    struct pusher p = {.obj = probe_new(&destroyed), .queue = new_queue()};
    struct stopper s;
    stopper_start(&s, pushes, &p, "cas_acq_rel", NULL, 1); /* it has written */
    CHECK(readable(p.queue));
    wr_release_later(probe_new(&destroyed), p.queue);
    CHECK(readable(p.queue));
    CHECK_EQ(wr_queue_run(p.queue, 0), 2);
    CHECK(!readable(p.queue));
    stopper_finish(&s);
    wr_release_later(probe_new(&destroyed), p.queue);
    CHECK(readable(p.queue));
    CHECK_EQ(wr_queue_run(p.queue, 0), 1);
    CHECK_EQ(destroyed, 3);
    wr_queue_free(p.queue);
}

TEST(S44_a_second_push_is_readable_though_the_first_has_not_written_yet) {
    NEEDS_STOPPER;
    unsigned destroyed = 0;
    struct pusher p = {.obj = probe_new(&destroyed), .queue = new_queue()};
    struct stopper s;
    stopper_start(&s, pushes, &p, "or_acq_rel", NULL, 1); /* pushed, and nothing else */
    wr_release_later(probe_new(&destroyed), p.queue);
    CHECK(readable(p.queue));
    CHECK_EQ(wr_queue_run(p.queue, 0), 2);
    stopper_finish(&s);
    CHECK(readable(p.queue)); /* spuriously */
    CHECK_EQ(wr_queue_run(p.queue, 0), 0);
    CHECK(!readable(p.queue));
    wr_queue_free(p.queue);
}
