/* SPDX-License-Identifier: MIT */
/* Borrowing on one thread, and between threads that take turns: S56. */
#include "word.h"

#include "borrows.h"
#include "weakrefs.h"

#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { MANY = 64 }; /* borrows at once that need no reference */

/* ---- what a borrow gives ---- */

TEST(S56_borrow_gives_the_payload_and_takes_no_reference) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(w, &b), p);
    CHECK_EQ(wr_refcount(p), 1);
    wr_return(&b);
    CHECK_EQ(destroyed, 0);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_borrow_of_a_dead_null_or_forged_value_gives_null) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    CHECK(!can_borrow((wr_weak){0}));
    CHECK(!can_borrow((wr_weak){w.bits + 1}));
    CHECK(!can_borrow((wr_weak){w.bits + 2}));
    CHECK(!can_borrow((wr_weak){w.bits | UINT64_C(0xffffffff00000000)}));
    wr_release(p);
    CHECK(!can_borrow(w));
    CHECK_EQ(destroyed, 1);
}

TEST(S54_borrow_of_an_object_that_never_had_a_weak_value_gives_null) {
    probe *p = shy_new(NULL);
    struct wr_slot *slot = wr_slot_of(p);
    wr_weak forged = {(uint64_t)wr_index_of(slot) << 32 | (uint32_t)wr_load_relaxed(&slot->word)};
    CHECK(!can_borrow(forged));
    wr_release(p);
}

TEST(S56_wr_return_after_a_null_borrow_does_nothing_more) {
    wr_borrowed b;
    CHECK_NULL(wr_borrow((wr_weak){0}, &b));
    wr_return(&b);
    wr_return(&b);
    wr_borrowed zero = {{0}};
    wr_return(&zero);
}

TEST(S56_a_borrowed_object_is_destroyed_by_the_return_after_its_death) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    p->value = 7;
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    probe *q = wr_borrow(w, &b);
    wr_release(p);
    CHECK(wr_weak_is_dead(w));
    CHECK(!can_borrow(w));
    CHECK(!can_get(w));
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(q->value, 7);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_callbacks_run_at_the_death_and_destroy_after_the_last_borrower) {
    unsigned destroyed = 0;
    struct log log = {0};
    probe *p = shy_new(&destroyed);
    wr_weakref *ref = new_ref(p, logs, &log);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.dead, 1);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
}

TEST(S56_a_borrowed_object_may_be_killed) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b;
    probe *q = wr_borrow(w, &b);
    CHECK_EQ(wr_kill(p), 1);
    CHECK(!can_borrow(w));
    CHECK_PTR_EQ(q, p);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_a_cleared_object_is_borrowed_by_its_new_value_alone) {
    probe *p = shy_new(NULL);
    wr_weak old = wr_weak_of(p);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK(!can_borrow(old));
    CHECK(can_borrow(wr_weak_of(p)));
    wr_release(p);
}

TEST(a_reused_slot_is_not_borrowed_by_an_old_value) {
    unsigned destroyed = 0;
    for (int i = 0; i < 100; i++) {
        probe *p = shy_new(&destroyed);
        wr_weak w = wr_weak_of(p);
        wr_release(p);
        probe *q = shy_new(&destroyed);
        CHECK(!can_borrow(w));
        CHECK(can_borrow(wr_weak_of(q)));
        wr_release(q);
    }
    CHECK_EQ(destroyed, 200);
}

/* ---- many at once ---- */

TEST(S56_64_borrows_of_different_objects_at_once) {
    unsigned destroyed = 0;
    wr_borrowed b[MANY];
    probe *p[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        p[i] = shy_new(&destroyed);
        CHECK_PTR_EQ(wr_borrow(wr_weak_of(p[i]), &b[i]), p[i]);
        CHECK_EQ(wr_refcount(p[i]), 1);
    }
    for (unsigned i = 0; i < MANY; i++)
        wr_release(p[i]);
    CHECK_EQ(destroyed, 0);
    for (unsigned i = 0; i < MANY; i++) { /* in another order than they were made in */
        wr_return(&b[(i * 37 + 5) % MANY]);
        CHECK_EQ(destroyed, i + 1);
    }
}

