/* SPDX-License-Identifier: MIT */
/* What refs hash as, and are equal to: S28, S29. */
#include "weakrefs.h"

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

/* A hash, and an equal, that drop the last reference of the test's to what they look at: the one asked is held. */
static void *to_drop[2];
static unsigned dropped;
static void drop_to_drop(void) {
    for (int i = 0; i < 2; i++) {
        void *obj = to_drop[i];
        to_drop[i] = NULL;
        wr_release(obj);
    }
    CHECK_EQ(dropped, 0);
}
static int dropping_hash(const void *self, uint64_t *out) {
    drop_to_drop();
    return number_hash(self, out);
}
static bool dropping_equal(const void *a, const void *b) {
    drop_to_drop();
    return number_equal(a, b);
}
static void counts_dropped(void *self) {
    (void)self;
    dropped++;
}
static const wr_type dropping_type = {.abi = WR_TYPE_ABI,
                                      .name = "dropping",
                                      .size = sizeof(struct number),
                                      .destroy = counts_dropped,
                                      .hash = dropping_hash,
                                      .equal = dropping_equal};

TEST(S28_the_referent_is_held_while_its_type_hashes_it) {
    uint64_t hash = 0;
    struct number *n = to_drop[0] = wr_new(&dropping_type);
    n->value = 2;
    wr_weakref *ref = new_ref(n, NULL, NULL);
    CHECK_EQ(wr_hash(ref, &hash), 0);
    CHECK_EQ(hash, 2 * 31 + 7);
    CHECK_EQ(dropped, 1);
    hash = 0;
    CHECK_EQ(wr_hash(ref, &hash), 0); /* and kept */
    CHECK_EQ(hash, 2 * 31 + 7);
    wr_release(ref);
}

static void check_held_in_equal(wr_weakref *(*make)(void *, wr_callback, void *)) {
    wr_weakref *refs[2];
    for (int i = 0; i < 2; i++) {
        to_drop[i] = wr_new(&dropping_type);
        refs[i] = make(to_drop[i], NULL, NULL);
    }
    CHECK_EQ(wr_equal(refs[0], refs[1]), 1);
    CHECK_EQ(dropped, 2);
    wr_release(refs[0]);
    wr_release(refs[1]);
}
TEST(S29_referents_are_held_while_their_type_compares_them) {
    check_held_in_equal(wr_weakref_new);
}
TEST(S32_both_referents_are_held_for_the_whole_comparison) {
    check_held_in_equal(wr_proxy_new);
}

TEST(S29_derived_refs_are_equal_as_others_are) {
    struct number *a = number_new(1, NULL), *b = number_new(1, NULL);
    wr_weakref *plain = new_ref(a, NULL, NULL), *derived = new_derived(b, &owner_ref_type, NULL, NULL);
    CHECK_EQ(wr_equal(plain, derived), 1);
    CHECK_EQ(wr_equal(derived, plain), 1);
    wr_release(b);
    CHECK_EQ(wr_equal(plain, derived), 0);
    CHECK_EQ(wr_equal(derived, derived), 1);
    wr_release(a);
    wr_release(plain);
    wr_release(derived);
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
