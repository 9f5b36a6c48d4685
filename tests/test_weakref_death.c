/* SPDX-License-Identifier: MIT */
/* Callbacks at the death of the referent: S9 to S14. */
#include "weakrefs.h"

/* ---- S9: the order of things ---- */

static const char *steps[8];
static unsigned step_count;
static void step(const char *name) {
    if (step_count < 8)
        steps[step_count++] = name;
}

struct staged {
    wr_weak self;
    wr_weakref *ref;
};
static void staged_finalize(void *self) {
    step("finalize");
    const struct staged *s = self;
    CHECK(!wr_weak_is_dead(s->self)); /* S25 */
    CHECK_EQ(wr_weakref_is_dead(s->ref), 0);
    CHECK_NULL(referent(s->ref));
    CHECK(wr_weakref_callback(s->ref) != NULL);
}
static void staged_destroy(void *self) {
    step("destroy");
    const struct staged *s = self;
    CHECK(wr_weak_is_dead(s->self));
    CHECK_EQ(wr_weakref_is_dead(s->ref), 1);
}
static const wr_type staged_type = {.abi = WR_TYPE_ABI,
                                    .name = "staged",
                                    .size = sizeof(struct staged),
                                    .finalize = staged_finalize,
                                    .destroy = staged_destroy};
static void staged_callback(wr_weakref *ref, void *arg) {
    step("callback");
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK(wr_weak_is_dead(*(wr_weak *)arg));
}

TEST(S9_finalize_then_dead_then_callbacks_then_destroy) {
    struct staged *s = wr_new(&staged_type);
    REQUIRE(s != NULL);
    wr_weak w = s->self = wr_weak_of(s);
    wr_weakref *ref = s->ref = new_ref(s, staged_callback, &w);
    wr_release(s);
    REQUIRE(step_count == 3);
    CHECK_STR_EQ(steps[0], "finalize");
    CHECK_STR_EQ(steps[1], "callback");
    CHECK_STR_EQ(steps[2], "destroy");
    wr_release(ref);
}

/* ---- S10 ---- */

struct insider {
    void *self;
    wr_weak weak;
    wr_weakref *siblings[3];
    unsigned looked;
};
static void look_around(struct insider *in) {
    void *obj;
    in->looked++;
    CHECK(wr_weak_is_dead(in->weak));
    CHECK_NULL(wr_weak_get(in->weak));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(wr_weakref_is_dead(in->siblings[i]), 1);
        CHECK_EQ(wr_weakref_get(in->siblings[i], &obj), 0);
        CHECK(wr_weakref_callback(in->siblings[i]) == NULL); /* S13 */
    }
    CHECK(wr_weak_is_null(wr_weak_of(in->self)));
    errno = 0;
    CHECK_NULL(wr_weakref_new(in->self, NULL, NULL));
    CHECK_EQ(errno, ESTALE);
    errno = 0;
    CHECK_NULL(wr_proxy_new(in->self, logs, NULL));
    CHECK_EQ(errno, ESTALE);
    CHECK_EQ(wr_kill(in->self), 0);
    CHECK_EQ(wr_weakref_clear(in->self), 0);
    CHECK_EQ(wr_weakref_clear_no_callbacks(in->self), 0);
    CHECK_EQ(wr_weakref_count(in->self), 0);
}
static void looks_around(wr_weakref *ref, void *arg) {
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    look_around(arg);
}
static void dead_inside_destroy(void *self) {
    look_around(*(struct insider **)self);
}
static const wr_type inside_type = {
    .abi = WR_TYPE_ABI, .name = "inside", .size = sizeof(void *), .destroy = dead_inside_destroy};

TEST(S10_all_is_dead_in_callbacks_and_in_destroy) {
    struct insider in = {0};
    struct insider **obj = wr_new(&inside_type);
    REQUIRE(obj != NULL);
    *obj = &in;
    in.self = obj;
    in.weak = wr_weak_of(obj);
    in.siblings[0] = new_ref(obj, NULL, NULL);
    in.siblings[1] = new_ref(obj, looks_around, &in);
    in.siblings[2] = new_proxy(obj, looks_around, &in);
    wr_release(obj);
    CHECK_EQ(in.looked, 3);
    for (int i = 0; i < 3; i++)
        wr_release(in.siblings[i]);
}

/* ---- S11, S12, S13 ---- */

