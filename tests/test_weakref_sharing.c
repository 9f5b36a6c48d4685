/* SPDX-License-Identifier: MIT */
/* Weakrefs made, shared and ordered: S1 to S8. */
#include "queues.h"

TEST(S1_refs_without_callback_are_shared) {
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    CHECK_PTR_EQ(new_ref(p, NULL, NULL), ref);
    CHECK_PTR_EQ(new_ref(p, NULL, &ref), ref); /* arg alone makes no difference */
    CHECK_EQ(wr_refcount(ref), 3);
    wr_weakref *proxy = new_proxy(p, NULL, NULL), *called = new_ref(p, logs, NULL);
    CHECK_PTR_EQ(new_ref(p, NULL, NULL), ref);
    CHECK_EQ(wr_refcount(ref), 4);
    CHECK_EQ(wr_weakref_count(p), 3);
    for (int i = 0; i < 4; i++)
        wr_release(ref);
    CHECK_EQ(wr_weakref_count(p), 2);
    wr_release(proxy);
    wr_release(called);
    CHECK_EQ(wr_weakref_count(p), 0);
    wr_release(p);
}

/* Without a callback, but with an arg destructor, a queue or a type: two of each, and the shared one. */
static void check_own(unsigned flags) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_queue *queue = new_queue();
    wr_weakref_options plain = WR_WEAKREF_OPTIONS_INIT;
    plain.flags = flags;
    wr_weakref_options own[] = {plain, plain, plain};
    own[0].arg = &log;
    own[0].arg_destroy = logs_freed;
    own[1].queue = queue;
    own[2].type = &owner_ref_type;
    wr_weakref *refs[7];
    for (int i = 0; i < 7; i++) {
        refs[i] = wr_weakref_new_ex(p, i == 0 ? &plain : &own[i % 3]);
        REQUIRE(refs[i] != NULL);
        CHECK_EQ(wr_refcount(refs[i]), 1);
        CHECK_EQ(wr_weakref_check_proxy(refs[i]), flags == WR_PROXY);
    }
    CHECK_EQ(wr_weakref_count(p), 7);
    wr_weakref *again = wr_weakref_new_ex(p, &plain);
    CHECK_PTR_EQ(again, refs[0]);
    wr_release(again);
    for (int i = 0; i < 7; i++)
        wr_release(refs[i]);
    CHECK_EQ(log.freed, 2);
    wr_release(p);
    wr_queue_free(queue);
}

TEST(S1_what_has_something_of_its_own_is_not_shared) {
    check_own(0);
}
TEST(S2_a_proxy_with_something_of_its_own_is_not_shared) {
    check_own(WR_PROXY);
}

TEST(S1_a_shared_ref_is_returned_with_errno_kept) {
    probe *p = probe_new(NULL);
    errno = 77;
    wr_weakref *a = wr_weakref_new(p, NULL, NULL), *b = wr_weakref_new(p, NULL, NULL);
    CHECK_EQ(errno, 77);
    wr_release(a);
    wr_release(b);
    CHECK_EQ(errno, 77);
    wr_release(p);
}

TEST(S1_a_failed_constructor_leaves_arg_to_the_caller) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = &log;
    o.arg_destroy = logs_freed;
    CHECK_EQ(wr_kill(p), 1);
    errno = 0;
    CHECK_NULL(wr_weakref_new_ex(p, &o));
    CHECK_EQ(errno, ESTALE);
    wr_release(p);
    CHECK_EQ(log.freed + log.calls, 0);
}

TEST(S2_proxies_without_callback_are_shared) {
    probe *p = probe_new(NULL);
    wr_weakref *proxy = new_proxy(p, NULL, NULL), *ref = new_ref(p, NULL, NULL);
    CHECK_PTR_NE(ref, proxy);
    wr_weakref *called = new_proxy(p, logs, NULL);
    CHECK_PTR_EQ(new_proxy(p, NULL, NULL), proxy);
    CHECK_PTR_NE(called, proxy);
    CHECK_EQ(wr_refcount(proxy), 2);
    CHECK_EQ(wr_weakref_count(p), 3);
    wr_release(proxy);
    wr_release(proxy);
    wr_release(ref);
    wr_release(called);
    wr_release(p);
}

TEST(S3_weakrefs_with_a_callback_are_never_shared) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *refs[] = {new_ref(p, logs, &log), new_ref(p, logs, &log), new_proxy(p, logs, &log),
                          new_proxy(p, logs, &log)};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            CHECK_PTR_NE(refs[i], refs[j]);
    CHECK_EQ(wr_weakref_count(p), 4);
    wr_release(p);
    CHECK_EQ(log.calls, 4);
    for (int i = 0; i < 4; i++)
        wr_release(refs[i]);
}

static void check_order(void *obj, wr_weakref **expected, size_t count) {
    wr_weakref *got[8] = {NULL};
    CHECK_EQ(wr_weakref_list(obj, got, 8), count);
    for (size_t i = 0; i < count; i++) {
        CHECK_PTR_EQ(got[i], expected[i]);
        wr_release(got[i]);
    }
}

