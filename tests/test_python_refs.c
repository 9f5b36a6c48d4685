/* SPDX-License-Identifier: MIT */
/* Python's own tests of weakref.ref (test_weakref.py, ReferencesTestCase), translated: each is named after the Python
 * test and asserts the same. docs/python.md has the whole table. */
#include "weakrefs.h"

/* Python tries three kinds of referent: C() with a method, a function, a bound method. Ours: a plain type, a flexible
 * one, a box. */
static void *new_kind(int kind) {
    static const wr_type flexible = {.abi = WR_TYPE_ABI, .name = "flexible", .size = 16};
    void *obj = kind == 0   ? (void *)probe_new(NULL)
                : kind == 1 ? wr_new_flex(&flexible, 100)
                            : wr_box_new(NULL, NULL);
    REQUIRE(obj != NULL);
    return obj;
}

TEST(test_basic_ref) {
    char text[100];
    for (int kind = 0; kind < 3; kind++) {
        void *o = new_kind(kind), *got;
        wr_weakref *ref = new_ref(o, NULL, NULL);
        CHECK_EQ(wr_weakref_get(ref, &got), 1);
        CHECK_PTR_EQ(got, o);
        wr_release(got);
        CHECK_GT(wr_describe(ref, text, sizeof text), 0);
        wr_release(o);
        CHECK_EQ(wr_weakref_get(ref, &got), 0);
        CHECK_GT(wr_describe(ref, text, sizeof text), 0);
        wr_release(ref);
    }
}

TEST(test_ref_repr) {
    char text[100], expected[100];
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, NULL, NULL);
    snprintf(expected, sizeof expected, "<weakref at %p; to 'probe' at %p>", (void *)ref, (void *)o);
    wr_describe(ref, text, sizeof text);
    CHECK_STR_EQ(text, expected);
    wr_release(o);
    snprintf(expected, sizeof expected, "<weakref at %p; dead>", (void *)ref);
    wr_describe(ref, text, sizeof text);
    CHECK_STR_EQ(text, expected);
    wr_release(ref);
}

TEST(test_basic_callback) {
    for (int kind = 0; kind < 3; kind++) {
        struct log log = {0};
        void *o = new_kind(kind);
        wr_weakref *ref = new_ref(o, logs, &log);
        CHECK_EQ(log.calls, 0);
        wr_release(o);
        CHECK_EQ(log.calls, 1);
        CHECK_NULL(referent(ref));
        wr_release(ref);
    }
}

/* A callback cannot be something that is not callable here; what is wrong can only be its argument, which is opaque. */
TEST(test_non_callable_callback) {
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, NULL, o);
    CHECK(wr_weakref_callback(ref) == NULL);
    wr_release(o);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    wr_release(ref);
}

/* Objects that stand for something the language below made: boxes. */
static unsigned box_freed;
static void free_box(void *ptr) {
    CHECK_STR_EQ(ptr, "content");
    box_freed++;
}

TEST(test_cfunction) {
    char content[] = "content";
    struct log log = {0};
    void *box = wr_box_new(content, free_box);
    wr_weakref *ref = new_ref(box, logs, &log);
    CHECK_PTR_EQ(referent(ref), box);
    wr_release(box);
    CHECK_NULL(referent(ref));
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(box_freed, 1);
    wr_release(ref);
}

TEST(test_multiple_callbacks) {
    struct log log = {0};
    probe *o = probe_new(NULL);
    wr_weakref *ref1 = new_ref(o, logs, &log), *ref2 = new_ref(o, logs, &log);
    wr_release(o);
    CHECK_NULL(referent(ref1));
    CHECK_NULL(referent(ref2));
    CHECK_EQ(log.calls, 2);
    wr_release(ref1);
    wr_release(ref2);
}

static void looks_at_other(wr_weakref *ref, void *arg) {
    (void)ref;
    wr_weakref **other = arg;
    CHECK_NULL(referent(*other));
}

TEST(test_multiple_selfref_callbacks) {
    probe *o = probe_new(NULL);
    wr_weakref *ref1 = NULL, *ref2 = NULL;
    ref1 = new_ref(o, looks_at_other, &ref2);
    ref2 = new_ref(o, looks_at_other, &ref1);
    wr_release(o);
    wr_release(ref1);
    wr_release(ref2);
}

