/* SPDX-License-Identifier: MIT */
/* Borrowing where system calls are filtered, and after a fork. */
#include "word.h"

#include "borrows.h"
#include "filter.h"
#include "child.h"

/* ---- without membarrier ---- */

#ifdef CAN_FILTER
static bool forbid_membarrier(void) {
    return filter_call(SYS_membarrier, CALL_REFUSED) && syscall(SYS_membarrier, 0, 0, 0) == -1 &&
           errno == EPERM;
}
#else
static bool forbid_membarrier(void) {
    return false;
}
#endif

static void borrow_and_die(unsigned index, void *arg) {
    struct turns *t = arg;
    for (unsigned i = 0; i < scaled(5000); i++) {
        wr_borrowed b, c;
        probe *p = wr_cell_borrow(&t->cell, &b);
        probe *q = wr_cell_borrow(&t->cell, &c);
        if (p != NULL)
            CHECK_EQ(p->value, 42);
        if (q != NULL)
            CHECK_EQ(q->value, 42);
        wr_return(&b);
        if (index == 0) {
            probe *r = wr_new(&fragile_type);
            r->value = 42;
            wr_cell_store(&t->cell, r);
            wr_release(r);
        }
        if (q != NULL)
            CHECK_EQ(q->value, 42);
        wr_return(&c);
    }
}

TEST(S56_borrowing_works_where_membarrier_is_forbidden) {
    if (!forbid_membarrier())
        SKIP("system calls cannot be filtered here");
    static struct turns t;
    run_threads(3, borrow_and_die, &t);
    wr_cell_store(&t.cell, NULL);
    CHECK_EQ(atomic_load(&fragile_destroyed), scaled(5000));
    /* The same code on the bare membarrier is in the other tests. */
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_NE(b.r[0], (uintptr_t)wr_hazards);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_borrowing_threads_and_deaths) {
    static struct turns t;
    run_threads(3, borrow_and_die, &t);
    wr_cell_store(&t.cell, NULL);
    CHECK_EQ(atomic_load(&fragile_destroyed), scaled(5000));
}

static void lose_membarrier(void *unused) {
    (void)unused;
    CHECK(can_borrow(wr_weak_of(shy_new(NULL))));
    REQUIRE(forbid_membarrier());
    struct turns t = {.p = shy_new(NULL)};
    t.w = wr_weak_of(t.p);
    pthread_barrier_init(&t.at, NULL, 2);
    run_threads(2, take_turns, &t);
}

TEST(membarrier_lost_after_the_first_borrow_is_named) {
    if (ON_TSAN || RUNNING_ON_VALGRIND || emulated())
        SKIP("there is no membarrier in this build, or no filter");
#ifndef CAN_FILTER
    SKIP("system calls cannot be filtered here");
#endif
    test_aborts(lose_membarrier, NULL, "membarrier");
}

/* ---- fork ---- */

struct forking {
    pthread_barrier_t at;
    wr_weak w;
};

/* Borrow from before the other thread's first step until after its last. */
static void borrow_throughout(struct forking *f) {
    wr_borrowed b;
    CHECK_NOT_NULL(wr_borrow(f->w, &b));
    pthread_barrier_wait(&f->at);
    pthread_barrier_wait(&f->at);
    wr_return(&b);
}

static void hold_through_fork(unsigned index, void *arg) {
    struct forking *f = arg;
    if (index == 0) {
        borrow_throughout(f);
        return;
    }
    wr_borrowed b;
    void *mine = wr_borrow(f->w, &b);
    pthread_barrier_wait(&f->at);
    wr_atfork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        be_a_child();
        wr_atfork_child();
        unsigned *destroyed = ((probe *)mine)->destroyed;
        wr_release(mine); /* the only reference there is; the other thread's borrow is gone, ours is not */
        int good = *destroyed == 0;
        wr_return(&b);
        _exit(good && *destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(pid);
    wr_return(&b);
    pthread_barrier_wait(&f->at);
}

TEST(the_child_of_a_fork_has_its_own_thread_s_borrows_alone) {
    unsigned destroyed = 0;
    struct forking f;
    probe *p = shy_new(&destroyed);
    f.w = wr_weak_of(p);
    pthread_barrier_init(&f.at, NULL, 2);
    run_threads(2, hold_through_fork, &f);
    CHECK_EQ(destroyed, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    pthread_barrier_destroy(&f.at);
}

static unsigned fork_destroyed;
static void leave_through_fork(unsigned index, void *arg) {
    struct forking *f = arg;
    if (index == 0) {
        borrow_throughout(f);
        return;
    }
    pthread_barrier_wait(&f->at);
    void *p = wr_weak_get(f->w);
    wr_release(p);
    wr_release(p); /* the end is left to the other thread */
    CHECK_EQ(fork_destroyed, 0);
    wr_atfork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        be_a_child();
        wr_atfork_child();
        int good = fork_destroyed == 0; /* no user code in the handler */
        wr_release(probe_new(NULL));    /* any death finds it */
        _exit(good && fork_destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    child_was_good(pid);
    pthread_barrier_wait(&f->at);
}

TEST(what_was_left_to_an_absent_thread_is_destroyed_in_the_child_too) {
    struct forking f = {.w = wr_weak_of(shy_new(&fork_destroyed))};
    pthread_barrier_init(&f.at, NULL, 2);
    run_threads(2, leave_through_fork, &f);
    CHECK_EQ(fork_destroyed, 1);
    pthread_barrier_destroy(&f.at);
}
