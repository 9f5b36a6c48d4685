/* SPDX-License-Identifier: MIT */
/* Python's own tests of weakref.proxy (test_weakref.py, ReferencesTestCase), translated. Python forwards each operator;
 * here an operation is a function, and wr_call forwards it. docs/python.md has the whole table. */
#include "list.h"

TEST(test_proxy_ref) {
    struct log log = {0};
    struct list *o = new_list(1);
    wr_weakref *ref1 = new_proxy(o, logs, &log), *ref2 = new_proxy(o, logs, &log);
    wr_release(o);
    int at = 0;
    CHECK_EQ(wr_call(ref1, op_get, &at, NULL), -ESTALE);
    CHECK_EQ(wr_call(ref2, op_get, &at, NULL), -ESTALE);
    CHECK_EQ(wr_call(ref2, op_truth, NULL, NULL), -ESTALE);
    CHECK_EQ(log.calls, 2);
    wr_release(ref1);
    wr_release(ref2);
    o = new_list(1);
    ref1 = new_proxy(o, NULL, NULL); /* to a temporary */
    wr_release(o);
    CHECK_EQ(wr_weakref_is_dead(ref1), 1);
    wr_release(ref1);
}

TEST(test_proxy_repr) {
    char text[100], expected[100];
    struct list *o = new_list(0);
    wr_weakref *ref = new_proxy(o, NULL, NULL);
    snprintf(expected, sizeof expected, "<weakproxy at %p; to 'list' at %p>", (void *)ref, (void *)o);
    wr_describe(ref, text, sizeof text);
    CHECK_STR_EQ(text, expected);
    wr_release(o);
    snprintf(expected, sizeof expected, "<weakproxy at %p; dead>", (void *)ref);
    wr_describe(ref, text, sizeof text);
    CHECK_STR_EQ(text, expected);
    wr_release(ref);
}

TEST(test_proxy_reuse) {
    struct list *o = new_list(0);
    wr_weakref *proxy1 = new_proxy(o, NULL, NULL), *ref = new_ref(o, NULL, NULL);
    CHECK_PTR_EQ(new_proxy(o, NULL, NULL), proxy1);
    wr_release(proxy1);
    wr_release(proxy1);
    wr_release(ref);
    wr_release(o);
}

TEST(test_shared_proxy_without_callback) {
    struct list *o = new_list(0);
    wr_weakref_options none = WR_WEAKREF_OPTIONS_INIT;
    none.flags = WR_PROXY;
    wr_weakref *a = wr_proxy_new(o, NULL, NULL), *b = wr_weakref_new_ex(o, &none);
    CHECK_PTR_EQ(a, b);
    CHECK_PTR_EQ(wr_proxy_new(o, NULL, &none), a);
    for (int i = 0; i < 3; i++)
        wr_release(a);
    wr_release(o);
}

TEST(test_basic_proxy) {
    struct list *o = new_list(0), *other = new_list(2);
    wr_weakref *p = new_proxy(o, NULL, NULL), *p2 = new_proxy(other, NULL, NULL);
    int value = 10, at = 0;
    CHECK_EQ(on(p, op_truth, NULL), 0);
    CHECK_EQ(on(p, op_length, NULL), 0);
    on(p, op_append, &value);
    CHECK_EQ(on(p, op_truth, NULL), 1);
    CHECK_EQ(on(p, op_length, NULL), 1);
    CHECK_EQ(on(p, op_get, &at), 10);
    value = 11;
    on(p, op_append, &value);
    CHECK_EQ(wr_equal(p, p2), 1);
    CHECK_EQ(wr_equal(p, other), 1);
    on(p, op_set, &(struct assignment){1, 55});
    CHECK_EQ(o->items[1], 55);
    CHECK_EQ(wr_equal(p, p2), 0);
    CHECK_EQ(on(p, op_contains, &value), 0);
    value = 55;
    CHECK_EQ(on(p, op_contains, &value), 1);
    while (o->length < CAPACITY)
        on(p, op_append, &value);
    CHECK_EQ(on(p, op_append, &value), -ENOSPC); /* the operation's own error comes through */
    CHECK_EQ(wr_refcount(o), 1);
    void *all[] = {p, p2, o, other};
    for (int i = 0; i < 4; i++)
        wr_release(all[i]);
}

TEST(test_proxy_unicode) {
    char text[16];
    struct list *o = new_list(3);
    wr_weakref *p = new_proxy(o, NULL, NULL);
    on(p, op_bytes, text);
    CHECK_STR_EQ(text, "3 items");
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_index) {
    int at = 0;
    struct list *index = new_list(1), *o = new_list(5);
    index->items[0] = 4;
    wr_weakref *p = new_proxy(index, NULL, NULL);
    int converted = on(p, op_get, &at);
    CHECK_EQ(on(o, op_get, &converted), 14);
    wr_release(p);
    wr_release(index);
    wr_release(o);
}

