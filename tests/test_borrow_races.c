/* SPDX-License-Identifier: MIT */
/* Each race of borrowing, forced both ways: a borrow, or its end, against the death of the object; the hand-over
 * against the return, the next borrow, another hand-over, and the end of the thread. */
#include "word.h"

#include "borrows.h"
#include "walker.h"

/* A borrower: borrows x, returns it, and so on, by turns. The first hazard is its own; it is found out at the start. */
struct borrower {
    struct walker walker;
    wr_weak x;
    wr_weak y;
    wr_borrowed b;
    void *got;
    struct wr_hazard *hazard;
    bool symmetric; /* read-modify-writes in place of membarrier */
};

static void find_hazard(struct borrower *me) {
    probe *own = shy_new(NULL);
    wr_borrowed b;
    REQUIRE(wr_borrow(wr_weak_of(own), &b) != NULL);
    me->hazard = (struct wr_hazard *)(uintptr_t)b.r[0];
    me->symmetric = wr_hazards != me->hazard;
    wr_return(&b);
    wr_release(own);
    walker_turn();
}

/* borrow x | return */
static void borrow_return(void *arg) {
    struct borrower *me = arg;
    find_hazard(me);
    me->got = wr_borrow(me->x, &me->b);
    walker_turn();
    wr_return(&me->b);
    walker_turn();
}

/* borrow x | return | borrow y | return */
static void borrow_two(void *arg) {
    struct borrower *me = arg;
    borrow_return(arg);
    me->got = wr_borrow(me->y, &me->b);
    walker_turn();
    wr_return(&me->b);
    walker_turn();
}

static void start(struct borrower *me, void (*fn)(void *arg)) {
    walker_start(&me->walker, fn, me);
    walker_to_turn(&me->walker);
}

static void turn(struct borrower *me) {
    walker_to_turn(&me->walker);
}

/* What writes to a hazard. */
static const char *writing(const struct borrower *me) {
    return me->symmetric ? "exchange_acq_rel" : "store_release";
}

static void drop(void *obj) {
    wr_release(obj);
}

/* ---- a borrow against a death ---- */

TEST(a_borrow_that_has_not_published_yet_fails_and_the_object_is_gone_at_once) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    start(&me, borrow_return);
    walker_to(&me.walker, writing(&me), &me.hazard->index, 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    turn(&me);
    CHECK_NULL(me.got);
    turn(&me);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(a_borrow_that_fails_after_it_published_destroys_what_was_left_to_it) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    start(&me, borrow_return);
    walker_to(&me.walker, "load_acquire", &wr_slot_of(p)->word, 1);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    turn(&me);
    CHECK_NULL(me.got);
    CHECK_EQ(destroyed, 1); /* in the borrow */
    turn(&me);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(a_return_that_has_not_cleared_its_hazard_yet_destroys_what_is_left_to_it) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    start(&me, borrow_return);
    turn(&me);
    CHECK_PTR_EQ(me.got, p);
    walker_to(&me.walker, writing(&me), &me.hazard->index, 1);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    turn(&me);
    CHECK_EQ(destroyed, 1);
    walker_end(&me.walker);
}

TEST(a_return_that_has_cleared_its_hazard_is_left_nothing) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    start(&me, borrow_return);
    turn(&me);
    walker_to(&me.walker, "load_relaxed", &me.hazard->handover, 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    turn(&me);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
}

/* ---- a hand-over against what the borrower does meanwhile: `dying` stands at some step of it ---- */

struct dying {
    struct walker walker;
    struct borrower *me;
};

/* The steps on the first hazard of `me`. */
static void to_put_in(struct walker *dying, struct borrower *me) {
    walker_to(dying, "cas_acq_rel", &me->hazard->handover, 1);
}
static void to_look_again(struct walker *dying, struct borrower *me) {
    walker_to(dying, me->symmetric ? "add_acq_rel" : "load_acquire", &me->hazard->index, 1);
}
static void to_take_back(struct walker *dying, struct borrower *me) {
    walker_to(dying, "cas_acquire", &me->hazard->handover, 1);
}

TEST(what_is_put_in_after_the_return_is_taken_back_and_destroyed_by_the_dying_side) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    struct walker dying;
    start(&me, borrow_return);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    CHECK_EQ(destroyed, 0);
    walker_end(&dying);
    CHECK_EQ(destroyed, 1);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(what_is_put_in_before_the_return_is_destroyed_by_it_and_not_twice) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    struct walker dying;
    start(&me, borrow_return);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    to_look_again(&dying, &me);
    turn(&me);
    CHECK_EQ(destroyed, 1);
    walker_end(&dying);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(what_waits_to_be_taken_back_may_be_taken_by_the_next_return) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed), *q = shy_new(NULL);
    struct borrower me = {.x = wr_weak_of(p), .y = wr_weak_of(q)};
    struct walker dying;
    start(&me, borrow_two);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me); /* returned: there is nothing yet */
    to_take_back(&dying, &me);
    CHECK_EQ(destroyed, 0);
    turn(&me); /* borrows q by the same hazard... */
    CHECK_PTR_EQ(me.got, q);
    CHECK_EQ(destroyed, 0);
    turn(&me); /* ...and its return finds p */
    CHECK_EQ(destroyed, 1);
    walker_end(&dying);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
    wr_release(q);
}

TEST(what_is_put_in_beside_another_borrow_is_taken_back) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed), *q = shy_new(NULL);
    struct borrower me = {.x = wr_weak_of(p), .y = wr_weak_of(q)};
    struct walker dying;
    start(&me, borrow_two);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    turn(&me); /* borrows q */
    walker_end(&dying);
    CHECK_EQ(destroyed, 1);
    turn(&me);
    walker_end(&me.walker);
    CHECK_EQ(destroyed, 1);
    wr_release(q);
}