TEST(S56_the_last_of_nested_borrows_destroys) {
    for (unsigned last = 0; last < MANY; last += 9) {
        unsigned destroyed = 0;
        wr_borrowed b[MANY];
        probe *p = shy_new(&destroyed);
        for (unsigned i = 0; i < MANY; i++)
            CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b[i]), p);
        wr_release(p);
        for (unsigned i = 0; i < MANY; i++)
            if (i != last)
                wr_return(&b[i]);
        CHECK_EQ(destroyed, 0);
        wr_return(&b[last]);
        CHECK_EQ(destroyed, 1);
    }
}

TEST(S56_the_65th_borrow_at_once_takes_a_reference) {
    unsigned destroyed = 0;
    wr_borrowed b[MANY + 3];
    probe *p = shy_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    for (unsigned i = 0; i < MANY + 3; i++)
        CHECK_PTR_EQ(wr_borrow(w, &b[i]), p);
    CHECK_EQ(wr_refcount(p), 4);
    wr_release(p);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[MANY + 1]);
    wr_return(&b[MANY]);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[MANY + 2]);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(destroyed, 0);
    for (unsigned i = 0; i < MANY; i++)
        wr_return(&b[i]);
    CHECK_EQ(destroyed, 1);
    CHECK(!can_borrow(w));
}

TEST(S56_an_object_of_an_unflagged_type_is_borrowed_by_a_reference) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    wr_borrowed b[3];
    for (int i = 0; i < 3; i++)
        CHECK_PTR_EQ(wr_borrow(w, &b[i]), p);
    CHECK_EQ(wr_refcount(p), 4);
    wr_release(p);
    CHECK(!wr_weak_is_dead(w));
    wr_return(&b[1]);
    wr_return(&b[0]);
    CHECK_EQ(destroyed, 0);
    wr_return(&b[2]);
    CHECK_EQ(destroyed, 1);
    CHECK(!can_borrow(w));
}

/* ---- what runs in a return ---- */

TEST(deaths_that_a_return_sets_off_run_in_it) {
    unsigned destroyed = 0;
    probe *first = shy_new(&destroyed), *p = first;
    for (int i = 0; i < 1000; i++)
        p = p->child = i % 2 ? shy_new(&destroyed) : probe_new(&destroyed);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(first), &b), first);
    wr_release(first);
    CHECK_EQ(destroyed, 0);
    errno = 4711;
    wr_return(&b);
    CHECK_EQ(errno, 4711);
    CHECK_EQ(destroyed, 1001);
}

static wr_borrowed given_back;
static unsigned *seen_inside;
static void return_in_destroy(void *self) {
    probe *p = self;
    wr_return(&given_back);
    CHECK_EQ(*seen_inside, 0); /* its destroy waits for this one to return */
    ++*p->destroyed;
}
static const wr_type returning_type = {
    .abi = WR_TYPE_ABI, .name = "returning", .size = sizeof(probe), .destroy = return_in_destroy};

TEST(a_return_inside_destroy_leaves_the_object_to_the_outermost_one) {
    unsigned inner = 0, outer = 0;
    seen_inside = &inner;
    probe *p = shy_new(&inner);
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &given_back), p);
    wr_release(p);
    probe *q = wr_new(&returning_type);
    REQUIRE(q != NULL);
    q->destroyed = &outer;
    wr_release(q);
    CHECK_EQ(inner, 1);
    CHECK_EQ(outer, 1);
}

static char order[8];
static size_t order_length;
static void note(void *self) {
    order[order_length++] = (char)((probe *)self)->value;
    order[order_length] = 0;
}
static const wr_type noting_types[2] = {
    {.abi = WR_TYPE_ABI, .name = "noting", .size = sizeof(probe), .destroy = note},
    {.abi = WR_TYPE_ABI,
     .flags = WR_BORROWABLE,
     .name = "shy noting",
     .size = sizeof(probe),
     .destroy = note}};

static void *six[6];
static void drop_six(void *self) {
    (void)self;
    for (int i = 0; i < 6; i++)
        wr_release(six[i]);
}
static const wr_type dropping_type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = drop_six};

