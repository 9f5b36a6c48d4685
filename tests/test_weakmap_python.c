/* SPDX-License-Identifier: MIT */
/* Python's MappingTestCase and BasicTestMappingProtocol for WeakKeyDictionary, by their meaning; each test is named
 * after the one it ports. Keys compare by value, as there. */
#include "containers.h"

enum { COUNT = 10 };

static void fill(wr_weakmap *m, struct number **keys, probe **values) {
    for (unsigned i = 0; i < COUNT; i++) {
        keys[i] = number_new(i, NULL);
        values[i] = probe_new(NULL);
        values[i]->value = i;
        CHECK_EQ(wr_weakmap_set(m, keys[i], values[i]), 0);
        wr_release(values[i]);
    }
}

static wr_weakmap *filled(struct number **keys, probe **values) {
    wr_weakmap *m = map_new(WR_BY_VALUE | WR_VALUE_OBJECTS, NULL);
    fill(m, keys, values);
    return m;
}

static void drop(struct number **keys, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        wr_release(keys[i]);
        keys[i] = NULL;
    }
}

static bool has(wr_weakmap *m, void *key, const void *value) {
    void *got = wr_weakmap_get(m, key);
    wr_release(got);
    return got == value;
}

static bool same(wr_weakmap *m, struct number **keys, probe **values) {
    bool all = wr_weakmap_len(m) == COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        all = all && has(m, keys[i], values[i]);
    return all;
}

TEST(weak_keys) {
    struct number *keys[COUNT];
    probe *values[COUNT];
    wr_weakmap *m = filled(keys, values);
    CHECK(same(m, keys, values));
    wr_weakmap *copy = wr_weakmap_copy(m);
    CHECK(same(copy, keys, values));
    wr_weakmap_clear(copy);
    CHECK_EQ(wr_weakmap_len(copy), 0);
    drop(keys, 0, 1);
    CHECK_EQ(wr_weakmap_len(m), COUNT - 1);
    drop(keys, 1, COUNT);
    CHECK_EQ(wr_weakmap_len(m), 0);
    wr_weakmap_free(copy);
    wr_weakmap_free(m);
    check_nothing_left();
}

struct seen {
    wr_weakmap *m;
    struct number **keys;
    unsigned met[COUNT], calls;
    void (*then)(struct seen *seen);
};

static int see(void *key, void *value, void *arg) {
    struct seen *seen = arg;
    uint64_t i = ((struct number *)key)->value;
    if (i < COUNT) {
        CHECK_EQ(((probe *)value)->value, i);
        seen->met[i]++;
    }
    if (seen->calls++ == 0 && seen->then)
        seen->then(seen);
    return 0;
}

TEST(weak_keyed_iters) {
    struct number *keys[COUNT];
    probe *values[COUNT];
    struct seen seen = {.m = filled(keys, values)};
    CHECK_EQ(wr_weakmap_foreach(seen.m, see, &seen), 0);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK_EQ(seen.met[i], 1);
    drop(keys, 0, COUNT);
    wr_weakmap_free(seen.m);
    check_nothing_left();
}

static void drop_all(struct seen *seen) {
    drop(seen->keys, 0, COUNT);
}

static void mutate(struct seen *seen) {
    drop(seen->keys, 0, COUNT / 2);
    CHECK_EQ(wr_weakmap_remove(seen->m, seen->keys[COUNT - 1]), 0);
    void *value = NULL;
    CHECK_EQ(wr_weakmap_pop(seen->m, seen->keys[COUNT - 2], &value), 0);
    wr_release(value);
    CHECK_EQ(wr_weakmap_set(seen->m, seen->keys[COUNT - 1], seen->keys[COUNT - 2]), 0);
    struct number *more[200];
    for (unsigned i = 0; i < 200; i++) {
        more[i] = number_new(1000 + i, NULL);
        CHECK_EQ(wr_weakmap_set(seen->m, more[i], more[i]), 0);
    }
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(wr_weakmap_remove(seen->m, more[i]), 0);
        wr_release(more[i]);
    }
    CHECK_EQ(wr_weakmap_remove(seen->m, seen->keys[COUNT - 1]), 0);
}

static void clear(struct seen *seen) {
    wr_weakmap_clear(seen->m);
    CHECK_EQ(wr_weakmap_len(seen->m), 0);
}

TEST(weak_keys_destroy_while_iterating) {
    static void (*const then[])(struct seen *) = {drop_all, mutate, clear};
    for (unsigned i = 0; i < 3; i++) {
        struct number *keys[COUNT];
        probe *values[COUNT];
        struct seen seen = {.m = filled(keys, values), .keys = keys, .then = then[i]};
        CHECK_EQ(wr_weakmap_foreach(seen.m, see, &seen), 0);
        CHECK_GE(seen.calls, 1);
        drop(keys, 0, COUNT);
        CHECK_EQ(wr_weakmap_len(seen.m), 0);
        wr_weakmap_free(seen.m);
    }
    check_nothing_left();
}

