/* SPDX-License-Identifier: MIT */
/*
 * Timers that can be cancelled from any thread, so that after timer_cancel has returned their function does not run and
 * will not: what it uses may be freed. The thread that runs them has weak values only, and borrows a timer while it
 * runs it; cancelling is wr_kill_wait, which knows of the borrow. A timer may cancel itself too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct timer {
    long due, period; /* in ticks; once started, the clock's thread's */
    void (*run)(void *arg);
    void *arg;
};
static const wr_type timer_type = {
    .abi = WR_TYPE_ABI, .flags = WR_BORROWABLE, .name = "timer", .size = sizeof(struct timer)};

enum { TIMERS = 8 };
static wr_weak_cell timers[TIMERS]; /* what the clock looks at; it owns none of them */
static atomic_long now;
static atomic_bool over;

static struct timer *timer_start(long period, void (*run)(void *arg), void *arg) {
    struct timer *timer = wr_new(&timer_type);
    REQUIRE(timer != NULL);
    *timer = (struct timer){.due = now + period, .period = period, .run = run, .arg = arg};
    for (int i = 0; i < TIMERS; i++) {
        wr_weak there = wr_weak_cell_load(&timers[i]);
        if (wr_weak_is_dead(there) && wr_weak_cell_compare_exchange(&timers[i], there, wr_weak_of(timer)))
            return timer;
    }
    wr_release(timer);
    return NULL; /* too many */
}

/* Gives up the caller's reference. */
static void timer_cancel(struct timer *timer) {
    if (wr_kill_wait(timer, -1) == -EDEADLK) { /* from inside: over when that returns */
        (void)wr_kill(timer);
        wr_release(timer);
    }
}

static void tick(void) {
    now++;
    for (int i = 0; i < TIMERS; i++) {
        wr_borrowed borrowed;
        struct timer *timer = wr_borrow(wr_weak_cell_load(&timers[i]), &borrowed);
        if (timer == NULL)
            continue;
        if (timer->due <= now) {
            timer->due = now + timer->period;
            timer->run(timer->arg);
        }
        wr_return(&borrowed);
    }
}

static void *clock_run(void *arg) {
    (void)arg;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    REQUIRE(fd >= 0 && timerfd_settime(fd, 0, &every, NULL) == 0);
    for (uint64_t count; !over && read(fd, &count, sizeof count) == (ssize_t)sizeof count;)
        tick();
    (void)close(fd);
    return NULL;
}

struct session {
    int ticks;
    sem_t three;
};

static void session_tick(void *arg) {
    struct session *session = arg;
    if (++session->ticks == 3)
        REQUIRE(sem_post(&session->three) == 0);
}

static struct timer *once;
static sem_t was_once;

static void run_once(void *arg) {
    (void)arg;
    timer_cancel(once);
    REQUIRE(sem_post(&was_once) == 0);
}

int main(void) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, clock_run, NULL) == 0);

    struct session *session = calloc(1, sizeof *session);
    REQUIRE(session != NULL && sem_init(&session->three, 0, 0) == 0);
    struct timer *timer = timer_start(1, session_tick, session);
    REQUIRE(timer != NULL && sem_wait(&session->three) == 0);
    timer_cancel(timer);
    REQUIRE(session->ticks >= 3); /* nobody writes it any more */
    (void)sem_destroy(&session->three);
    free(session);
    puts("three ticks, then cancelled, and its memory freed");

    REQUIRE(sem_init(&was_once, 0, 0) == 0);
    REQUIRE((once = timer_start(LONG_MAX / 2, run_once, NULL)) != NULL);
    timer_cancel(once);
    puts("cancelled before it was due");
    over = true;
    REQUIRE(pthread_join(thread, NULL) == 0);

    REQUIRE((once = timer_start(1, run_once, NULL)) != NULL);
    tick(), tick();
    REQUIRE(sem_wait(&was_once) == 0);
    puts("cancelled by itself");
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    REQUIRE(stats.live == 0);
    return 0;
}
