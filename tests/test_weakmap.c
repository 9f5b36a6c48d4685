/* SPDX-License-Identifier: MIT */
/* Weak maps on one thread: values of one's own, values that are objects, keys by value. */
#include "word.h"
#include "containers.h"

/* The first entry on the list of an object. */
static void *list_head(const void *obj) {
    return wr_slot_of(obj)->list.head;
}

static unsigned destroyed; /* values */
static void destroy_value(void *value) {
    destroyed++;
    *(int *)value = -1;
}

TEST(S51_a_value_is_destroyed_when_its_key_dies) {
    wr_weakmap *m = wr_weakmap_new(destroy_value);
    int value = 7;
    probe *key = probe_new(NULL);
    CHECK_NULL(wr_weakmap_get(m, key));
    CHECK_EQ(wr_weakmap_set(m, key, &value), 0);
    CHECK_PTR_EQ(wr_weakmap_get(m, key), &value);
    CHECK(wr_weakmap_contains(m, key));
    CHECK_EQ(wr_weakmap_len(m), 1);
    CHECK_EQ(wr_refcount(key), 1);
    CHECK_EQ(destroyed, 0);
    wr_release(key);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_weakmap_len(m), 0);
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S51_a_value_is_destroyed_when_its_key_is_cleared_or_killed_or_taken_out) {
    wr_weakmap *m = wr_weakmap_new(destroy_value);
    int v[6] = {0};
    probe *key = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(m, key, &v[0]), 0);
    CHECK_EQ(wr_weakref_clear(key), 0);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_weakmap_set(m, key, &v[1]), 0);
    CHECK_EQ(wr_weakmap_remove(m, key), 0);
    CHECK_EQ(wr_weakmap_remove(m, key), -ENOENT);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(wr_weakmap_set(m, key, &v[2]), 0);
    CHECK_EQ(wr_weakmap_set(m, key, &v[3]), 0);
    CHECK_EQ(destroyed, 3);
    CHECK_EQ(v[2], -1);
    CHECK_EQ(wr_weakmap_len(m), 1);
    wr_weakmap_clear(m);
    CHECK_EQ(destroyed, 4);
    CHECK_EQ(wr_weakmap_set(m, key, &v[4]), 0);
    CHECK_EQ(wr_kill(key), 1);
    CHECK_EQ(destroyed, 5);
    CHECK_EQ(wr_weakmap_set(m, key, &v[5]), -ESTALE);
    CHECK_EQ(destroyed, 5);
    CHECK_NULL(wr_weakmap_get(m, key));
    wr_release(key);
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S51_a_map_that_is_freed_destroys_its_values) {
    wr_weakmap *m = wr_weakmap_new(destroy_value);
    enum { N = 100 };
    int v[N];
    probe *keys[N];
    for (unsigned i = 0; i < N; i++) {
        keys[i] = probe_new(NULL);
        CHECK_EQ(wr_weakmap_set(m, keys[i], &v[i]), 0);
    }
    wr_weakmap_free(m);
    CHECK_EQ(destroyed, N);
    for (unsigned i = 0; i < N; i++)
        wr_release(keys[i]);
    CHECK_EQ(destroyed, N);
    check_nothing_left();
}

static wr_weakmap *reentered;
static probe *other_key;
static void destroy_and_use(void *value) {
    destroyed++;
    CHECK_PTR_EQ(value, &destroyed);
    CHECK_EQ(wr_weakmap_len(reentered), other_key ? 1 : 0); /* no lock is held */
    wr_release(other_key);
    other_key = NULL;
}

TEST(S51_a_value_is_destroyed_with_no_lock_held) {
    reentered = wr_weakmap_new(destroy_and_use);
    probe *key = probe_new(NULL);
    other_key = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(reentered, key, &destroyed), 0);
    CHECK_EQ(wr_weakmap_set(reentered, other_key, &destroyed), 0);
    wr_release(key);
    CHECK_EQ(destroyed, 2);
    CHECK_EQ(wr_weakmap_len(reentered), 0);
    wr_weakmap_free(reentered);
    check_nothing_left();
}

