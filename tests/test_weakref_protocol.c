/* SPDX-License-Identifier: MIT */
/* Weakrefs as objects: S27 to S31. */
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

TEST(S28_a_ref_hashes_as_its_referent_and_keeps_that) {
    unsigned asked = 0;
    uint64_t hash = 0, own = 0, kept = 0;
    struct number *n = number_new(5, &asked);
    wr_weakref *early = new_ref(n, logs, NULL), *late = new_ref(n, NULL, NULL);
    CHECK_EQ(wr_hash(n, &own), 0);
    CHECK_EQ(wr_hash(early, &hash), 0);
    CHECK_EQ(hash, own);
    CHECK_EQ(asked, 2);
    CHECK_EQ(wr_hash(early, &hash), 0);
    CHECK_EQ(asked, 2); /* not asked again */
    n->value = 6;
    CHECK_EQ(wr_hash(early, &kept), 0);
    CHECK_EQ(kept, own);
    CHECK_EQ(wr_weakref_cancel(early), 1);
    wr_release(n);
    CHECK_EQ(wr_hash(early, &kept), 0);
    CHECK_EQ(kept, own);
    CHECK_EQ(wr_hash(late, &kept), -ESTALE);
    wr_release(early);
    wr_release(late);
}

TEST(S28_without_a_hash_of_the_type_identity_counts) {
    uint64_t own = 0, others = 0, hash = 0;
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    wr_weakref *ref = new_ref(p, NULL, NULL);
    CHECK_EQ(wr_hash(p, &own), 0);
    CHECK_EQ(wr_hash(q, &others), 0);
    CHECK_EQ(wr_hash(ref, &hash), 0);
    CHECK_EQ(hash, own);
    CHECK(own != others);
    wr_release(p);
    CHECK_EQ(wr_hash(ref, &hash), 0);
    CHECK_EQ(hash, own);
    wr_release(ref);
    wr_release(q);
}

static int zero_hash(const void *self, uint64_t *out) {
    (void)self;
    *out = 0;
    return 0;
}

TEST(S28_a_hash_of_0_is_kept_too) {
    static wr_type type;
    type = number_type;
    type.hash = zero_hash;
    uint64_t hash = 1;
    void *obj = wr_new(&type);
    wr_weakref *ref = new_ref(obj, NULL, NULL), *late = new_ref(obj, logs, NULL);
    CHECK_EQ(wr_hash(ref, &hash), 0);
    CHECK_EQ(hash, 0);
    CHECK_EQ(wr_weakref_cancel(late), 1);
    wr_release(obj);
    hash = 1;
    CHECK_EQ(wr_hash(ref, &hash), 0);
    CHECK_EQ(hash, 0);
    CHECK_EQ(wr_hash(late, &hash), -ESTALE);
    wr_release(ref);
    wr_release(late);
}

static int no_hash(const void *self, uint64_t *out) {
    (void)self, (void)out;
    return -ENOMEM;
}

TEST(S28_a_failed_hash_is_passed_on_and_not_kept) {
    static wr_type type;
    type = number_type;
    type.hash = no_hash;
    uint64_t hash;
    void *obj = wr_new(&type);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    CHECK_EQ(wr_hash(ref, &hash), -ENOMEM);
    CHECK_EQ(wr_refcount(obj), 1);
    wr_release(obj);
    CHECK_EQ(wr_hash(ref, &hash), -ESTALE);
    wr_release(ref);
}

TEST(S29_equality_of_refs_by_referents_alive_by_identity_dead) {
    struct number *a = number_new(1, NULL), *b = number_new(1, NULL), *c = number_new(2, NULL);
    wr_weakref *x = new_ref(a, NULL, NULL), *x2 = new_ref(a, logs, NULL), *y = new_ref(b, NULL, NULL);
    wr_weakref *z = new_ref(c, NULL, NULL);
    CHECK_EQ(wr_equal(x, x), 1);
    CHECK_EQ(wr_equal(x, x2), 1);
    CHECK_EQ(wr_equal(x, y), 1);
    CHECK_EQ(wr_equal(y, x), 1);
    CHECK_EQ(wr_equal(x, z), 0);
    CHECK_EQ(wr_equal(x, a), 0); /* a ref against what is none */
    CHECK_EQ(wr_equal(a, x), 0);
    CHECK_EQ(wr_equal(a, b), 1);
    CHECK_EQ(wr_equal(a, c), 0);
    wr_release(b);
    CHECK_EQ(wr_equal(x, y), 0); /* one dead */
    CHECK_EQ(wr_equal(y, x), 0);
    CHECK_EQ(wr_equal(y, y), 1);
    CHECK_EQ(wr_weakref_cancel(x2), 1);
    CHECK_EQ(wr_refcount(a), 1);
    wr_release(a);
    CHECK_EQ(wr_equal(x, y), 0); /* both dead */
    CHECK_EQ(wr_equal(x, x2), 0);
    CHECK_EQ(wr_equal(x, x), 1);
    CHECK_EQ(wr_refcount(c), 1);
    wr_weakref *refs[] = {x, x2, y, z};
    for (int i = 0; i < 4; i++)
        wr_release(refs[i]);
    wr_release(c);
}

TEST(S29_objects_of_different_types_are_unequal_without_asking) {
    unsigned asked = 0;
    static wr_type other;
    other = number_type;
    struct number *a = number_new(1, &asked), *b = wr_new(&other);
    b->value = 1;
    b->asked = &asked;
    wr_weakref *x = new_ref(a, NULL, NULL), *y = new_ref(b, NULL, NULL);
    CHECK_EQ(wr_equal(a, b), 0);
    CHECK_EQ(wr_equal(x, y), 0);
    CHECK_EQ(asked, 0);
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    CHECK_EQ(wr_equal(p, p), 1);
    CHECK_EQ(wr_equal(p, q), 0);
    void *all[] = {x, y, a, b, p, q};
    for (int i = 0; i < 6; i++)
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

TEST(S30_S35_describe_names_what_it_refers_to_or_says_dead) {
    char expected[2][200];
    probe *p = probe_new(NULL);
    wr_weakref *refs[] = {new_ref(p, NULL, NULL), new_proxy(p, NULL, NULL)};
    const char *kinds[] = {"weakref", "weakproxy"};
    for (int i = 0; i < 2; i++) {
        snprintf(expected[i], 200, "<%s at %p; to 'probe' at %p>", kinds[i], (void *)refs[i], (void *)p);
        check_described(refs[i], expected[i]);
    }
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    for (int i = 0; i < 2; i++) {
        snprintf(expected[i], 200, "<%s at %p; dead>", kinds[i], (void *)refs[i]);
        check_described(refs[i], expected[i]);
        wr_release(refs[i]);
    }
}

static int own_words(const void *self, char *buf, size_t len) {
    (void)self;
    return snprintf(buf, len, "an object of my own");
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