TEST(test_proxy_div) {
    struct list *o = new_list(1);
    void *variable = new_proxy(o, NULL, NULL), *result = NULL;
    on(variable, op_divide_in_place, &result);
    wr_release(variable);
    variable = result;
    CHECK(!wr_weakref_check(variable));
    CHECK_EQ(((struct list *)variable)->items[0], 5);
    wr_release(variable);
    wr_release(o);
}

TEST(test_proxy_matmul) {
    struct list *x = new_list(1), *y = new_list(2);
    wr_weakref *px = new_proxy(x, NULL, NULL), *py = new_proxy(y, NULL, NULL);
    void *left[] = {x, px, x, px}, *right[] = {y, y, py, py};
    for (int i = 0; i < 4; i++) {
        struct product product = {right[i], 0};
        CHECK_EQ(on(left[i], op_multiply, &product), 0);
        CHECK_EQ(product.result, 100);
    }
    wr_release(px);
    wr_release(py);
    wr_release(x);
    wr_release(y);
}

TEST(test_newstyle_number_ops) {
    struct list *x = new_list(1), *y = new_list(1);
    wr_weakref *py = new_proxy(y, NULL, NULL);
    struct product product = {py, 0};
    CHECK_EQ(on(x, op_multiply, &product), 0);
    wr_release(y);
    CHECK_EQ(on(x, op_multiply, &product), -ESTALE); /* a dead right operand, noticed inside the operation */
    CHECK_EQ(wr_refcount(x), 1);
    wr_release(py);
    wr_release(x);
}

static int adds(void *self, void *arg) {
    const int *arguments = arg;
    if (arguments[0] != 2)
        return -E2BIG; /* wrong arity */
    return ((struct list *)self)->items[0] + arguments[1] + arguments[2];
}

TEST(test_callable_proxy) {
    struct list *o = new_list(1);
    wr_weakref *p = new_proxy(o, NULL, NULL);
    CHECK(wr_weakref_check_proxy(p));
    CHECK_EQ(on(p, adds, (int[]){2, 1, 2}), 13);
    CHECK_EQ(on(p, adds, (int[]){3, 1, 2}), -E2BIG);
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_deletion) {
    int at = 0;
    struct list *o = new_list(3);
    wr_weakref *p = new_proxy(o, NULL, NULL);
    on(p, op_delete, &at);
    CHECK_EQ(o->length, 2);
    CHECK_EQ(o->items[0], 11);
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_bool) {
    for (int count = 0; count < 3; count++) {
        struct list *o = new_list(count);
        wr_weakref *p = new_proxy(o, NULL, NULL);
        CHECK_EQ(on(p, op_truth, NULL), count != 0);
        wr_release(p);
        wr_release(o);
    }
}

/* bpo-38395: the last strong reference goes in the middle of a forwarded call. */
static int iterates_and_loses_itself(void *self, void *arg) {
    unsigned *destroyed = arg;
    struct list *l = self;
    wr_release(l);
    CHECK_EQ(*destroyed, 0);
    return l->items[1];
}
static unsigned lists_destroyed;
static void list_destroyed(void *self) {
    (void)self;
    lists_destroyed++;
}

TEST(test_proxy_iter) {
    static wr_type type;
    type = list_type;
    type.destroy = list_destroyed;
    struct list *o = wr_new(&type);
    o->items[1] = 8;
    wr_weakref *p = new_proxy(o, NULL, NULL);
    CHECK_EQ(on(p, iterates_and_loses_itself, &lists_destroyed), 8);
    CHECK_EQ(lists_destroyed, 1);
    CHECK_EQ(wr_weakref_is_dead(p), 1);
    wr_release(p);
}

TEST(test_proxy_next) {
    int value = 0;
    struct list *o = new_list(2);
    wr_weakref *p = new_proxy(o, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(on(p, op_next, &value), 1);
        CHECK_EQ(value, 10 + i);
    }
    CHECK_EQ(on(p, op_next, &value), 0);
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_bad_next) {
    int value = 0;
    struct list *o = new_list(2);
    o->no_iterator = true;
    wr_weakref *p = new_proxy(o, NULL, NULL);
    CHECK_EQ(on(p, op_next, &value), -ENOSYS);
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_reversed) {
    struct list *o = new_list(3), to = {.length = 0};
    wr_weakref *p = new_proxy(o, NULL, NULL);
    CHECK_EQ(on(p, op_reverse, &to), 3);
    CHECK_EQ(to.items[0], 12);
    wr_release(p);
    wr_release(o);
}

TEST(test_proxy_hash) {
    uint64_t hash;
    struct number *n = number_new(42, NULL); /* hashable itself */
    struct list *l = new_list(0);
    void *referents[] = {n, l};
    for (int i = 0; i < 2; i++) {
        wr_weakref *p = new_proxy(referents[i], NULL, NULL);
        CHECK_EQ(wr_hash(p, &hash), -ENOTSUP);
        wr_release(referents[i]);
        CHECK_EQ(wr_hash(p, &hash), -ENOTSUP);
        wr_release(p);
    }
}