/* The hazard names q, and p is in its hand-over word: whoever wants to leave q there takes p over. */
TEST(an_occupied_hand_over_word_is_taken_over_with_its_duty) {
    NEEDS_WALKER;
    unsigned p_destroyed = 0, q_destroyed = 0;
    probe *p = shy_new(&p_destroyed), *q = shy_new(&q_destroyed);
    struct borrower me = {.x = wr_weak_of(p), .y = wr_weak_of(q)};
    struct walker dying;
    start(&me, borrow_two);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    turn(&me); /* borrows q */
    to_look_again(&dying, &me);
    wr_release(q);
    CHECK_EQ(p_destroyed, 1); /* here: nobody has it */
    CHECK_EQ(q_destroyed, 0);
    walker_end(&dying);
    CHECK_EQ(q_destroyed, 0);
    turn(&me);
    CHECK_EQ(q_destroyed, 1);
    walker_end(&me.walker);
    CHECK_EQ(p_destroyed, 1);
    CHECK_EQ(q_destroyed, 1);
}

TEST(what_was_taken_over_is_left_to_those_who_borrow_it) {
    NEEDS_WALKER;
    unsigned p_destroyed = 0, q_destroyed = 0;
    probe *p = shy_new(&p_destroyed), *q = shy_new(&q_destroyed);
    struct borrower me = {.x = wr_weak_of(p), .y = wr_weak_of(q)};
    wr_borrowed b;
    struct walker dying;
    CHECK_PTR_EQ(wr_borrow(me.x, &b), p); /* before the other thread, whose hazards so are looked at first */
    start(&me, borrow_two);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    turn(&me);
    to_look_again(&dying, &me);
    wr_release(q);
    CHECK_EQ(p_destroyed, 0);
    walker_end(&dying);
    wr_return(&b);
    CHECK_EQ(p_destroyed, 1);
    turn(&me);
    CHECK_EQ(q_destroyed, 1);
    walker_end(&me.walker);
    CHECK_EQ(p_destroyed, 1);
    CHECK_EQ(q_destroyed, 1);
}

TEST(a_thread_may_end_while_something_is_put_into_its_hazard) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    struct walker dying;
    start(&me, borrow_return);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    walker_end(&me.walker);
    to_look_again(&dying, &me);
    walker_end(&dying);
    CHECK_EQ(destroyed, 1);
}

TEST(the_next_thread_with_the_hazard_may_take_what_was_put_in) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed), *q = shy_new(NULL);
    struct borrower me = {.x = wr_weak_of(p)}, next = {.x = wr_weak_of(q)};
    struct walker dying;
    start(&me, borrow_return);
    turn(&me);
    walker_start(&dying, drop, p);
    to_put_in(&dying, &me);
    turn(&me);
    walker_end(&me.walker);
    to_take_back(&dying, &me);
    start(&next, borrow_return); /* borrows something, and returns it */
    CHECK_PTR_EQ(next.hazard, me.hazard);
    CHECK_EQ(destroyed, 1);
    walker_end(&dying);
    turn(&next);
    turn(&next);
    walker_end(&next.walker);
    CHECK_EQ(destroyed, 1);
    wr_release(q);
}

TEST(a_first_borrow_under_way_is_not_missed) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower me = {.x = wr_weak_of(p)};
    CHECK(can_borrow(me.x)); /* this thread is no longer alone with its hazards */
    walker_start(&me.walker, borrow_return, &me);
    walker_to(&me.walker, "add_acq_rel", NULL, 1); /* its array is on the list, and does not count yet */
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    turn(&me);
    turn(&me);
    CHECK_NULL(me.got);
    turn(&me);
    walker_end(&me.walker);
}

/* ---- two borrowers ---- */

static void two_borrowers(bool first_first) {
    unsigned destroyed = 0;
    probe *p = shy_new(&destroyed);
    struct borrower a = {.x = wr_weak_of(p)}, b = {.x = wr_weak_of(p)};
    start(&a, borrow_return);
    start(&b, borrow_return);
    turn(&a);
    turn(&b);
    CHECK_PTR_EQ(a.got, p);
    CHECK_PTR_EQ(b.got, p);
    wr_release(p);
    turn(first_first ? &a : &b);
    CHECK_EQ(destroyed, 0);
    turn(first_first ? &b : &a);
    CHECK_EQ(destroyed, 1);
    walker_end(&a.walker);
    walker_end(&b.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(S56_of_two_borrowers_the_last_one_out_destroys) {
    NEEDS_WALKER;
    two_borrowers(true);
    two_borrowers(false);
}

/* a is left p and looks for others, while b returns. */
TEST(S56_of_two_borrowers_who_return_at_once_one_destroys) {
    NEEDS_WALKER;
    for (int step = 0; step < 3; step++) {
        unsigned destroyed = 0;
        probe *p = shy_new(&destroyed);
        struct borrower a = {.x = wr_weak_of(p)}, b = {.x = wr_weak_of(p)};
        start(&a, borrow_return);
        start(&b, borrow_return);
        turn(&a);
        turn(&b);
        wr_release(p);
        struct borrower *has = a.hazard->handover != 0 ? &a : &b, *other = has == &a ? &b : &a;
        CHECK(has->hazard->handover != 0);
        walker_to(&has->walker, "cas_acq_rel", &other->hazard->handover, 1);
        if (step > 0)
            to_look_again(&has->walker, other);
        if (step > 1)
            has->walker.nth = 0;
        turn(other);
        CHECK_EQ(destroyed, step > 0);
        turn(has);
        CHECK_EQ(destroyed, 1);
        walker_end(&a.walker);
        walker_end(&b.walker);
        CHECK_EQ(destroyed, 1);
    }
}
