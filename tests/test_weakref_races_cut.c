/* SPDX-License-Identifier: MIT */
/* Clear and kill against registration and against each other, forced both ways (VARIANT=hook). */
#include "stopper.h"

#include "weakref.h"

static const volatile void *stripe_of(const void *obj) {
    return registry_stripe(wr_slot_of(obj));
}

/* ---- clear and kill against new registrations ---- */

struct registrar {
    probe *obj;
    struct log *log;
    wr_weakref *made;
    int error;
};
static void do_register(void *arg) {
    struct registrar *r = arg;
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = r->log;
    o.arg_destroy = logs_freed;
    errno = 0;
    r->made = wr_weakref_new_ex(r->obj, &o);
    r->error = errno;
}
static void clear(void *obj) {
    CHECK_EQ(wr_weakref_clear(obj), 0);
}
static void kill_and_win(void *obj) {
    CHECK_EQ(wr_kill(obj), 1);
}

static void check_alive_and_called_once(struct registrar *r) {
    REQUIRE(r->made != NULL);
    CHECK_PTR_EQ(referent(r->made), r->obj);
    CHECK_EQ(wr_weakref_count(r->obj), 1);
    CHECK_EQ(r->log->calls, 0);
    wr_release(r->obj);
    CHECK_EQ(r->log->calls, 1);
    CHECK_EQ(r->log->freed, 1);
    wr_release(r->made);
}

static void check_refused(struct registrar *r) {
    CHECK_NULL(r->made);
    CHECK_EQ(r->error, ESTALE);
    CHECK_EQ(wr_weakref_count(r->obj), 0);
    wr_release(r->obj);
    CHECK_EQ(r->log->calls + r->log->freed, 0);
}

/* Where the registrar may stand: before the stripe, and before the flag, holding the stripe. */
static const char *const stands[] = {"cas", "or"};
static void start_registrar(struct stopper *s, struct registrar *r, struct log *log, int stand) {
    *r = (struct registrar){.obj = probe_new(NULL), .log = log};
    stopper_start(s, do_register, r, stands[stand],
                  stand == 0 ? stripe_of(r->obj) : (const volatile void *)&wr_slot_of(r->obj)->word, 1);
}

TEST(S39_a_weakref_registered_after_the_clear_is_alive) {
    NEEDS_STOPPER;
    for (int stand = 0; stand < 2; stand++) {
        struct stopper s;
        struct registrar r;
        struct log log = {0};
        start_registrar(&s, &r, &log, stand);
        wr_weak before = wr_weak_of(r.obj);
        CHECK_EQ(wr_weakref_clear(r.obj), 0); /* nothing was registered yet: it needs no stripe */
        CHECK(wr_weak_is_dead(before));
        stopper_finish(&s);
        check_alive_and_called_once(&r);
    }
}

TEST(S41_a_weakref_registered_after_the_kill_is_refused) {
    NEEDS_STOPPER;
    for (int stand = 0; stand < 2; stand++) {
        struct stopper s;
        struct registrar r;
        struct log log = {0};
        start_registrar(&s, &r, &log, stand);
        CHECK_EQ(wr_kill(r.obj), 1);
        stopper_finish(&s);
        check_refused(&r);
    }
}

TEST(S11_a_kill_that_lost_returns_though_the_callbacks_have_not_run) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    stopper_start(&s, kill_and_win, p, "store", stripe_of(p), 1); /* it has taken the callback */
    CHECK_EQ(wr_kill(p), 0);
    CHECK_EQ(log.calls, 0);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
    wr_release(p);
}

/* Its destroy would find a state that nobody has set. */
static void never_destroyed(void *self) {
    (void)self;
    REQUIRE(!"the destroy of a weakref that was never made ran");
}
static void register_derived(void *arg) {
    static const wr_type type = {.abi = WR_TYPE_ABI,
                                 .name = "derived",
                                 .size = 8,
                                 .base = &wr_weakref_type,
                                 .destroy = never_destroyed};
    struct registrar *r = arg;
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.type = &type;
    errno = 0;
    r->made = wr_weakref_new_ex(r->obj, &o);
    r->error = errno;
}

TEST(S1_a_failed_constructor_does_not_run_the_destroy_of_its_type) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    struct registrar r = {.obj = probe_new(NULL), .log = &log};
    stopper_start(&s, register_derived, &r, "cas", stripe_of(r.obj), 1);
    CHECK_EQ(wr_kill(r.obj), 1);
    stopper_finish(&s);
    check_refused(&r);
}

/* Where the clear may stand: before its one step without the stripe, and having seen the flag, before the stripe. */
static void check_clear_after_registration(const char *op, bool by_stripe, bool kill) {
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *first = by_stripe ? new_owning_ref(p, &log) : NULL;
    const volatile void *at = by_stripe ? stripe_of(p) : (const volatile void *)&wr_slot_of(p)->word;
    stopper_start(&s, clear, p, op, at, 1);
    wr_weakref *ref = new_owning_ref(p, &log);
    if (kill)
        CHECK_EQ(wr_kill(p), 1);
    unsigned expected = by_stripe ? 2 : 1;
    CHECK_EQ(log.calls, kill ? expected : 0);
    stopper_finish(&s);
    CHECK_EQ(log.calls, expected);
    CHECK_EQ(log.dead, expected);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_release(p);
    CHECK_EQ(log.calls, expected);
    CHECK_EQ(log.freed, expected);
    wr_release(first);
    wr_release(ref);
}

TEST(S39_a_weakref_registered_before_the_clear_is_cleared_and_called) {
    NEEDS_STOPPER;
    check_clear_after_registration("cas", false, false);
    check_clear_after_registration("cas", true, false);
}

TEST(S39_a_clear_that_a_kill_overtook_changes_nothing) {
    NEEDS_STOPPER;
    check_clear_after_registration("cas", false, true);
    check_clear_after_registration("cas", true, true);
}

/* The list of the first clear is still being called through when new ones are registered, and cleared again. */
TEST(S39_two_clears_each_call_their_own) {
    NEEDS_STOPPER;
    struct stopper s;
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *a = new_owning_ref(p, &log), *b = new_owning_ref(p, &log);
    stopper_start(&s, clear, p, "cas", stripe_of(p), 2); /* b was called, a's turn comes */
    CHECK_EQ(log.calls, 1);
    wr_weakref *c = new_owning_ref(p, &log);
    CHECK_EQ(wr_weakref_is_dead(c), 0);
    CHECK_EQ(wr_weakref_count(p), 1);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK_EQ(log.calls, 2);
    wr_weakref *d = new_owning_ref(p, &log);
    stopper_finish(&s);
    CHECK_EQ(log.calls, 3);
    wr_weakref *expected[] = {b, c, a};
    for (int i = 0; i < 3; i++)
        CHECK_PTR_EQ(log.refs[i], expected[i]);
    CHECK_EQ(wr_weakref_is_dead(d), 0);
    wr_release(p);
    CHECK_EQ(log.calls, 4);
    wr_weakref *all[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        wr_release(all[i]);
}
