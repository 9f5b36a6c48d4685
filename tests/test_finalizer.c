/* SPDX-License-Identifier: MIT */
/* Finalizer objects: at death, on call, detached, at exit (S46). */
#include "weakrefs.h"

/* What ran, in its order. */
static int order[16];
static unsigned ran;
static int names[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void notes(void *arg) {
    order[ran++] = *(int *)arg;
}
static void notes_callback(wr_weakref *ref, void *arg) {
    (void)ref;
    notes(arg);
}
static wr_finalizer *new_finalizer(void *obj, int name, unsigned flags) {
    wr_finalizer *f = wr_finalizer_new(obj, notes, &names[name], flags);
    REQUIRE(f != NULL);
    return f;
}

TEST(S46_finalizers_run_newest_first_at_death_also_when_their_handle_was_dropped) {
    ran = 0;
    void *obj = probe_new(NULL);
    wr_finalizer *first = new_finalizer(obj, 1, 0);
    wr_release(new_finalizer(obj, 2, 0));
    wr_weakref *ref = new_ref(obj, notes_callback, &names[3]); /* callbacks among them, by age */
    wr_release(new_finalizer(obj, 4, 0));
    CHECK(wr_finalizer_alive(first));
    wr_release(obj);
    CHECK_EQ(ran, 4);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(order[i], 4 - i);
    CHECK(!wr_finalizer_alive(first));
    CHECK_EQ(wr_finalizer_call(first), 0);
    CHECK_EQ(wr_finalizer_detach(first), 0);
    wr_release(first);
    wr_release(ref);
}

TEST(S46_call_runs_it_once_and_detach_prevents_it) {
    ran = 0;
    void *obj = probe_new(NULL);
    wr_finalizer *called = new_finalizer(obj, 1, 0), *detached = new_finalizer(obj, 2, 0);
    CHECK_EQ(wr_finalizer_call(called), 1);
    CHECK_EQ(ran, 1);
    CHECK_EQ(wr_finalizer_call(called), 0);
    CHECK_EQ(wr_finalizer_detach(called), 0);
    CHECK_EQ(wr_finalizer_detach(detached), 1);
    CHECK_EQ(wr_finalizer_detach(detached), 0);
    CHECK_EQ(wr_finalizer_call(detached), 0);
    CHECK(!wr_finalizer_alive(called) && !wr_finalizer_alive(detached));
    wr_release(obj);
    CHECK_EQ(ran, 1);
    wr_release(called);
    wr_release(detached);
}

TEST(S46_peek_shows_what_will_be_called) {
    ran = 0;
    probe *obj = probe_new(NULL);
    wr_finalizer *f = new_finalizer(obj, 1, 0);
    void (*fn)(void *) = NULL;
    void *arg = NULL;
    void *held = wr_finalizer_peek(f, &fn, &arg);
    CHECK_PTR_EQ(held, obj);
    CHECK(fn == notes);
    CHECK_PTR_EQ(arg, &names[1]);
    wr_release(held);
    CHECK_EQ(wr_kill(obj), 1); /* it waits on, and can still be looked at */
    held = wr_finalizer_peek(f, NULL, NULL);
    CHECK_PTR_EQ(held, obj);
    wr_release(held);
    wr_release(obj);
    CHECK_EQ(ran, 1);
    CHECK_NULL(wr_finalizer_peek(f, &fn, &arg));
    wr_release(f);
}

TEST(S46_clear_and_kill_leave_finalizers_in_their_order) {
    ran = 0;
    void *obj = probe_new(NULL);
    wr_release(new_finalizer(obj, 1, 0));
    wr_weakref *a = new_ref(obj, notes_callback, &names[9]);
    wr_release(new_finalizer(obj, 2, 0));
    CHECK_EQ(wr_weakref_clear(obj), 0);
    CHECK_EQ(ran, 1); /* the callback alone */
    wr_release(new_finalizer(obj, 3, 0));
    wr_weakref *b = new_ref(obj, notes_callback, &names[8]);
    CHECK_EQ(wr_weakref_clear_no_callbacks(obj), 0);
    CHECK_EQ(wr_kill(obj), 1);
    CHECK_EQ(ran, 1);
    CHECK_EQ(wr_weakref_count(obj), 0);
    wr_release(obj);
    CHECK_EQ(ran, 4);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(order[1 + i], 3 - i);
    wr_release(a);
    wr_release(b);
}

/* One that makes another while the exit runs. */
static void *exit_obj;
static void makes_another(void *arg) {
    notes(arg);
    wr_release(new_finalizer(exit_obj, 7, WR_AT_EXIT));
}
TEST(S46_at_exit_newest_first_and_those_made_meanwhile) {
    ran = 0;
    exit_obj = probe_new(NULL);
    void *dead = probe_new(NULL);
    wr_release(new_finalizer(exit_obj, 1, WR_AT_EXIT));
    wr_release(new_finalizer(exit_obj, 2, 0)); /* not for exit */
    wr_finalizer *another = wr_finalizer_new(exit_obj, makes_another, &names[3], WR_AT_EXIT);
    wr_finalizer *detached = new_finalizer(exit_obj, 4, WR_AT_EXIT);
    wr_release(new_finalizer(dead, 5, WR_AT_EXIT));
    wr_release(new_finalizer(exit_obj, 6, WR_AT_EXIT));
    wr_release(dead);
    CHECK_EQ(ran, 1);
    CHECK_EQ(wr_finalizer_detach(detached), 1);
    wr_run_exit_finalizers();
    const int expected[] = {5, 6, 3, 7, 1};
    CHECK_EQ(ran, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(order[i], expected[i]);
    wr_run_exit_finalizers();
    CHECK_EQ(ran, 5);
    wr_release(exit_obj);
    CHECK_EQ(ran, 6);
    wr_release(another);
    wr_release(detached);
}

static wr_finalizer *self_called;
static int self_result[2];
static void calls_itself(void *arg) {
    notes(arg);
    self_result[0] = wr_finalizer_call(self_called);
    self_result[1] = wr_finalizer_detach(self_called);
}
TEST(a_finalizer_that_calls_or_detaches_itself_has_begun_already) {
    ran = 0;
    void *obj = probe_new(NULL);
    self_called = wr_finalizer_new(obj, calls_itself, &names[1], 0);
    self_result[0] = self_result[1] = 5;
    CHECK_EQ(wr_finalizer_call(self_called), 1);
    CHECK_EQ(self_result[0], 0);
    CHECK_EQ(self_result[1], 0);
    wr_release(obj);
    CHECK_EQ(ran, 1);
    wr_release(self_called);
}

TEST(S41_finalizers_refuse_what_they_must) {
    void *obj = probe_new(NULL), *plain = wr_new(&no_weakref_type);
    errno = 0;
    CHECK_NULL(wr_finalizer_new(NULL, notes, NULL, 0));
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_NULL(wr_finalizer_new(obj, NULL, NULL, 0));
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK_NULL(wr_finalizer_new(obj, notes, NULL, 64));
    CHECK_EQ(errno, EINVAL);
    CHECK_NULL(wr_finalizer_new(plain, notes, NULL, 0));
    CHECK_EQ(errno, ENOTSUP);
    CHECK_EQ(wr_kill(obj), 1);
    CHECK_NULL(wr_finalizer_new(obj, notes, NULL, 0));
    CHECK_EQ(errno, ESTALE);
    CHECK_EQ(wr_finalizer_call(NULL), -EINVAL);
    CHECK_EQ(wr_finalizer_detach((wr_finalizer *)obj), -EINVAL);
    CHECK(!wr_finalizer_alive(NULL));
    CHECK_NULL(wr_finalizer_peek(NULL, NULL, NULL));
    wr_release(obj);
    wr_release(plain);
}

/* Death on one thread against call on another: it runs once, whoever is first. */
struct duel {
    void *obj;
    wr_finalizer *f;
    unsigned runs;
    int called;
};
static void counts(void *arg) {
    ((struct duel *)arg)->runs++; /* plain: two runs would race */
}
static void fight(unsigned index, void *arg) {
    struct duel *duels = arg;
    for (unsigned i = 0; i < scaled(2000); i++) {
        if (index == 0)
            wr_release(duels[i].obj);
        else
            duels[i].called = wr_finalizer_call(duels[i].f);
    }
}
TEST(S46_a_finalizer_runs_once_however_death_and_call_meet) {
    unsigned n = scaled(2000);
    struct duel *duels = calloc(n, sizeof *duels);
    REQUIRE(duels != NULL);
    for (unsigned i = 0; i < n; i++) {
        duels[i].obj = probe_new(NULL);
        duels[i].f = wr_finalizer_new(duels[i].obj, counts, &duels[i], i % 2 ? WR_AT_EXIT : 0);
        REQUIRE(duels[i].f != NULL);
    }
    run_threads(2, fight, duels);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(duels[i].runs, 1);
        wr_release(duels[i].f);
    }
    free(duels);
}