TEST(test_ref_reuse) {
    probe *o = probe_new(NULL);
    wr_weakref *ref1 = new_ref(o, NULL, NULL), *proxy = new_proxy(o, NULL, NULL);
    wr_weakref *ref2 = new_ref(o, NULL, NULL);
    CHECK_PTR_EQ(ref1, ref2);
    CHECK_EQ(wr_weakref_count(o), 2);
    wr_release(proxy);
    CHECK_EQ(wr_weakref_count(o), 1);
    wr_release(ref1);
    wr_release(ref2);
    wr_release(o);
}

TEST(test_shared_ref_without_callback) {
    probe *o = probe_new(NULL);
    wr_weakref_options none = WR_WEAKREF_OPTIONS_INIT;
    wr_weakref *a = wr_weakref_new(o, NULL, NULL), *b = wr_weakref_new_ex(o, &none);
    wr_weakref *c = wr_weakref_new(o, NULL, &none);
    CHECK_PTR_EQ(a, b);
    CHECK_PTR_EQ(a, c);
    CHECK_EQ(wr_weakref_count(o), 1);
    wr_release(a);
    wr_release(b);
    wr_release(c);
    wr_release(o);
}

TEST(test_getweakrefcount) {
    probe *o = probe_new(NULL);
    wr_weakref *ref1 = new_ref(o, NULL, NULL), *ref2 = new_ref(o, logs, NULL);
    CHECK_EQ(wr_weakref_count(o), 2);
    wr_weakref *proxy1 = new_proxy(o, NULL, NULL), *proxy2 = new_proxy(o, logs, NULL);
    CHECK_EQ(wr_weakref_count(o), 4);
    wr_weakref *all[] = {ref1, ref2, proxy1, proxy2};
    for (int i = 0; i < 4; i++)
        wr_release(all[i]);
    CHECK_EQ(wr_weakref_count(o), 0);
    wr_release(o);
    void *unsupported = wr_new(&no_weakref_type);
    CHECK_EQ(wr_weakref_count(unsupported), 0);
    wr_release(unsupported);
}

static void check_refs(void *o, wr_weakref *only) {
    wr_weakref *out[4];
    CHECK_EQ(wr_weakref_list(o, out, 4), only ? 1 : 0);
    if (only) {
        CHECK_PTR_EQ(out[0], only);
        wr_release(out[0]);
    }
}

TEST(test_getweakrefs) {
    for (int drop_first = 0; drop_first < 2; drop_first++) {
        probe *o = probe_new(NULL);
        wr_weakref *ref1 = new_ref(o, logs, NULL), *ref2 = new_ref(o, logs, NULL);
        wr_release(drop_first ? ref1 : ref2);
        check_refs(o, drop_first ? ref2 : ref1);
        wr_release(drop_first ? ref2 : ref1);
        check_refs(o, NULL);
        wr_release(o);
    }
    void *unsupported = wr_new(&no_weakref_type);
    check_refs(unsupported, NULL);
    wr_release(unsupported);
}

/* The error that is set when a callback runs is neither lost nor overwritten. */
static void fails(wr_weakref *ref, void *arg) {
    (void)arg;
    void *obj;
    CHECK_EQ(wr_weakref_get(ref, &obj), 0);
    errno = 0;
    CHECK_NULL(wr_new(NULL));
    CHECK_EQ(errno, EINVAL);
}

TEST(test_callbacks_protected) {
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, fails, NULL);
    errno = ERANGE;
    wr_release(o);
    CHECK_EQ(errno, ERANGE);
    wr_release(ref);
}

/* Python's types are objects; ours is an object that others refer to as theirs. */
struct instance {
    void *class;
};
static void release_class(void *self) {
    wr_release(((struct instance *)self)->class);
}

