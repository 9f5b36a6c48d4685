/* SPDX-License-Identifier: MIT */
/* Weakrefs as objects: S27, S30, S31. */
#include "weakrefs.h"

enum kind { NO_WEAKREF = 0, REF = 1, EXACT = 2, PROXY = 4 };

static void check_kind(const void *obj, unsigned kind) {
    uint32_t count = wr_refcount(obj);
    CHECK_EQ(wr_weakref_check(obj), kind != NO_WEAKREF);
    CHECK_EQ(wr_weakref_check_ref(obj), (kind & REF) != 0);
    CHECK_EQ(wr_weakref_check_ref_exact(obj), (kind & EXACT) != 0);
    CHECK_EQ(wr_weakref_check_proxy(obj), (kind & PROXY) != 0);
    CHECK_EQ(wr_refcount(obj), count);
}

TEST(S27_checks_tell_refs_and_proxies_dead_or_alive) {
    probe *p = probe_new(NULL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.type = &owner_ref_type;
    o.flags = WR_PROXY;
    wr_weakref *ref = new_ref(p, NULL, NULL), *proxy = new_proxy(p, NULL, NULL);
    wr_weakref *derived = new_derived(p, &owner_ref_type, NULL, NULL);
    wr_weakref *derived_proxy = wr_weakref_new_ex(p, &o);
    for (int dead = 0; dead < 2; dead++) {
        check_kind(ref, REF | EXACT);
        check_kind(proxy, PROXY);
        check_kind(derived, REF);
        check_kind(derived_proxy, PROXY);
        CHECK_EQ(wr_weakref_is_dead(ref), dead);
        CHECK_EQ(wr_weakref_is_dead(proxy), dead);
        if (!dead) {
            check_kind(p, NO_WEAKREF);
            CHECK_EQ(wr_refcount(p), 1);
            wr_release(p);
        }
    }
    void *box = wr_box_new(NULL, NULL);
    check_kind(box, NO_WEAKREF);
    wr_release(box);
    wr_weakref *all[] = {ref, proxy, derived, derived_proxy};
    for (int i = 0; i < 4; i++)
        wr_release(all[i]);
}

static void check_described(void *obj, const char *expected) {
    char text[200], part[10];
    int length = wr_describe(obj, text, sizeof text);
    CHECK_EQ(length, (int)strlen(text));
    CHECK_STR_EQ(text, expected);
    CHECK_EQ(wr_describe(obj, NULL, 0), length);
    CHECK_EQ(wr_describe(obj, part, sizeof part), length); /* as snprintf */
    CHECK_EQ(strlen(part), sizeof part - 1);
    CHECK(strncmp(part, expected, sizeof part - 1) == 0);
}

static int own_words(const void *self, char *buf, size_t len) {
    (void)self;
    return snprintf(buf, len, "an object of my own");
}

/* Neither the describe of a derived type nor that of the referent's has a say in it. */
TEST(S30_describe_names_what_it_refers_to_or_says_dead) {
    static wr_type derived, wordy;
    derived = owner_ref_type;
    derived.describe = own_words;
    wordy = probe_type;
    wordy.describe = own_words;
    char expected[200];
    probe *p = wr_new(&wordy);
    wr_weakref *refs[] = {new_ref(p, NULL, NULL), new_proxy(p, NULL, NULL),
                          new_derived(p, &derived, NULL, NULL)};
    const char *kinds[] = {"weakref", "weakproxy", "weakref"};
    for (int i = 0; i < 3; i++) {
        snprintf(expected, sizeof expected, "<%s at %p; to 'probe' at %p>", kinds[i], (void *)refs[i],
                 (void *)p);
        check_described(refs[i], expected);
    }
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    for (int i = 0; i < 3; i++) {
        snprintf(expected, sizeof expected, "<%s at %p; dead>", kinds[i], (void *)refs[i]);
        check_described(refs[i], expected);
        wr_release(refs[i]);
    }
}

TEST(S30_a_type_without_a_name_is_called_object) {
    static const wr_type nameless = {.abi = WR_TYPE_ABI, .size = 8};
    char expected[200];
    void *obj = wr_new(&nameless);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    snprintf(expected, sizeof expected, "<weakref at %p; to 'object' at %p>", (void *)ref, obj);
    check_described(ref, expected);
    snprintf(expected, sizeof expected, "<object at %p>", obj);
    check_described(obj, expected);
    wr_release(obj);
    wr_release(ref);
}

TEST(S30_describe_of_a_plain_object_is_its_types) {
    static wr_type type;
    type = number_type;
    type.describe = own_words;
    char expected[100];
    void *obj = wr_new(&type);
    struct number *plain = number_new(1, NULL);
    check_described(obj, "an object of my own");
    snprintf(expected, sizeof expected, "<number at %p>", (void *)plain);
    check_described(plain, expected);
    wr_release(obj);
    wr_release(plain);
}

TEST(S31_get_works_on_refs_and_proxies) {
    void *obj;
    probe *p = probe_new(NULL);
    wr_weakref *refs[] = {new_ref(p, NULL, NULL), new_proxy(p, NULL, NULL),
                          new_derived(p, &owner_ref_type, NULL, NULL)};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(wr_weakref_get(refs[i], &obj), 1);
        CHECK_PTR_EQ(obj, p);
        CHECK_EQ(wr_refcount(p), 2);
        wr_release(obj);
        CHECK(wr_weak_equal(wr_weakref_value(refs[i]), wr_weak_of(p)));
    }
    wr_weak w = wr_weak_of(p);
    wr_release(p);
    for (int i = 0; i < 3; i++) {
        obj = &w;
        CHECK_EQ(wr_weakref_get(refs[i], &obj), 0);
        CHECK_NULL(obj);
        CHECK(wr_weak_equal(wr_weakref_value(refs[i]), w)); /* S27: no side effect of dying */
        wr_release(refs[i]);
    }
}
