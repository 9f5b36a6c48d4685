/* SPDX-License-Identifier: MIT */
/* wr_weak_get and wr_weak_is_dead in a signal handler, whatever the interrupted thread is doing. */
#include "common.h"

#include <sched.h>
#include <signal.h>

enum { WATCHED = 32 };

static _Atomic uint64_t published[WATCHED]; /* weak values of objects that come and go */
static _Thread_local void *volatile held;   /* what this thread's handler got; released outside of it */
static atomic_uint handled, got, lost;
static atomic_bool stop;

static void look_up(int number) {
    (void)number;
    int saved = errno;
    unsigned at = atomic_fetch_add(&handled, 1) % WATCHED;
    wr_weak w = wr_weak_from_u64(atomic_load(&published[at]));
    errno = ENOTTY;
    bool dead = wr_weak_is_dead(w);
    if (held == NULL) {
        void *obj = wr_weak_get(w);
        CHECK(!(dead && obj != NULL));
        atomic_fetch_add(obj ? &got : &lost, 1);
        held = obj;
    }
    CHECK_EQ(errno, ENOTTY);
    errno = saved;
}

static void let_go(void) {
    void *obj = held;
    held = NULL; /* in this order: the handler may come between */
    wr_release(obj);
}

static void live_and_die(unsigned count) {
    static atomic_uint next;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = atomic_fetch_add(&next, 1) % WATCHED;
        probe *p = probe_new(NULL);
        p->child = probe_new(NULL);
        p->value = 17;
        atomic_store(&published[at], wr_weak_to_u64(wr_weak_of(p)));
        wr_release(wr_retain(p));
        if (i % 3 == 0)
            (void)wr_kill(p);
        wr_release(p);
        let_go();
    }
}

static pthread_t workers[2];
static atomic_uint ready;

static void work_or_signal(unsigned index, void *arg) {
    (void)arg;
    if (index < 2) {
        workers[index] = pthread_self();
        atomic_fetch_add(&ready, 1);
        while (!atomic_load(&stop))
            live_and_die(50);
        atomic_fetch_add(&ready, 1);
        while (atomic_load(&ready) < 5) /* signals may still come: this thread must be there for them */
            sched_yield();
        let_go();
        return;
    }
    while (atomic_load(&ready) < 2)
        sched_yield();
    for (unsigned i = 0; i < scaled(5000) || atomic_load(&got) == 0 || atomic_load(&lost) == 0; i++) {
        REQUIRE(pthread_kill(workers[i % 2], SIGUSR1) == 0);
        if (i % 16 == 0)
            sched_yield();
    }
    atomic_store(&stop, true);
    atomic_fetch_add(&ready, 1);
}

TEST(get_and_is_dead_in_a_signal_handler) {
    struct sigaction action = {.sa_handler = look_up, .sa_flags = SA_RESTART};
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    run_threads(3, work_or_signal, NULL);
    CHECK_GT(atomic_load(&got), 0);
    CHECK_GT(atomic_load(&lost), 0);
}