TEST(S11_each_callback_runs_once_with_its_own_weakref) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *a = new_ref(p, logs, &log), *b = new_proxy(p, logs, &log);
    wr_release(wr_retain(p));
    CHECK_EQ(log.calls, 0);
    wr_release(p);
    CHECK_EQ(log.calls, 2);
    CHECK_EQ(log.dead, 2);
    CHECK_PTR_EQ(log.refs[0], b);
    CHECK_PTR_EQ(log.refs[1], a);
    wr_release(a);
    wr_release(b);
    CHECK_EQ(log.calls, 2);
}

static void notes_thread(wr_weakref *ref, void *arg) {
    (void)ref;
    *(pthread_t *)arg = pthread_self();
}
static void *releases(void *obj) {
    wr_release(obj);
    return NULL;
}
static void *kills(void *obj) {
    CHECK_EQ(wr_kill(obj), 1);
    return NULL;
}
static void *clears(void *obj) {
    CHECK_EQ(wr_weakref_clear(obj), 0);
    return NULL;
}

TEST(S11_callbacks_run_on_the_thread_that_ends_the_referent) {
    void *(*const ends[])(void *) = {releases, kills, clears};
    for (int i = 0; i < 3; i++) {
        pthread_t thread, where = pthread_self();
        probe *p = probe_new(NULL);
        wr_weakref *ref = new_ref(p, notes_thread, &where);
        REQUIRE(pthread_create(&thread, NULL, ends[i], p) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
        CHECK(!pthread_equal(where, pthread_self()));
        wr_release(ref);
        if (i > 0)
            wr_release(p);
    }
}

TEST(S12_callbacks_newest_first) {
    enum { COUNT = 100 };
    struct log log = {0};
    wr_weakref *refs[COUNT];
    probe *p = probe_new(NULL);
    for (unsigned i = 0; i < COUNT; i++)
        refs[i] = i % 3 ? new_ref(p, logs, &log) : new_proxy(p, logs, &log);
    wr_weakref *plain = new_ref(p, NULL, NULL);
    wr_release(p);
    CHECK_EQ(log.calls, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK_PTR_EQ(log.refs[i], refs[COUNT - 1 - i]);
        wr_release(refs[i]);
    }
    wr_release(plain);
}

TEST(S13_no_callback_to_see_after_death_or_cancel) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *plain = new_ref(p, NULL, NULL), *a = new_ref(p, logs, &log), *b = new_ref(p, logs, &log);
    CHECK(wr_weakref_callback(plain) == NULL);
    CHECK(wr_weakref_callback(a) == logs);
    CHECK_EQ(wr_weakref_cancel(a), 1);
    CHECK(wr_weakref_callback(a) == NULL);
    CHECK(wr_weakref_callback(b) == logs);
    wr_release(p);
    CHECK(wr_weakref_callback(b) == NULL);
    CHECK_EQ(log.calls, 1);
    wr_release(plain);
    wr_release(a);
    wr_release(b);
}

/* ---- S14 ---- */

static void spoils_errno(wr_weakref *ref, void *arg) {
    (void)ref, (void)arg;
    errno = EBADF;
}
static void spoils_errno_too(void *arg) {
    (void)arg;
    errno = EBADF;
}

TEST(S14_errno_is_kept_across_callbacks) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = spoils_errno;
    o.arg_destroy = spoils_errno_too;
    for (int way = 0; way < 6; way++) {
        probe *p = probe_new(NULL);
        wr_weakref *ref = wr_weakref_new_ex(p, &o);
        wr_retain(p);
        errno = 1234;
        switch (way) {
        case 0:
            wr_release(p);
            wr_release(p);
            break;
        case 1:
            CHECK_EQ(wr_kill(p), 1);
            break;
        case 2:
            CHECK_EQ(wr_weakref_clear(p), 0);
            break;
        case 3:
            CHECK_EQ(wr_weakref_cancel(ref), 1);
            break;
        case 4:
            CHECK_EQ(wr_weakref_clear_no_callbacks(p), 0);
            break;
        default:
            wr_release(wr_retain(ref));
        }
        CHECK_EQ(errno, 1234);
        wr_release(ref);
        CHECK_EQ(errno, 1234);
        for (int i = 0; way > 0 && i < 2; i++)
            wr_release(p);
    }
}
