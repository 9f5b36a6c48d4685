/* SPDX-License-Identifier: MIT */
/* Weakrefs and bad input: the errno of the contract, and nothing changed. */
#include "word.h"
#include "queues.h"

#define CHECK_REFUSED(call, error)                                                                           \
    do {                                                                                                     \
        errno = 0;                                                                                           \
        CHECK_NULL(call);                                                                                    \
        CHECK_EQ(errno, error);                                                                              \
    } while (0)

/* Nothing of it was changed by what was refused. */
static void check_untouched(void *obj) {
    CHECK_EQ(wr_refcount(obj), 1);
    CHECK_EQ(wr_weakref_count(obj), 0);
    CHECK_EQ(wr_weakref_list(obj, NULL, 0), 0);
}

TEST(null_is_refused_everywhere) {
    struct log log = {0};
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    void *obj = &log;
    uint64_t hash = 1;
    char text[8];
    CHECK_REFUSED(wr_weakref_new(NULL, NULL, NULL), EINVAL);
    CHECK_REFUSED(wr_weakref_new(NULL, logs, &log), EINVAL);
    CHECK_REFUSED(wr_proxy_new(NULL, NULL, NULL), EINVAL);
    CHECK_REFUSED(wr_weakref_new_ex(NULL, &o), EINVAL);
    CHECK_EQ(wr_weakref_get(NULL, &obj), -EINVAL);
    CHECK_NULL(obj);
    CHECK_EQ(wr_weakref_is_dead(NULL), -EINVAL);
    CHECK(wr_weak_is_null(wr_weakref_value(NULL)));
    CHECK_NULL(wr_weakref_extra(NULL));
    CHECK(!wr_weakref_check(NULL) && !wr_weakref_check_ref(NULL));
    CHECK(!wr_weakref_check_ref_exact(NULL) && !wr_weakref_check_proxy(NULL));
    CHECK_EQ(wr_weakref_count(NULL), 0);
    CHECK_EQ(wr_weakref_list(NULL, NULL, 0), 0);
    CHECK_EQ(wr_weakref_clear(NULL), -EINVAL);
    CHECK_EQ(wr_weakref_clear_no_callbacks(NULL), -EINVAL);
    CHECK(wr_weakref_callback(NULL) == NULL);
    CHECK_EQ(wr_weakref_cancel(NULL), -EINVAL);
    CHECK_EQ(wr_weakref_cancel_timed(NULL, 0), -EINVAL);
    CHECK_EQ(wr_hash(NULL, &hash), -EINVAL);
    CHECK_EQ(hash, 1);
    CHECK_EQ(wr_equal(NULL, NULL), -EINVAL);
    CHECK_EQ(wr_describe(NULL, text, sizeof text), -EINVAL);
    CHECK_EQ(wr_call(NULL, NULL, NULL, NULL), -EINVAL);
    CHECK_EQ(log.calls, 0);
}

TEST(null_beside_an_object_is_refused) {
    probe *p = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    CHECK_EQ(wr_weakref_get(ref, NULL), -EINVAL);
    CHECK_EQ(wr_hash(p, NULL), -EINVAL);
    CHECK_EQ(wr_equal(p, NULL), -EINVAL);
    CHECK_EQ(wr_equal(NULL, p), -EINVAL);
    CHECK_EQ(wr_describe(p, NULL, 1), -EINVAL);
    CHECK_EQ(wr_call(p, NULL, NULL, NULL), -EINVAL);
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_REFUSED(wr_weakref_new_ex(p, NULL), EINVAL);
    CHECK_EQ(wr_weakref_count(p), 1);
    wr_release(ref);
    wr_release(p);
}

TEST(what_is_no_weakref_is_refused_where_one_is_wanted) {
    probe *p = probe_new(NULL);
    wr_weakref *bad = (wr_weakref *)p;
    void *obj = p;
    CHECK_EQ(wr_weakref_get(bad, &obj), -EINVAL);
    CHECK_NULL(obj);
    CHECK_EQ(wr_weakref_is_dead(bad), -EINVAL);
    CHECK_EQ(wr_weakref_cancel(bad), -EINVAL);
    CHECK_EQ(wr_weakref_cancel_timed(bad, 5), -EINVAL);
    CHECK(wr_weakref_callback(bad) == NULL);
    CHECK(wr_weak_is_null(wr_weakref_value(bad)));
    CHECK_NULL(wr_weakref_extra(bad));
    check_untouched(p);
    wr_release(p);
}

TEST(S6_types_without_weak_references_are_refused) {
    struct log log = {0};
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    void *obj = wr_new(&no_weakref_type);
    REQUIRE(obj != NULL);
    o.callback = logs;
    o.arg = &log;
    o.arg_destroy = logs_freed;
    CHECK_REFUSED(wr_weakref_new(obj, NULL, NULL), ENOTSUP);
    CHECK_REFUSED(wr_weakref_new(obj, logs, &log), ENOTSUP);
    CHECK_REFUSED(wr_proxy_new(obj, NULL, NULL), ENOTSUP);
    CHECK_REFUSED(wr_weakref_new_ex(obj, &o), ENOTSUP);
    CHECK(wr_weak_is_null(wr_weak_of(obj)));
    CHECK_EQ(wr_kill(obj), -ENOTSUP);
    CHECK_EQ(wr_weakref_clear(obj), -ENOTSUP);
    CHECK_EQ(wr_weakref_clear_no_callbacks(obj), -ENOTSUP);
    wr_queue *queue = new_queue();
    CHECK_EQ(wr_bind(obj, queue), -ENOTSUP);
    check_untouched(obj);
    wr_release(obj);
    CHECK_EQ(log.calls + log.freed, 0);
    CHECK_EQ(wr_refcount(queue), 1);
    wr_queue_free(queue);
}