TEST(deaths_that_wait_together_are_destroyed_in_their_order) {
    static const int shy[6] = {1, 1, 0, 1, 0, 1};
    void *parent = wr_new(&dropping_type);
    wr_borrowed b;
    probe *other = shy_new(NULL);
    (void)wr_borrow(wr_weak_of(other), &b); /* so that there is something to look at */
    for (int i = 0; i < 6; i++) {
        probe *p = six[i] = wr_new(&noting_types[shy[i]]);
        p->value = (uint64_t)('a' + i);
        CHECK(!wr_weak_is_null(wr_weak_of(p)));
    }
    wr_release(parent);
    CHECK_STR_EQ(order, "abcdef");
    wr_return(&b);
    wr_release(other);
}

TEST(a_resurrected_object_stays_borrowed_and_alive) {
    unsigned destroyed = 0;
    static wr_weak kept;
    probe *p = shy_new(&destroyed);
    kept = wr_weak_of(p);
    wr_borrowed b, c;
    CHECK_PTR_EQ(wr_borrow(kept, &b), p);
    void *strong = wr_weak_get(kept);
    CHECK_PTR_EQ(wr_borrow(kept, &c), p);
    wr_release(p);
    wr_return(&b);
    CHECK_EQ(destroyed, 0);
    wr_release(strong);
    CHECK_EQ(destroyed, 0);
    wr_return(&c);
    CHECK_EQ(destroyed, 1);
}

static void *rescued;
static void rescue_once(void *self) {
    wr_borrowed b;
    CHECK_NULL(wr_borrow(((wr_weak){((probe *)self)->value}), &b)); /* S25 */
    wr_return(&b);
    rescued = wr_retain(self);
}
static const wr_type rescued_type = {.abi = WR_TYPE_ABI,
                                     .flags = WR_BORROWABLE,
                                     .size = sizeof(probe),
                                     .finalize = rescue_once,
                                     .destroy = probe_destroy};

TEST(S25_what_is_being_finalized_is_not_borrowed_and_what_is_resurrected_is) {
    unsigned destroyed = 0;
    probe *p = wr_new(&rescued_type);
    p->destroyed = &destroyed;
    p->value = wr_weak_of(p).bits;
    wr_weak w = {p->value};
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(w, &b), p);
    wr_release(p);
    CHECK_PTR_EQ(rescued, p);
    CHECK(can_borrow(w));
    wr_release(rescued);
    CHECK(!can_borrow(w));
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

TEST(S42_kill_wait_of_what_this_thread_borrows_would_deadlock) {
    unsigned destroyed = 0;
    probe *shy = shy_new(&destroyed), *plain = probe_new(&destroyed);
    wr_borrowed b, c;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(shy), &b), shy);
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(plain), &c), plain);
    CHECK_EQ(wr_kill_wait(shy, -1), -EDEADLK);
    CHECK_EQ(wr_kill_wait(plain, -1), -EDEADLK);
    wr_return(&c);
    wr_return(&b);
    CHECK_EQ(wr_kill_wait(shy, -1), 0);
    CHECK_EQ(wr_kill_wait(plain, -1), 0);
    CHECK_EQ(destroyed, 2);
}

/* ---- bound to a queue ---- */

TEST(S44_a_bound_object_left_by_its_last_borrower_is_destroyed_in_its_queue) {
    unsigned destroyed = 0;
    wr_queue *queue = wr_queue_new();
    probe *p = shy_new(&destroyed);
    CHECK_EQ(wr_bind(p, queue), 0);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    wr_release(p);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 0); /* borrowed still */
    wr_return(&b);
    CHECK_EQ(destroyed, 0); /* not here */
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

