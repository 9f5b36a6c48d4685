/* SPDX-License-Identifier: MIT */
/* Listeners (S53), and Python's WeakMethodTestCase by its meaning: a method bound to an object held weakly. */
#include "containers.h"

static wr_listeners *l;
static unsigned log_values[64];
static unsigned logged;

static void set_up(void) {
    l = wr_listeners_new();
    REQUIRE(l != NULL);
}

static void note(void *self, void *event, void *arg) {
    (void)event, (void)arg;
    CHECK_GE(wr_refcount(self), 1);
    log_values[logged++ % 64] = (unsigned)((probe *)self)->value;
}

static void note_too(void *self, void *event, void *arg) {
    (void)event, (void)arg;
    log_values[logged++ % 64] = 100 + (unsigned)((probe *)self)->value;
}

static probe *numbered(unsigned value) {
    probe *p = probe_new(NULL);
    p->value = value;
    return p;
}

/* Call, and check who was called: their values, ended by 0. */
static void expect(const unsigned *values) {
    unsigned n = 0;
    logged = 0;
    int called = wr_listeners_call(l, NULL);
    for (; values[n] != 0; n++)
        CHECK_EQ(log_values[n], values[n]);
    CHECK_EQ(called, n);
    CHECK_EQ(logged, n);
}
#define EXPECT(...) expect((const unsigned[]){__VA_ARGS__, 0})

static void check_event(void *self, void *event, void *arg) {
    CHECK_PTR_EQ(event, &logged);
    CHECK_PTR_EQ(arg, self);
}

TEST(S53_called_in_registration_order_with_event_and_argument) {
    set_up();
    probe *p[10];
    for (unsigned i = 0; i < 10; i++) {
        p[i] = numbered(i + 1);
        CHECK_EQ(wr_listeners_add(l, p[i], note, NULL), 0);
        CHECK_EQ(wr_refcount(p[i]), 1);
    }
    EXPECT(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    CHECK_EQ(wr_listeners_len(l), 10);
    wr_listeners_clear(l);
    CHECK_EQ(wr_listeners_len(l), 0);
    CHECK_EQ(wr_listeners_add(l, p[0], check_event, p[0]), 0);
    CHECK_EQ(wr_listeners_call(l, &logged), 1);
    for (unsigned i = 0; i < 10; i++)
        wr_release(p[i]);
    CHECK_EQ(wr_listeners_call(l, NULL), 0);
    wr_listeners_free(l);
    check_nothing_left();
}

TEST(S53_the_dead_and_the_removed_are_not_called) {
    set_up();
    probe *p[5];
    for (unsigned i = 0; i < 5; i++) {
        p[i] = numbered(i + 1);
        CHECK_EQ(wr_listeners_add(l, p[i], note, NULL), 0);
    }
    wr_release(p[1]);
    EXPECT(1, 3, 4, 5);
    CHECK_EQ(wr_listeners_remove(l, p[3], note), 0);
    CHECK_EQ(wr_listeners_remove(l, p[3], note), -ENOENT);
    EXPECT(1, 3, 5);
    CHECK_EQ(wr_kill(p[0]), 1);
    CHECK_EQ(wr_listeners_add(l, p[0], note, NULL), -ESTALE);
    CHECK_EQ(wr_listeners_remove(l, p[0], note), -ENOENT);
    EXPECT(3, 5);
    CHECK_EQ(wr_weakref_clear(p[2]), 0);
    EXPECT(5);
    CHECK_EQ(wr_listeners_add(l, p[2], note, NULL), 0); /* it lives */
    EXPECT(5, 3);
    wr_release(p[0]);
    wr_release(p[2]);
    wr_release(p[3]);
    wr_release(p[4]);
    wr_listeners_free(l);
    check_nothing_left();
}

TEST(S53_weak_method_equality_is_of_object_and_method) {
    set_up();
    probe *a = numbered(1);
    probe *b = numbered(2);
    CHECK_EQ(wr_listeners_add_once(l, a, note, NULL), 1);
    CHECK_EQ(wr_listeners_add_once(l, a, note, a), 0);
    CHECK_EQ(wr_listeners_add_once(l, a, note_too, NULL), 1);
    CHECK_EQ(wr_listeners_add_once(l, b, note, NULL), 1);
    EXPECT(1, 101, 2);
    CHECK_EQ(wr_listeners_add(l, a, note, NULL), 0); /* twice, if asked for */
    EXPECT(1, 101, 2, 1);
    CHECK(wr_listeners_contains(l, a, note));
    CHECK_EQ(wr_listeners_remove(l, a, note), 0); /* the oldest */
    EXPECT(101, 2, 1);
    CHECK_EQ(wr_listeners_remove(l, a, note), 0);
    CHECK(!wr_listeners_contains(l, a, note));
    EXPECT(101, 2);
    wr_release(a); /* test_object_dead: both of its methods go */
    EXPECT(2);
    wr_release(b);
    wr_listeners_free(l);
    check_nothing_left();
}

/* Methods that share buckets are told apart. */
#define METHOD(n)                                                                                            \
    static void method_##n(void *self, void *event, void *arg) {                                             \
        (void)self, (void)event, (void)arg;                                                                  \
        log_values[logged++ % 64] = n;                                                                       \
    }
METHOD(1)
METHOD(2)
METHOD(3)
METHOD(4)
METHOD(5)
METHOD(6)
METHOD(7)
METHOD(8)
METHOD(9)

