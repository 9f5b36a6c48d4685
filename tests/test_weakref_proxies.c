/* SPDX-License-Identifier: MIT */
/* Proxies: S32 to S36. */
#include "weakrefs.h"

struct call {
    void *expected;
    unsigned calls;
    bool drop; /* give up the reference of the test in the middle of the call */
    unsigned *destroyed;
};
static int called(void *self, void *arg) {
    struct call *c = arg;
    c->calls++;
    CHECK_PTR_EQ(self, c->expected);
    if (c->drop) {
        wr_release(self);
        CHECK_EQ(*c->destroyed, 0); /* still held */
        ((probe *)self)->value = 3;
    }
    return 42;
}

TEST(S32_call_through_a_proxy_acts_on_the_referent) {
    int result = 0;
    probe *p = probe_new(NULL);
    struct call c = {.expected = p};
    wr_weakref *proxy = new_proxy(p, NULL, NULL), *ref = new_ref(p, NULL, NULL);
    CHECK_EQ(wr_call(proxy, called, &c, &result), 0);
    CHECK_EQ(result, 42);
    CHECK_EQ(wr_call(proxy, called, &c, NULL), 0);
    CHECK_EQ(wr_call(p, called, &c, &result), 0); /* S36 */
    c.expected = ref;                             /* a ref stands for itself */
    CHECK_EQ(wr_call(ref, called, &c, NULL), 0);
    CHECK_EQ(c.calls, 4);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(proxy);
    wr_release(ref);
    wr_release(p);
}

TEST(S32_the_referent_is_held_for_the_whole_call) {
    for (int direct = 0; direct < 2; direct++) {
        unsigned destroyed = 0;
        probe *p = probe_new(&destroyed);
        wr_weakref *proxy = new_proxy(p, NULL, NULL);
        struct call c = {.expected = p, .drop = true, .destroyed = &destroyed};
        CHECK_EQ(wr_call(direct ? (void *)p : proxy, called, &c, NULL), 0);
        CHECK_EQ(c.calls, 1);
        CHECK_EQ(destroyed, 1);
        wr_release(proxy);
    }
}

static int never_called(const void *self, char *buf, size_t len) {
    (void)self, (void)buf, (void)len;
    REQUIRE(!"the referent was described");
    return 0;
}

TEST(S32_describe_describes_the_proxy_itself) {
    static wr_type type;
    type = number_type;
    type.describe = never_called;
    char text[100], expected[100];
    void *obj = wr_new(&type);
    wr_weakref *proxy = new_proxy(obj, NULL, NULL);
    snprintf(expected, sizeof expected, "<weakproxy at %p; to 'number' at %p>", (void *)proxy, obj);
    CHECK_EQ(wr_describe(proxy, text, sizeof text), (int)strlen(expected));
    CHECK_STR_EQ(text, expected);
    wr_release(obj);
    wr_release(proxy);
}

TEST(S35_describe_of_a_dead_proxy_does_not_fail) {
    char text[100], part[5], expected[100];
    struct number *n = number_new(1, NULL);
    wr_weakref *proxy = new_proxy(n, NULL, NULL);
    wr_release(n);
    snprintf(expected, sizeof expected, "<weakproxy at %p; dead>", (void *)proxy);
    CHECK_EQ(wr_describe(proxy, text, sizeof text), (int)strlen(expected));
    CHECK_STR_EQ(text, expected);
    CHECK_EQ(wr_describe(proxy, NULL, 0), (int)strlen(expected));
    CHECK_EQ(wr_describe(proxy, part, sizeof part), (int)strlen(expected));
    CHECK_STR_EQ(part, "<wea");
    wr_release(proxy);
}

/* The same lines, with an object and with a proxy for it; what is asked for differs in hash and describe alone. */
TEST(S36_an_object_serves_wherever_a_proxy_does) {
    struct number *n = number_new(1, NULL), *like = number_new(1, NULL);
    wr_weakref *proxy = new_proxy(n, NULL, NULL);
    struct call c = {.expected = n};
    void *either[] = {n, proxy};
    for (int i = 0; i < 2; i++) {
        int result = 0;
        CHECK_EQ(wr_call(either[i], called, &c, &result), 0);
        CHECK_EQ(result, 42);
        CHECK_EQ(wr_equal(either[i], like), 1);
        CHECK_EQ(wr_equal(like, either[i]), 1);
        CHECK_EQ(wr_refcount(n), 1);
    }
    CHECK_EQ(c.calls, 2);
    wr_release(proxy);
    wr_release(n);
    wr_release(like);
}

TEST(S32_S36_equal_takes_proxies_and_objects_alike) {
    struct number *a = number_new(1, NULL), *b = number_new(1, NULL), *c = number_new(2, NULL);
    wr_weakref *pa = new_proxy(a, NULL, NULL), *pb = new_proxy(b, NULL, NULL), *pc = new_proxy(c, NULL, NULL);
    void *like_a[] = {a, pa, b, pb}, *like_c[] = {c, pc};
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            CHECK_EQ(wr_equal(like_a[i], like_a[j]), 1);
        for (int j = 0; j < 2; j++) {
            CHECK_EQ(wr_equal(like_a[i], like_c[j]), 0);
            CHECK_EQ(wr_equal(like_c[j], like_a[i]), 0);
        }
    }
    wr_weakref *ref = new_ref(a, NULL, NULL);
    CHECK_EQ(wr_equal(ref, pa), 0); /* a ref against what the proxy stands for, which is none */
    CHECK_EQ(wr_equal(pa, ref), 0);
    CHECK_EQ(wr_refcount(a), 1);
    void *all[] = {pa, pb, pc, ref, a, b, c};
    for (int i = 0; i < 7; i++)
        wr_release(all[i]);
}

TEST(S33_a_dead_proxy_is_stale_on_either_side_and_nothing_leaks) {
    unsigned asked = 0;
    struct number *a = number_new(1, &asked), *b = number_new(1, &asked);
    wr_weakref *dead = new_proxy(a, NULL, NULL), *alive = new_proxy(b, NULL, NULL);
    wr_release(a);
    struct call c = {0};
    int result = 7;
    CHECK_EQ(wr_call(dead, called, &c, &result), -ESTALE);
    CHECK_EQ(c.calls, 0);
    CHECK_EQ(result, 7);
    void *others[] = {b, alive, dead};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(wr_equal(dead, others[i]), -ESTALE);
        CHECK_EQ(wr_equal(others[i], dead), -ESTALE);
    }
    CHECK_EQ(asked, 0);
    CHECK_EQ(wr_refcount(b), 1);
    CHECK_EQ(wr_refcount(dead), 1);
    CHECK_EQ(wr_refcount(alive), 1);
    wr_release(dead);
    wr_release(alive);
    wr_release(b);
}

TEST(S34_proxies_are_never_hashable) {
    unsigned asked = 0;
    uint64_t hash = 9;
    struct number *n = number_new(1, &asked);
    wr_weakref *proxy = new_proxy(n, NULL, NULL);
    CHECK_EQ(wr_hash(proxy, &hash), -ENOTSUP);
    wr_release(n);
    CHECK_EQ(wr_hash(proxy, &hash), -ENOTSUP);
    CHECK_EQ(hash, 9);
    CHECK_EQ(asked, 0);
    wr_release(proxy);
}
