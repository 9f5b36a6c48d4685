/* SPDX-License-Identifier: MIT */
/*
 * Perturbations that the thread which watches the run does, every few milliseconds: signals to workers, forks,
 * wr_trim; and allocations that fail. Handlers and children use objects of their own, the guests, which this thread
 * makes and ends all the time: scenarios may rely on it that nobody else holds theirs.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perturb.h"
#include "perturb_guests.h"
#include "weakrt.h"

#define SIGNALS_EACH_TICK 4u
#define FORK_SECONDS 0.1
#define TRIM_SECONDS 0.02
#define CHILD_SECONDS 120u /* after which a child's alarm ends it: it is stuck */
#define MOST_THREADS 256u

static struct {
    pthread_mutex_t lock; /* who is in `threads` does not end while it is held */
    pthread_t threads[MOST_THREADS];
    unsigned count, next;
    double next_fork, next_trim; /* the watching thread's */
    pid_t child;                 /* 0: none is running */
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

void perturb_thread_signalled(bool on) {
    (void)pthread_mutex_lock(&process.lock);
    if (on && process.count < MOST_THREADS) {
        process.threads[process.count++] = pthread_self();
    } else if (!on) {
        for (unsigned i = 0; i < process.count; i++)
            if (pthread_equal(process.threads[i], pthread_self()))
                process.threads[i] = process.threads[--process.count];
    }
    (void)pthread_mutex_unlock(&process.lock);
}

/* ---- signals ---- */

static void handler(int number) {
    int saved = errno;
    (void)number;
    guests_look();
    perturb_happened(PERTURB_SIGNALS);
    errno = saved;
}

static void send_signals(void) {
    (void)pthread_mutex_lock(&process.lock);
    for (unsigned i = 0; i < SIGNALS_EACH_TICK && process.count != 0; i++)
        (void)pthread_kill(process.threads[process.next++ % process.count], SIGUSR1);
    (void)pthread_mutex_unlock(&process.lock);
}

/* ---- forks ---- */

/* What a child says it ended with. */
enum { CHILD_GOOD = 0, CHILD_BAD = 1 };

static void begin_fork(void) {
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(CHILD_SECONDS);
        atomic_store_explicit(&perturb_due[PERTURB_HOLD], false, memory_order_relaxed);
        /* Not _exit: there ThreadSanitizer takes threads that the parent has yet to join for the child's. A report of
         * anything else has ended the child by now. */
        (void)syscall(SYS_exit_group, guests_are_sound() ? CHILD_GOOD : CHILD_BAD);
    }
    if (pid > 0)
        process.child = pid;
}

static void end_fork(int options) {
    int status = 0;
    pid_t pid = 0;
    if (process.child == 0)
        return;
    while ((pid = waitpid(process.child, &status, options)) < 0 && errno == EINTR)
        ;
    if (pid == 0)
        return;
    process.child = 0;
    if (WIFSIGNALED(status))
        guests_wrong("a child of fork, which uses what it inherited, was ended by signal", WTERMSIG(status));
    if (WEXITSTATUS(status) != CHILD_GOOD)
        guests_wrong("a child of fork, which uses what it inherited, ended with status", WEXITSTATUS(status));
    perturb_happened(PERTURB_FORK);
}

/* ---- allocations ---- */

static _Atomic uint64_t allocations;
static atomic_bool allocations_fail; /* while the workers run: not what the scenario begins with */

static void *failing_allocator(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    uint64_t x = atomic_fetch_add_explicit(&allocations, UINT64_C(0x9e3779b97f4a7c15), memory_order_relaxed);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    if (atomic_load_explicit(&allocations_fail, memory_order_relaxed) && x >> 62 == 0) {
        perturb_happened(PERTURB_MEMORY);
        return NULL;
    }
    return realloc(ptr, size);
}

/* ---- all ---- */

void perturb_process_begin(uint64_t seed) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    atomic_store_explicit(&allocations, seed, memory_order_relaxed);
    if (perturb_is_on(PERTURB_MEMORY) && wr_set_allocator(failing_allocator, NULL) != 0)
        guests_wrong("wr_set_allocator failed with", -1);
    if (perturb_is_on(PERTURB_FORK))
        (void)pthread_atfork(wr_atfork_prepare, wr_atfork_parent, wr_atfork_child);
    (void)sigaction(SIGUSR1, &action, NULL);
}

void perturb_process_tick(double now) {
    atomic_store_explicit(&allocations_fail, perturb_is_on(PERTURB_MEMORY), memory_order_relaxed);
    if (perturb_is_on(PERTURB_SIGNALS) || perturb_is_on(PERTURB_FORK) || perturb_is_on(PERTURB_MEMORY))
        guests_turn();
    if (perturb_is_on(PERTURB_SIGNALS))
        send_signals();
    if (perturb_is_on(PERTURB_TRIM) && now >= process.next_trim) {
        process.next_trim = now + TRIM_SECONDS;
        (void)wr_trim();
        perturb_happened(PERTURB_TRIM);
    }
    end_fork(WNOHANG);
    if (perturb_is_on(PERTURB_FORK) && process.child == 0 && now >= process.next_fork) {
        process.next_fork = now + FORK_SECONDS;
        begin_fork();
    }
}

void perturb_process_end(void) {
    atomic_store_explicit(&allocations_fail, false, memory_order_relaxed);
    end_fork(0);
    guests_leave();
}
