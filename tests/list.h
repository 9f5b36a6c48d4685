/* SPDX-License-Identifier: MIT */
/* A list of numbers with operations as functions, for the tests of proxies that come from Python. */
#ifndef WR_TESTS_LIST_H
#define WR_TESTS_LIST_H

#include "weakrefs.h"

/* What the operations act on: a list of numbers that is an iterator over itself too. */
enum { CAPACITY = 8 };
struct list {
    int items[CAPACITY];
    int length, position;
    bool no_iterator;
};
static inline bool list_equal(const void *a, const void *b) {
    const struct list *x = a, *y = b;
    return x->length == y->length && memcmp(x->items, y->items, (size_t)x->length * sizeof(int)) == 0;
}
static const wr_type list_type = {
    .abi = WR_TYPE_ABI, .name = "list", .size = sizeof(struct list), .equal = list_equal};

static inline int op_append(void *self, void *arg) {
    struct list *l = self;
    if (l->length == CAPACITY)
        return -ENOSPC;
    l->items[l->length++] = *(int *)arg;
    return 0;
}
static inline int op_length(void *self, void *arg) {
    (void)arg;
    return ((struct list *)self)->length;
}
static inline int op_truth(void *self, void *arg) {
    (void)arg;
    return ((struct list *)self)->length != 0;
}
static inline int op_get(void *self, void *arg) {
    return ((struct list *)self)->items[*(int *)arg];
}
struct assignment {
    int at, value;
};
static inline int op_set(void *self, void *arg) {
    const struct assignment *a = arg;
    ((struct list *)self)->items[a->at] = a->value;
    return 0;
}
static inline int op_delete(void *self, void *arg) {
    struct list *l = self;
    int at = *(int *)arg;
    memmove(l->items + at, l->items + at + 1, (size_t)(l->length - at - 1) * sizeof(int));
    l->length--;
    return 0;
}
static inline int op_contains(void *self, void *arg) {
    struct list *l = self;
    for (int i = 0; i < l->length; i++)
        if (l->items[i] == *(int *)arg)
            return 1;
    return 0;
}
static inline int op_next(void *self, void *arg) {
    struct list *l = self;
    if (l->no_iterator)
        return -ENOSYS;
    *(int *)arg = l->items[l->position % CAPACITY];
    return l->position++ < l->length;
}
static inline int op_reverse(void *self, void *arg) {
    struct list *l = self, *to = arg;
    for (int i = 0; i < l->length; i++)
        to->items[i] = l->items[l->length - 1 - i];
    return to->length = l->length;
}
static inline int op_bytes(void *self, void *arg) {
    struct list *l = self;
    return snprintf(arg, 16, "%d items", l->length);
}
/* In place: the result, which may be another object, replaces what the variable held. */
static inline int op_divide_in_place(void *self, void *arg) {
    struct list *l = self, *result = wr_new(&list_type);
    for (int i = 0; i < l->length; i++)
        result->items[i] = l->items[i] / 2;
    result->length = l->length;
    *(void **)arg = result;
    return 0;
}
/* Two operands: the second may be a proxy as well. */
struct product {
    void *right;
    int result;
};
static inline int multiply_by(void *right, void *arg) {
    struct product *p = arg;
    p->result *= ((struct list *)right)->items[0];
    return 0;
}
static inline int op_multiply(void *self, void *arg) {
    struct product *p = arg;
    p->result = ((struct list *)self)->items[0];
    return wr_call(p->right, multiply_by, p, NULL);
}

static inline int on(void *obj, int (*op)(void *, void *), void *arg) {
    int result = 0;
    CHECK_EQ(wr_call(obj, op, arg, &result), 0);
    return result;
}
static inline struct list *new_list(int count) {
    struct list *l = wr_new(&list_type);
    REQUIRE(l != NULL);
    for (int i = 0; i < count; i++)
        l->items[l->length++] = i + 10;
    return l;
}

#endif