TEST(S45_freeing_the_queue_of_a_borrowed_object_leaves_it_to_the_borrower) {
    unsigned destroyed = 0;
    wr_queue *queue = wr_queue_new();
    probe *p = shy_new(&destroyed);
    CHECK_EQ(wr_bind(p, queue), 0);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    wr_release(p);
    wr_queue_free(queue);
    CHECK_EQ(destroyed, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
}

static void count(void *arg) {
    ++*(unsigned *)arg;
}

TEST(S42_a_waiter_is_told_after_the_last_borrower_returned) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(p), &b), p);
    unsigned told = 0;
    CHECK_EQ(wr_kill_notify(p, count, &told, NULL), 0);
    CHECK_EQ(told, 0);
    wr_return(&b);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(told, 1);
}

/* ---- between threads ---- */

struct turns {
    pthread_barrier_t at;
    probe *p;
    wr_weak w;
    wr_cell cell;
    unsigned destroyed;
};

static atomic_uint fragile_destroyed;
static void destroy_fragile(void *self) {
    CHECK_EQ(((probe *)self)->value, 42);
    ((probe *)self)->value = 13; /* plain, so that a missing order is a race */
    atomic_fetch_add(&fragile_destroyed, 1);
}
static const wr_type fragile_type = {.abi = WR_TYPE_ABI,
                                     .flags = WR_BORROWABLE,
                                     .name = "fragile",
                                     .size = sizeof(probe),
                                     .destroy = destroy_fragile};

static void take_turns(unsigned index, void *arg) {
    struct turns *t = arg;
    wr_borrowed b;
    if (index == 0) {
        CHECK_PTR_EQ(wr_borrow(t->w, &b), t->p);
        pthread_barrier_wait(&t->at);
        pthread_barrier_wait(&t->at);
        CHECK_EQ(t->p->value, 3);
        wr_return(&b);
        CHECK_EQ(t->destroyed, 1);
    } else {
        pthread_barrier_wait(&t->at);
        wr_release(t->p);
        CHECK_EQ(t->destroyed, 0);
        pthread_barrier_wait(&t->at);
    }
}

TEST(S56_a_borrower_on_another_thread_destroys_what_died_meanwhile) {
    struct turns t = {.destroyed = 0};
    t.p = shy_new(&t.destroyed);
    t.p->value = 3;
    t.w = wr_weak_of(t.p);
    pthread_barrier_init(&t.at, NULL, 2);
    run_threads(2, take_turns, &t);
    CHECK_EQ(t.destroyed, 1);
    pthread_barrier_destroy(&t.at);
}

static void borrow_all_hazards(unsigned index, void *arg) {
    (void)index;
    struct turns *t = arg;
    wr_borrowed b[MANY];
    for (unsigned i = 0; i < MANY; i++)
        CHECK_NOT_NULL(wr_borrow(t->w, &b[i]));
    for (unsigned i = 0; i < MANY; i++)
        wr_return(&b[i]);
}

TEST(hazards_of_threads_that_ended_are_used_again) {
    struct turns t = {.p = shy_new(NULL)};
    t.w = wr_weak_of(t.p);
    for (int i = 0; i < 20; i++)
        run_threads(2, borrow_all_hazards, &t);
    wr_release(t.p);
    CHECK(!can_borrow(t.w));
}

static pthread_key_t late_key;
static wr_weak late_value;
static void borrow_late(void *arg) {
    static _Thread_local int rounds;
    wr_borrowed b, c;
    CHECK_PTR_EQ(wr_borrow(late_value, &b), arg);
    CHECK_PTR_EQ(wr_borrow(late_value, &c), arg);
    wr_return(&b);
    wr_return(&c);
    if (++rounds < 3)
        (void)pthread_setspecific(late_key, arg); /* until it runs after the library's own */
}
static void set_late(unsigned index, void *arg) {
    (void)index;
    CHECK(can_borrow(late_value));
    (void)pthread_setspecific(late_key, arg);
}

TEST(destructors_of_thread_specific_data_may_borrow) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    late_value = wr_weak_of(p);
    REQUIRE(pthread_key_create(&late_key, borrow_late) == 0);
    run_threads(1, set_late, p);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
}

/* ---- misuse ---- */

TEST_ABORTS(a_borrow_returned_twice_is_named, "returned already") {
    probe *p = shy_new(NULL);
    wr_borrowed b;
    (void)wr_borrow(wr_weak_of(p), &b);
    wr_return(&b);
    wr_return(&b);
}

