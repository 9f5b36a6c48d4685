/* SPDX-License-Identifier: MIT */
/* Removal that waits, and listeners under threads (S53). */
#include "stopper.h"
#include "containers.h"

static wr_listeners *l;
static sem_t inside, go;
static atomic_bool running, removed;
static unsigned work; /* not atomic: a removal that does not wait is a race */

static void set_up(void) {
    l = wr_listeners_new();
    REQUIRE(l != NULL && sem_init(&inside, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
}

static void slow(void *self, void *event, void *arg) {
    (void)self, (void)event, (void)arg;
    running = true;
    sem_post(&inside);
    while (sem_wait(&go) != 0)
        ;
    work++;
    running = false;
}

static void *call(void *arg) {
    (void)arg;
    CHECK_EQ(wr_listeners_call(l, NULL), 1);
    return NULL;
}

static void *remove_and_wait(void *self) {
    CHECK_EQ(wr_listeners_remove_wait(l, self, slow), 0);
    CHECK(!running);
    CHECK_EQ(++work, 2);
    removed = true;
    return NULL;
}

static void start(pthread_t *thread, void *(*fn)(void *arg), void *arg) {
    REQUIRE(pthread_create(thread, NULL, fn, arg) == 0);
}

static void join(pthread_t thread) {
    REQUIRE(pthread_join(thread, NULL) == 0);
}

TEST(S53_remove_wait_waits_for_the_call_on_another_thread) {
    set_up();
    probe *p = probe_new(NULL);
    pthread_t caller, remover;
    CHECK_EQ(wr_listeners_add(l, p, slow, NULL), 0);
    start(&caller, call, NULL);
    while (sem_wait(&inside) != 0)
        ;
    CHECK_EQ(wr_listeners_remove_wait_timed(l, p, slow, 0), -ETIMEDOUT);
    CHECK_EQ(wr_listeners_len(l), 0); /* out it is */
    CHECK_EQ(wr_listeners_add(l, p, slow, NULL), 0);
    start(&remover, remove_and_wait, p);
    while (wr_listeners_contains(l, p, slow))
        sched_yield();
    CHECK(!removed);
    sem_post(&go);
    join(caller);
    join(remover);
    CHECK(removed);
    wr_release(p);
    wr_listeners_free(l);
    check_nothing_left();
}

TEST(S53_remove_does_not_wait) {
    set_up();
    probe *p = probe_new(NULL);
    probe *q = probe_new(NULL);
    pthread_t caller;
    CHECK_EQ(wr_listeners_add(l, p, slow, NULL), 0);
    start(&caller, call, NULL);
    while (sem_wait(&inside) != 0)
        ;
    CHECK_EQ(wr_listeners_add(l, q, slow, NULL), 0);
    CHECK_EQ(wr_listeners_remove_wait(l, q, slow), 0); /* another object's is nothing to wait for */
    CHECK_EQ(wr_listeners_add(l, p, no_method, NULL), 0);
    CHECK_EQ(wr_listeners_remove_wait(l, p, no_method), 0); /* nor is another method */
    CHECK_EQ(wr_listeners_remove(l, p, slow), 0);
    CHECK_EQ(wr_listeners_remove_wait_timed(l, p, slow, 1), -ETIMEDOUT); /* there was none, but it runs */
    CHECK(running);
    sem_post(&go);
    join(caller);
    CHECK_EQ(wr_listeners_remove_wait(l, p, slow), -ENOENT);
    wr_release(p);
    wr_release(q);
    wr_listeners_free(l);
    check_nothing_left();
}

/* Two threads inside of the same method on the same object: each removes it, and neither waits for the other. */
static atomic_uint in_both;
static void remove_from_inside(void *self, void *event, void *arg) {
    (void)event, (void)arg;
    in_both++;
    while (in_both < 2)
        sched_yield();
    (void)wr_listeners_remove_wait(l, self, remove_from_inside);
}

TEST(S53_two_that_remove_themselves_at_once_do_not_deadlock) {
    set_up();
    probe *p = probe_new(NULL);
    pthread_t callers[2];
    CHECK_EQ(wr_listeners_add(l, p, remove_from_inside, NULL), 0);
    start(&callers[0], call, NULL);
    start(&callers[1], call, NULL);
    join(callers[0]);
    join(callers[1]);
    CHECK_EQ(wr_listeners_len(l), 0);
    wr_release(p);
    wr_listeners_free(l);
    check_nothing_left();
}

/* Each object counts its calls, not atomically: it is one thread's, and after the removal its owner's. */
enum { THREADS = 4 };
struct counted {
    unsigned calls;
    bool gone;
};
static const wr_type counted_type = {.abi = WR_TYPE_ABI, .name = "counted", .size = sizeof(struct counted)};
static atomic_bool over;

static void count(void *self, void *event, void *arg) {
    struct counted *c = self;
    (void)event, (void)arg;
    CHECK(!c->gone);
    c->calls++;
}

static void come_and_go(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) { /* the only caller */
        while (!over)
            CHECK_GE(wr_listeners_call(l, NULL), 0);
        return;
    }
    test_rng rng = rng_make(index);
    for (unsigned n = scaled(20000); n > 0; n--) {
        struct counted *c = wr_new(&counted_type);
        REQUIRE(c != NULL);
        CHECK_EQ(wr_listeners_add(l, c, count, NULL), 0);
        switch (rng_below(&rng, 3)) {
        case 0:
            CHECK_EQ(wr_listeners_remove_wait(l, c, count), 0);
            c->gone = true;
            break;
        case 1:
            CHECK_EQ(wr_kill(c), 1);
            CHECK_EQ(wr_listeners_remove_wait(l, c, count), -ENOENT);
            c->gone = true;
            break;
        default:
            break;
        }
        wr_release(c);
    }
    static atomic_uint done;
    if (++done == THREADS - 1)
        over = true;
}

TEST(S53_listeners_come_and_go_while_they_are_called) {
    set_up();
    run_threads(THREADS, come_and_go, NULL);
    CHECK_EQ(wr_listeners_len(l), 0);
    wr_listeners_free(l);
    check_nothing_left();
}

/* ---- forced ---- */

static int added;
static void add_once(void *self) {
    added = wr_listeners_add_once(l, self, no_method, NULL);
}

/* Between its link and its place in the list, the end of its object comes for it. */
TEST(S53_an_object_is_cleared_or_killed_while_it_is_added) {
    NEEDS_STOPPER;
    set_up();
    const void *lock = shard_lock(l);
    for (int kill = 0; kill < 2; kill++) {
        probe *p = probe_new(NULL);
        struct stopper s;
        stopper_start(&s, add_once, p, "cas_acquire", lock, 1);
        CHECK_EQ(kill ? wr_kill(p) : wr_weakref_clear(p), kill);
        stopper_finish(&s);
        CHECK_EQ(added, kill ? -ESTALE : 1);
        CHECK_EQ(wr_listeners_len(l), !kill);
        CHECK_EQ(wr_listeners_contains(l, p, no_method), !kill);
        wr_release(p);
        CHECK_EQ(wr_listeners_len(l), 0);
    }
    wr_listeners_free(l);
    check_nothing_left();
}
