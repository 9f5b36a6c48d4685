/* SPDX-License-Identifier: MIT */
/* What ends with the last borrow of an object: destroy, and what that sets off. */
#include "word.h"

#include "borrows.h"
#include "weakrefs.h"

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