TEST_ABORTS(a_reference_borrow_returned_twice_is_named, "returned already") {
    probe *p = probe_new(NULL);
    wr_borrowed b;
    (void)wr_borrow(wr_weak_of(p), &b);
    wr_return(&b);
    wr_return(&b);
}

static wr_borrowed passed_on;
static void return_passed_on(unsigned index, void *arg) {
    (void)index, (void)arg;
    wr_return(&passed_on);
}

TEST_ABORTS(a_borrow_returned_on_another_thread_is_named, "another thread") {
    probe *p = shy_new(NULL);
    (void)wr_borrow(wr_weak_of(p), &passed_on);
    run_threads(1, return_passed_on, NULL);
}

TEST_ABORTS(a_reference_borrow_returned_on_another_thread_is_named, "another thread") {
    probe *p = probe_new(NULL);
    (void)wr_borrow(wr_weak_of(p), &passed_on);
    run_threads(1, return_passed_on, NULL);
}

static void borrow_and_end(unsigned index, void *arg) {
    static wr_borrowed b;
    (void)index;
    (void)wr_borrow(wr_weak_of(arg), &b);
}

TEST_ABORTS(a_borrow_held_at_the_end_of_its_thread_is_named, "a thread that ends") {
    run_threads(1, borrow_and_end, shy_new(NULL));
}

TEST_ABORTS(a_reference_borrow_held_at_the_end_of_its_thread_is_named, "a thread that ends") {
    run_threads(1, borrow_and_end, probe_new(NULL));
}

/* ---- without membarrier ---- */

#ifdef __linux__
/* From here on membarrier fails, as under many filters of system calls. */
static bool forbid_membarrier(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == EPERM;
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
    if (ON_TSAN || RUNNING_ON_VALGRIND)
        SKIP("there is no membarrier in this build, or no filter");
#ifndef __linux__
    SKIP("there is no membarrier here");
#endif
    test_aborts(lose_membarrier, NULL, "membarrier");
}

/* ---- fork ---- */

/* A leak checker finds only the dead threads' memory in a forked child. */
static void check_no_leaks(void) {
#ifdef VALGRIND_CLO_CHANGE
    VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
}

struct forking {
    pthread_barrier_t at;
    wr_weak w;
};

static void hold_through_fork(unsigned index, void *arg) {
    struct forking *f = arg;
    wr_borrowed b;
    if (index == 0) {
        CHECK_NOT_NULL(wr_borrow(f->w, &b));
        pthread_barrier_wait(&f->at);
        pthread_barrier_wait(&f->at);
        wr_return(&b);
        return;
    }
    void *mine = wr_borrow(f->w, &b);
    pthread_barrier_wait(&f->at);
    wr_atfork_prepare();
    pid_t pid = fork();
    if (pid == 0) {
        check_no_leaks();
        wr_atfork_child();
        unsigned *destroyed = ((probe *)mine)->destroyed;
        wr_release(mine); /* the only reference there is; the other thread's borrow is gone, ours is not */
        int good = *destroyed == 0;
        wr_return(&b);
        _exit(good && *destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    int status = -1;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
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
    wr_borrowed b;
    if (index == 0) {
        CHECK_NOT_NULL(wr_borrow(f->w, &b));
        pthread_barrier_wait(&f->at);
        pthread_barrier_wait(&f->at);
        wr_return(&b);
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
        check_no_leaks();
        wr_atfork_child();
        int good = fork_destroyed == 0; /* no user code in the handler */
        wr_release(probe_new(NULL));    /* any death finds it */
        _exit(good && fork_destroyed == 1 ? 0 : 1);
    }
    wr_atfork_parent();
    int status = -1;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    pthread_barrier_wait(&f->at);
}

TEST(what_was_left_to_an_absent_thread_is_destroyed_in_the_child_too) {
    struct forking f = {.w = wr_weak_of(shy_new(&fork_destroyed))};
    pthread_barrier_init(&f.at, NULL, 2);
    run_threads(2, leave_through_fork, &f);
    CHECK_EQ(fork_destroyed, 1);
    pthread_barrier_destroy(&f.at);
}