TEST(S4_order_is_shared_ref_shared_proxy_then_newest_first) {
    probe *p = probe_new(NULL);
    wr_weakref *a = new_ref(p, logs, NULL), *b = new_proxy(p, logs, NULL);
    check_order(p, (wr_weakref *[]){b, a}, 2);
    wr_weakref *proxy = new_proxy(p, NULL, NULL);
    check_order(p, (wr_weakref *[]){proxy, b, a}, 3);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    wr_weakref *c = new_derived(p, &owner_ref_type, NULL, NULL);
    check_order(p, (wr_weakref *[]){ref, proxy, c, b, a}, 5);
    wr_release(b);
    check_order(p, (wr_weakref *[]){ref, proxy, c, a}, 4);
    wr_release(ref);
    wr_weakref *d = new_ref(p, logs, NULL);
    check_order(p, (wr_weakref *[]){proxy, d, c, a}, 4);
    ref = new_ref(p, NULL, NULL);
    check_order(p, (wr_weakref *[]){ref, proxy, d, c, a}, 5);
    wr_weakref *rest[] = {ref, proxy, d, c, a};
    for (int i = 0; i < 5; i++)
        wr_release(rest[i]);
    check_order(p, NULL, 0);
    wr_release(p);
}

TEST(S5_the_last_user_of_a_shared_ref_takes_it_with_him) {
    probe *p = probe_new(NULL);
    for (unsigned i = 0; i < 300; i++) {
        wr_weakref *ref = new_ref(p, NULL, NULL), *proxy = new_proxy(p, NULL, NULL);
        CHECK_EQ(wr_refcount(ref), 1);
        CHECK_EQ(wr_weakref_count(p), 2);
        wr_release(ref);
        CHECK_EQ(wr_weakref_count(p), 1);
        ref = new_ref(p, NULL, NULL);
        CHECK_EQ(wr_refcount(ref), 1);
        CHECK_PTR_EQ(referent(ref), p);
        wr_release(ref);
        wr_release(proxy);
        CHECK_EQ(wr_weakref_count(p), 0);
    }
    wr_release(p);
}

/* Inside user code, where deaths wait, a plain weakref goes at once: it must not be found on the list. */
static void drop_and_make_again(wr_weakref *ref, void *arg) {
    (void)ref;
    void *other = arg;
    wr_weakref *first = new_ref(other, NULL, NULL), *proxy = new_proxy(other, NULL, NULL);
    wr_release(first);
    wr_release(proxy);
    CHECK_EQ(wr_weakref_count(other), 0);
    wr_weakref *second = new_ref(other, NULL, NULL), *second_proxy = new_proxy(other, NULL, NULL);
    CHECK_EQ(wr_refcount(second), 1);
    CHECK_EQ(wr_refcount(second_proxy), 1);
    check_order(other, (wr_weakref *[]){second, second_proxy}, 2);
    wr_release(second);
    wr_release(second_proxy);
}

TEST(S5_a_shared_ref_dropped_inside_a_callback_is_not_found) {
    probe *other = probe_new(NULL), *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, drop_and_make_again, other);
    wr_release(p);
    CHECK_EQ(wr_weakref_count(other), 0);
    wr_release(ref);
    wr_release(other);
}

TEST(S7_a_weakref_does_not_count_and_keeps_nothing_alive) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weakref *refs[] = {new_ref(p, NULL, NULL), new_proxy(p, NULL, NULL), new_ref(p, logs, NULL)};
    CHECK_EQ(wr_refcount(p), 1);
    void *obj;
    CHECK_EQ(wr_weakref_get(refs[0], &obj), 1);
    CHECK_EQ(wr_refcount(p), 2);
    wr_release(obj);
    for (int i = 1; i < 3; i++)
        wr_weakref_cancel(refs[i]);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(wr_weakref_is_dead(refs[i]), 1);
        CHECK_EQ(wr_weakref_get(refs[i], &obj), 0);
        CHECK_NULL(obj);
        wr_release(refs[i]);
    }
}

TEST(S8_arg_is_destroyed_once_after_the_callback) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    wr_release(p);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(wr_weakref_cancel(ref), 0);
    wr_release(ref);
    CHECK_EQ(log.freed, 1);
}

TEST(S8_arg_is_destroyed_once_on_cancel) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    CHECK_EQ(wr_weakref_cancel(ref), 1);
    CHECK_EQ(log.freed, 1);
    wr_release(p);
    wr_release(ref);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
}

TEST(S8_arg_is_destroyed_once_when_the_ref_dies) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_owning_ref(p, &log);
    wr_retain(ref);
    wr_release(ref);
    CHECK_EQ(log.freed, 0);
    wr_release(ref);
    CHECK_EQ(log.freed, 1);
    wr_release(p);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
}

static unsigned order_seen;
static void first_called(wr_weakref *ref, void *arg) {
    (void)ref, (void)arg;
    CHECK_EQ(order_seen++, 0);
}
static void then_freed(void *arg) {
    (void)arg;
    CHECK_EQ(order_seen++, 1);
}

TEST(S8_the_destructor_comes_after_the_callback) {
    probe *p = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = first_called;
    o.arg_destroy = then_freed;
    wr_weakref *ref = wr_weakref_new_ex(p, &o);
    wr_release(p);
    CHECK_EQ(order_seen, 2);
    wr_release(ref);
}