static void check_not_referable(void *ref, wr_queue *queue) {
    CHECK_REFUSED(wr_weakref_new(ref, NULL, NULL), ENOTSUP);
    CHECK_REFUSED(wr_proxy_new(ref, NULL, NULL), ENOTSUP);
    CHECK(wr_weak_is_null(wr_weak_of(ref)));
    CHECK_EQ(wr_kill(ref), -ENOTSUP);
    CHECK_EQ(wr_weakref_clear(ref), -ENOTSUP);
    CHECK_EQ(wr_weakref_clear_no_callbacks(ref), -ENOTSUP);
    CHECK_EQ(wr_bind(ref, queue), -ENOTSUP);
    check_untouched(ref);
    CHECK_EQ(wr_weakref_is_dead(ref), 0);
}

TEST(S6_weakrefs_are_not_weakly_referenceable) {
    probe *p = probe_new(NULL);
    wr_weakref *refs[] = {new_ref(p, NULL, NULL), new_proxy(p, NULL, NULL), new_ref(p, logs, NULL),
                          new_derived(p, &owner_ref_type, NULL, NULL)};
    wr_queue *queue = new_queue();
    for (unsigned i = 0; i < 4; i++)
        check_not_referable(refs[i], queue);
    CHECK_EQ(wr_refcount(queue), 1);
    wr_queue_free(queue);
    CHECK_EQ(wr_weakref_count(p), 4);
    for (unsigned i = 0; i < 4; i++) {
        wr_weakref_cancel(refs[i]);
        wr_release(refs[i]);
    }
    wr_release(p);
}

TEST(options_of_another_size_or_with_unknown_flags_are_refused) {
    struct log log = {0};
    probe *p = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = logs;
    o.arg = &log;
    o.arg_destroy = logs_freed;
    o.size = 0;
    CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    o.size = sizeof o - 1;
    CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    o.size = sizeof o + 8;
    CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    o.size = sizeof o;
    for (unsigned bit = 1; bit < 32; bit++) {
        o.flags = 1u << bit;
        CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
        o.flags |= WR_PROXY;
        CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    }
    check_untouched(p);
    CHECK_EQ(log.calls + log.freed, 0); /* S1: arg stayed ours */
    wr_release(p);
}

static void nothing(void *self) {
    (void)self;
}

TEST(S6_unfit_derived_types_are_refused) {
    probe *p = probe_new(NULL);
    static wr_queue *no_queue_yet;
    static wr_type bad[9];
    for (unsigned i = 0; i < 9; i++)
        bad[i] = owner_ref_type;
    bad[0].base = NULL;
    bad[1].base = &probe_type;
    bad[2].finalize = nothing;
    bad[3].flags = WR_BORROWABLE;
    bad[4].abi = WR_TYPE_ABI + 1;
    bad[5].flags = 1u << 20;
    bad[6].align = 24;
    bad[7].size = WR_MAX_SIZE;
    bad[8].queue = &no_queue_yet;
    for (unsigned i = 0; i < 9; i++) {
        wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
        o.type = &bad[i];
        CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    }
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.type = &wr_weakref_type; /* not based on itself */
    CHECK_REFUSED(wr_weakref_new_ex(p, &o), EINVAL);
    check_untouched(p);
    wr_release(p);
}

TEST(weakref_types_are_not_made_by_wr_new) {
    CHECK_REFUSED(wr_new(&wr_weakref_type), EINVAL);
    CHECK_REFUSED(wr_new(&owner_ref_type), EINVAL);
    CHECK_REFUSED(wr_new_flex(&wr_weakref_type, 100), EINVAL);
}

/* The 2^27 references that a leak would need are put into the word by hand, and taken out again. */
static void near_overflow(wr_weakref *ref, uint64_t change) {
    (void)wr_add_relaxed(&wr_slot_of(ref)->word, change);
}

TEST_ABORTS(sharing_a_ref_past_the_count_is_fatal, "overflows") {
    wr_weakref *ref = new_ref(probe_new(NULL), NULL, NULL);
    near_overflow(ref, WR_OVERFLOW - WR_ONE);
    (void)new_ref(referent(ref), NULL, NULL);
}

TEST_ABORTS(listing_a_ref_past_the_count_is_fatal, "overflows") {
    wr_weakref *out[1], *ref = new_ref(probe_new(NULL), NULL, NULL);
    near_overflow(ref, WR_OVERFLOW - WR_ONE);
    (void)wr_weakref_list(referent(ref), out, 1);
}

TEST_ABORTS(releasing_a_weakref_once_too_often_is_fatal, "wr_release") {
    wr_weakref *ref = new_ref(probe_new(NULL), NULL, NULL);
    wr_release(ref);
    wr_release(ref);
}