TEST(weak_keyed_dict_popitem) {
    struct number *keys[COUNT];
    probe *values[COUNT];
    wr_weakmap *m = filled(keys, values);
    for (unsigned i = 0; i < COUNT; i++) {
        void *value = NULL;
        struct number *key = wr_weakmap_popitem(m, &value);
        REQUIRE(key != NULL);
        CHECK_PTR_EQ(key, keys[key->value]);
        CHECK_PTR_EQ(value, values[key->value]);
        CHECK_EQ(wr_weakmap_len(m), COUNT - 1 - i);
        wr_release(value);
        wr_release(key);
    }
    drop(keys, 0, COUNT);
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(weak_keyed_dict_setdefault) {
    wr_weakmap *m = map_new(WR_BY_VALUE | WR_VALUE_OBJECTS, NULL);
    struct number *key = number_new(1, NULL);
    struct number *equal = number_new(1, NULL);
    probe *a = probe_new(NULL);
    probe *b = probe_new(NULL);
    void *result;
    CHECK_EQ(wr_weakmap_set_default(m, key, a, &result), 1);
    CHECK_PTR_EQ(result, a);
    wr_release(result);
    CHECK_EQ(wr_weakmap_set_default(m, equal, b, &result), 0);
    CHECK_PTR_EQ(result, a);
    wr_release(result);
    wr_release(a);
    wr_release(b);
    wr_release(equal);
    wr_release(key);
    wr_weakmap_free(m);
    check_nothing_left();
}

TEST(weak_keyed_dict_update_and_union) {
    struct number *keys[COUNT], *others[COUNT];
    probe *values[COUNT], *other_values[COUNT];
    wr_weakmap *a = filled(keys, values);
    wr_weakmap *b = filled(others, other_values);
    wr_weakmap *both = wr_weakmap_copy(a);
    CHECK_EQ(wr_weakmap_update(both, b), 0);
    CHECK(same(both, keys, other_values)); /* equal keys: the first stay, with the last values */
    CHECK_EQ(wr_weakmap_update(both, both), 0);
    drop(others, 0, COUNT);
    CHECK_EQ(wr_weakmap_len(b), 0);
    CHECK(same(both, keys, other_values));
    drop(keys, 0, COUNT);
    CHECK_EQ(wr_weakmap_len(both), 0);
    wr_weakmap_free(a);
    wr_weakmap_free(b);
    wr_weakmap_free(both);
    check_nothing_left();
}

TEST(weak_keyed_delitem) {
    struct number *keys[COUNT];
    probe *values[COUNT];
    wr_weakmap *m = filled(keys, values);
    CHECK_EQ(wr_weakmap_remove(m, keys[3]), 0);
    CHECK_EQ(wr_weakmap_remove(m, keys[3]), -ENOENT);
    CHECK_EQ(wr_weakmap_len(m), COUNT - 1);
    drop(keys, 0, COUNT);
    wr_weakmap_free(m);
    check_nothing_left();
}

/* Keys of one hash, whose comparison kills another one, in the middle of whatever compares them. */
static struct number *victims[COUNT];
static unsigned killed;

static bool equal_and_kill(const void *a, const void *b) {
    for (unsigned i = 0; i < COUNT; i++) {
        if (victims[i] && victims[i] != a && victims[i] != b) {
            struct number *victim = victims[i];
            victims[i] = NULL;
            killed++;
            wr_release(victim);
            break;
        }
    }
    return ((const struct number *)a)->value == ((const struct number *)b)->value;
}
static int one_hash(const void *self, uint64_t *out) {
    (void)self;
    *out = 1;
    return 0;
}
static const wr_type cascading_type = {.abi = WR_TYPE_ABI,
                                       .name = "cascading",
                                       .size = sizeof(struct number),
                                       .equal = equal_and_kill,
                                       .hash = one_hash};

TEST(weak_keyed_cascading_deletes) {
    wr_weakmap *m = map_new(WR_BY_VALUE, NULL);
    struct number *keys[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        keys[i] = wr_new(&cascading_type);
        REQUIRE(keys[i] != NULL);
        keys[i]->value = i;
        CHECK_EQ(wr_weakmap_set(m, keys[i], &keys[i]), 0);
    }
    CHECK_EQ(wr_weakmap_len(m), COUNT);
    for (unsigned i = 0; i + 1 < COUNT; i++)
        victims[i] = keys[i];
    CHECK_EQ(wr_weakmap_remove(m, keys[COUNT - 1]), 0);
    CHECK_GT(killed, 1);
    CHECK_EQ(wr_weakmap_len(m), COUNT - 1 - killed);
    for (unsigned i = 0; i + 1 < COUNT; i++)
        wr_release(victims[i]);
    wr_release(keys[COUNT - 1]);
    CHECK_EQ(wr_weakmap_len(m), 0);
    wr_weakmap_free(m);
    check_nothing_left();
}