TEST(test_classes) {
    static const wr_type instance_type = {
        .abi = WR_TYPE_ABI, .size = sizeof(struct instance), .destroy = release_class};
    struct log log = {0};
    probe *class = probe_new(NULL);
    wr_weakref *ref = new_ref(class, logs, &log);
    CHECK_PTR_EQ(referent(ref), class);
    struct instance *instance = wr_new(&instance_type);
    instance->class = class;
    CHECK_EQ(log.calls, 0);
    wr_release(instance);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(log.calls, 1);
    wr_release(ref);
}

TEST(test_equality) {
    struct number *x = number_new(1, NULL), *y = number_new(1, NULL), *z = number_new(2, NULL);
    wr_weakref *a = new_ref(x, NULL, NULL), *b = new_ref(y, NULL, NULL), *c = new_ref(z, NULL, NULL);
    wr_weakref *d = new_ref(x, logs, NULL); /* another ref to x */
    CHECK_EQ(wr_equal(a, b), 1);
    CHECK_EQ(wr_equal(a, c), 0);
    CHECK_EQ(wr_equal(a, d), 1);
    CHECK_EQ(wr_equal(a, x), 0); /* ref against object */
    CHECK_EQ(wr_equal(a, y), 0);
    CHECK_EQ(wr_weakref_cancel(d), 1);
    wr_release(x);
    wr_release(y);
    wr_release(z);
    wr_weakref *refs[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            CHECK_EQ(wr_equal(refs[i], refs[j]), i == j);
    for (int i = 0; i < 4; i++)
        wr_release(refs[i]);
}

/* Python refuses to order refs. Here an operation that orders objects is not forwarded by them, as by a proxy: it gets
 * the ref itself, and refuses that. */
static int orders_numbers(void *self, void *arg) {
    if (wr_type_of(self) != &number_type)
        return -ENOTSUP;
    return ((struct number *)self)->value < *(uint64_t *)arg;
}

TEST(test_ordering) {
    uint64_t two = 2;
    int result = 0;
    struct number *x = number_new(1, NULL);
    wr_weakref *a = new_ref(x, NULL, NULL), *called = new_ref(x, logs, NULL),
               *proxy = new_proxy(x, NULL, NULL);
    CHECK_EQ(wr_call(proxy, orders_numbers, &two, &result), 0);
    CHECK_EQ(result, 1);
    CHECK_EQ(wr_weakref_cancel(called), 1);
    for (int dead = 0; dead < 2; dead++) {
        CHECK_EQ(wr_call(a, orders_numbers, &two, &result), 0);
        CHECK_EQ(result, -ENOTSUP);
        CHECK_EQ(wr_call(called, orders_numbers, &two, &result), 0);
        CHECK_EQ(result, -ENOTSUP);
        if (!dead)
            wr_release(x);
    }
    wr_weakref *all[] = {a, called, proxy};
    for (int i = 0; i < 3; i++)
        wr_release(all[i]);
}

TEST(test_hashing) {
    struct number *x = number_new(42, NULL), *y = number_new(42, NULL);
    uint64_t of_x, of_a, of_b;
    wr_weakref *a = new_ref(x, NULL, NULL), *b = new_ref(y, NULL, NULL);
    CHECK_EQ(wr_hash(x, &of_x), 0);
    CHECK_EQ(wr_hash(a, &of_a), 0);
    CHECK_EQ(of_a, of_x);
    wr_release(x);
    wr_release(y);
    CHECK_EQ(wr_hash(a, &of_a), 0);
    CHECK_EQ(of_a, of_x);
    CHECK_EQ(wr_hash(b, &of_b), -ESTALE);
    wr_release(a);
    wr_release(b);
}

TEST(test_callback_attribute) {
    probe *o = probe_new(NULL);
    wr_weakref *ref1 = new_ref(o, logs, NULL), *ref2 = new_ref(o, NULL, NULL);
    CHECK(wr_weakref_callback(ref1) == logs);
    CHECK(wr_weakref_callback(ref2) == NULL);
    wr_release(ref1);
    wr_release(ref2);
    wr_release(o);
}

TEST(test_callback_attribute_after_deletion) {
    struct log log = {0};
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, logs, &log);
    CHECK(wr_weakref_callback(ref) == logs);
    wr_release(o);
    CHECK(wr_weakref_callback(ref) == NULL);
    wr_release(ref);
}