TEST(S51_values_that_are_objects_are_held_and_given) {
    wr_weakmap *m = map_new(WR_VALUE_OBJECTS, NULL);
    unsigned ends = 0;
    probe *key = probe_new(NULL);
    probe *value = probe_new(&ends);
    CHECK_EQ(wr_weakmap_set(m, key, NULL), -EINVAL);
    CHECK_EQ(wr_weakmap_set(m, key, value), 0);
    CHECK_EQ(wr_refcount(value), 2);
    wr_release(value);
    void *got = wr_weakmap_get(m, key);
    CHECK_PTR_EQ(got, value);
    CHECK_EQ(wr_weakmap_set(m, key, key), 0); /* replaced while it is held */
    CHECK_EQ(ends, 0);
    wr_release(got);
    CHECK_EQ(ends, 1);
    /* its own key: a circle, until it is taken out */
    wr_weak w = wr_weak_of(key);
    wr_release(key);
    CHECK(!wr_weak_is_dead(w));
    CHECK_EQ(wr_weakmap_len(m), 1);
    wr_weakmap_clear(m);
    CHECK(wr_weak_is_dead(w));
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S51_pop_hands_the_value_over) {
    wr_weakmap *m = wr_weakmap_new(destroy_value);
    int v[2] = {0};
    probe *key = probe_new(NULL);
    void *value = &value;
    CHECK_EQ(wr_weakmap_pop(m, key, &value), -ENOENT);
    CHECK_PTR_EQ(value, &value);
    CHECK_EQ(wr_weakmap_set(m, key, &v[0]), 0);
    CHECK_EQ(wr_weakmap_pop(m, key, &value), 0);
    CHECK_PTR_EQ(value, &v[0]);
    CHECK_EQ(wr_weakmap_set(m, key, &v[1]), 0);
    void *got = wr_weakmap_popitem(m, &value);
    CHECK_PTR_EQ(got, key);
    CHECK_PTR_EQ(value, &v[1]);
    wr_release(got);
    CHECK_NULL(wr_weakmap_popitem(m, &value));
    wr_weakmap *objects = map_new(WR_VALUE_OBJECTS, NULL);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(objects, key, p), 0);
    CHECK_EQ(wr_weakmap_pop(objects, key, &value), 0);
    CHECK_EQ(wr_refcount(p), 2);
    wr_release(value);
    wr_release(p);
    wr_release(key);
    wr_weakmap_free(objects);
    wr_weakmap_free(m);
    CHECK_EQ(destroyed, 0);
    check_nothing_left();
}

TEST(S51_set_default) {
    wr_weakmap *m = wr_weakmap_new(destroy_value);
    int v[2] = {0};
    probe *key = probe_new(NULL);
    void *result;
    CHECK_EQ(wr_weakmap_set_default(m, key, &v[0], &result), 1);
    CHECK_PTR_EQ(result, &v[0]);
    CHECK_EQ(wr_weakmap_set_default(m, key, &v[1], &result), 0);
    CHECK_PTR_EQ(result, &v[0]);
    CHECK_EQ(wr_weakmap_set_default(m, key, &v[1], NULL), 0);
    CHECK_EQ(wr_weakmap_set_default(m, NULL, &v[1], &result), -EINVAL);
    CHECK_NULL(result);
    wr_weakmap *objects = map_new(WR_VALUE_OBJECTS, NULL);
    probe *p = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set_default(objects, key, p, NULL), 1);
    CHECK_EQ(wr_weakmap_set_default(objects, key, key, &result), 0);
    CHECK_PTR_EQ(result, p);
    CHECK_EQ(wr_refcount(p), 3);
    wr_release(result);
    wr_release(p);
    wr_release(key);
    CHECK_EQ(destroyed, 1);
    wr_weakmap_free(objects);
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(S51_by_value_an_equal_key_finds_it_and_the_first_stays_the_key) {
    wr_weakmap *m = map_new(WR_BY_VALUE, destroy_value);
    int v[4] = {0};
    struct number *a = number_new(5, NULL);
    struct number *b = number_new(5, NULL);
    struct number *c = number_new(6, NULL);
    CHECK_EQ(wr_weakmap_set(m, a, &v[0]), 0);
    CHECK_PTR_EQ(wr_weakmap_get(m, b), &v[0]);
    CHECK_NULL(wr_weakmap_get(m, c));
    CHECK_EQ(wr_weakmap_set(m, b, &v[1]), 0); /* hangs on a, as in Python */
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_weakmap_set(m, c, &v[2]), 0);
    CHECK_EQ(wr_weakmap_len(m), 2);
    wr_release(b);
    CHECK_EQ(wr_weakmap_len(m), 2);
    CHECK_PTR_EQ(wr_weakmap_get(m, a), &v[1]);
    CHECK_EQ(wr_kill(a), 1);
    CHECK_EQ(destroyed, 2);
    struct number *d = number_new(5, NULL);
    CHECK_NULL(wr_weakmap_get(m, d));
    CHECK_EQ(wr_weakmap_set(m, d, &v[3]), 0);
    CHECK_EQ(wr_weakmap_remove(m, d), 0);
    wr_release(a);
    wr_release(c);
    wr_release(d);
    CHECK_EQ(destroyed, 4);
    wr_weakmap_free(m);
    check_nothing_left();
}

static void see_child(void *child, const char *field, void *arg) {
    CHECK_STR_EQ(field, "value");
    *(void **)arg = child;
}

TEST(S51_the_edge_to_a_value_that_is_an_object_can_be_traced) {
    wr_weakmap *m = map_new(WR_VALUE_OBJECTS, NULL);
    probe *key = probe_new(NULL);
    CHECK_EQ(wr_weakmap_set(m, key, key), 0);
    void *entry = list_head(key);
    REQUIRE(entry != NULL);
    void *child = NULL;
    wr_type_of(entry)->trace(entry, see_child, &child);
    CHECK_PTR_EQ(child, key);
    wr_weakmap_free(m);
    wr_release(key);
    check_nothing_left();
}