TEST(S53_many_methods_of_one_object) {
    static const wr_method methods[] = {method_1, method_2, method_3, method_4, method_5,
                                        method_6, method_7, method_8, method_9};
    set_up();
    probe *p = numbered(1);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(wr_listeners_add_once(l, p, methods[i], NULL), 1);
    EXPECT(1, 2, 3, 4, 5, 6, 7, 8, 9);
    for (unsigned i = 1; i < 9; i += 2)
        CHECK_EQ(wr_listeners_remove(l, p, methods[i]), 0);
    EXPECT(1, 3, 5, 7, 9);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(wr_listeners_contains(l, p, methods[i]), i % 2 == 0);
    wr_release(p);
    wr_listeners_free(l);
    check_nothing_left();
}

/* ---- what methods do to the list they are called from ---- */

static probe *victim;
static probe *newcomer;

static void end_victim(void *self, void *event, void *arg) {
    note(self, event, arg);
    if (arg)
        CHECK_EQ(wr_listeners_remove(l, victim, note), 0);
    wr_release(victim);
    victim = NULL;
}

TEST(S53_one_that_goes_before_its_turn_is_not_called) {
    for (int remove = 0; remove < 2; remove++) {
        set_up();
        probe *first = numbered(1);
        probe *last = numbered(3);
        victim = numbered(2);
        CHECK_EQ(wr_listeners_add(l, first, end_victim, remove ? &victim : NULL), 0);
        CHECK_EQ(wr_listeners_add(l, victim, note, NULL), 0);
        CHECK_EQ(wr_listeners_add(l, last, note, NULL), 0);
        EXPECT(1, 3);
        wr_release(first);
        wr_release(last);
        wr_listeners_free(l);
    }
    check_nothing_left();
}

/* Called from a destroy in which another object died, whose own end waits for that: it is on the list, and dead. */
static void call_when_one_is_dead(void *self) {
    wr_release(((probe *)self)->child);
    EXPECT(1, 3);
    CHECK_EQ(wr_listeners_len(l), 2);
}
static const wr_type caller_type = {
    .abi = WR_TYPE_ABI, .name = "caller", .size = sizeof(probe), .destroy = call_when_one_is_dead};

TEST(S53_one_whose_end_is_still_to_come_is_not_called) {
    set_up();
    probe *caller = wr_new(&caller_type), *first = numbered(1), *last = numbered(3);
    REQUIRE(caller != NULL);
    caller->child = numbered(2);
    CHECK_EQ(wr_listeners_add(l, first, note, NULL), 0);
    CHECK_EQ(wr_listeners_add(l, caller->child, note, NULL), 0);
    CHECK_EQ(wr_listeners_add(l, last, note, NULL), 0);
    wr_release(caller);
    wr_release(first);
    wr_release(last);
    wr_listeners_free(l);
    check_nothing_left();
}

static void remove_self_and_die(void *self, void *event, void *arg) {
    note(self, event, arg);
    CHECK_EQ(wr_listeners_remove_wait(l, self, remove_self_and_die), 0); /* does not wait for itself */
    wr_release(self);                                                    /* still held for this call */
    CHECK_EQ(wr_refcount(self), 1);
}

TEST(S53_a_listener_may_remove_itself_and_die) {
    set_up();
    for (unsigned i = 1; i <= 3; i++)
        CHECK_EQ(wr_listeners_add(l, numbered(i), remove_self_and_die, NULL), 0);
    EXPECT(1, 2, 3);
    CHECK_EQ(wr_listeners_len(l), 0);
    wr_listeners_free(l);
    check_nothing_left();
}

static void add_newcomer(void *self, void *event, void *arg) {
    note(self, event, arg);
    CHECK_EQ(wr_listeners_add(l, newcomer, note, NULL), 0);
}

TEST(S53_one_that_is_added_meanwhile_waits_for_the_next_call) {
    set_up();
    probe *p = numbered(1);
    newcomer = numbered(2);
    CHECK_EQ(wr_listeners_add(l, p, add_newcomer, NULL), 0);
    EXPECT(1);
    EXPECT(1, 2);
    wr_release(p);
    wr_release(newcomer);
    wr_listeners_free(l);
    check_nothing_left();
}

static void call_again(void *self, void *event, void *arg) {
    note(self, event, arg);
    if (event == NULL)
        CHECK_EQ(wr_listeners_call(l, self), 2);
}

TEST(S53_a_method_may_call_the_list) {
    set_up();
    probe *a = numbered(1);
    probe *b = numbered(2);
    CHECK_EQ(wr_listeners_add(l, a, call_again, NULL), 0);
    CHECK_EQ(wr_listeners_add(l, b, note, NULL), 0);
    logged = 0;
    CHECK_EQ(wr_listeners_call(l, NULL), 2);
    CHECK_EQ(logged, 4);
    wr_release(a);
    wr_release(b);
    wr_listeners_free(l);
    check_nothing_left();
}

static int visit(void *self, wr_method method, void *method_arg, void *arg) {
    CHECK(method == note || method == note_too);
    CHECK_NULL(method_arg);
    log_values[logged++] = (unsigned)((probe *)self)->value;
    return logged == *(unsigned *)arg ? 7 : 0;
}

TEST(S53_a_walk_goes_in_order_and_may_be_ended) {
    set_up();
    probe *a = numbered(1);
    probe *b = numbered(2);
    unsigned end = 0;
    CHECK_EQ(wr_listeners_add(l, b, note, NULL), 0);
    CHECK_EQ(wr_listeners_add(l, a, note_too, NULL), 0);
    CHECK_EQ(wr_listeners_foreach(l, visit, &end), 0);
    CHECK_EQ(logged, 2);
    CHECK(log_values[0] == 2 && log_values[1] == 1);
    logged = 0;
    end = 1;
    CHECK_EQ(wr_listeners_foreach(l, visit, &end), 7);
    CHECK_EQ(logged, 1);
    CHECK_EQ(wr_refcount(b), 1);
    wr_release(a);
    wr_release(b);
    wr_listeners_free(l);
    check_nothing_left();
}
