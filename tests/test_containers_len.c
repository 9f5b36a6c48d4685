/* SPDX-License-Identifier: MIT */
/* What each container counts while its objects die: Python's len_cycles and len_race, of dictionaries and sets. */
#include "containers.h"

enum { MANY = 200, STEP = 32 }; /* a walk holds that many at a time */

/* ---- the kinds ---- */

static void *objs[MANY];

/* In the first call of a visitor: drop all. */
static int visit(size_t (*len)(void *container), void *container) {
    for (unsigned i = 0; i < MANY; i++) {
        wr_release(objs[i]);
        objs[i] = NULL;
    }
    CHECK_LE(len(container), STEP);
    return 0;
}

static void *cache_make(void) {
    return cache_new();
}
static void cache_add(void *container, unsigned i) {
    CHECK_EQ(wr_cache_put(container, &i, sizeof i, objs[i]), 0);
}
static size_t cache_len(void *container) {
    return wr_cache_len(container);
}
static int cache_visit(const void *key, size_t len, void *obj, void *arg) {
    (void)key, (void)len, (void)obj;
    return visit(cache_len, arg);
}
static int cache_walk(void *container) {
    return wr_cache_foreach(container, cache_visit, container);
}
static void cache_free(void *container) {
    wr_cache_free(container);
}

static void *map_make(void) {
    return map_new(0, NULL);
}
static void map_add(void *container, unsigned i) {
    CHECK_EQ(wr_weakmap_set(container, objs[i], container), 0);
}
static size_t map_len(void *container) {
    return wr_weakmap_len(container);
}
static int map_visit(void *key, void *value, void *arg) {
    (void)key;
    CHECK_PTR_EQ(value, arg);
    return visit(map_len, arg);
}
static int map_walk(void *container) {
    return wr_weakmap_foreach(container, map_visit, container);
}
static void map_free(void *container) {
    wr_weakmap_free(container);
}

static void *set_make(void) {
    return set_new(0);
}
static void set_add(void *container, unsigned i) {
    CHECK_EQ(wr_weakset_add(container, objs[i]), 1);
}
static size_t set_len(void *container) {
    return wr_weakset_len(container);
}
static int set_visit(void *obj, void *arg) {
    (void)obj;
    return visit(set_len, arg);
}
static int set_walk(void *container) {
    return wr_weakset_foreach(container, set_visit, container);
}
static void set_free(void *container) {
    wr_weakset_free(container);
}

static void *listeners_make(void) {
    return wr_listeners_new();
}
static void listeners_add(void *container, unsigned i) {
    CHECK_EQ(wr_listeners_add(container, objs[i], no_method, NULL), 0);
}
static size_t listeners_len(void *container) {
    return wr_listeners_len(container);
}
static int listeners_visit(void *self, wr_method method, void *method_arg, void *arg) {
    (void)self, (void)method, (void)method_arg;
    return visit(listeners_len, arg);
}
static int listeners_walk(void *container) {
    return wr_listeners_foreach(container, listeners_visit, container);
}
static void listeners_free(void *container) {
    wr_listeners_free(container);
}

static const struct kind {
    void *(*make)(void);
    void (*add)(void *container, unsigned i);
    size_t (*len)(void *container);
    int (*walk)(void *container);
    void (*free)(void *container);
} kinds[] = {{cache_make, cache_add, cache_len, cache_walk, cache_free},
             {map_make, map_add, map_len, map_walk, map_free},
             {set_make, set_add, set_len, set_walk, set_free},
             {listeners_make, listeners_add, listeners_len, listeners_walk, listeners_free}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void *filled(const struct kind *kind) {
    void *container = kind->make();
    for (unsigned i = 0; i < MANY; i++) {
        objs[i] = probe_new(NULL);
        kind->add(container, i);
    }
    CHECK_EQ(kind->len(container), MANY);
    return container;
}

/* ---- what they count ---- */

TEST(S49_len_follows_what_a_visitor_ends) {
    for (unsigned k = 0; k < KINDS; k++) {
        void *container = filled(&kinds[k]);
        CHECK_EQ(kinds[k].walk(container), 0);
        CHECK_EQ(kinds[k].len(container), 0);
        kinds[k].free(container);
    }
}

static const struct kind *raced;
static void *race_at;

/* Thread 0 drops all, every seventh and so round; others count. */
static void drop_or_count(unsigned index, void *arg) {
    (void)arg;
    for (unsigned i = 0, at = 0; index == 0 && i < MANY; i++, at = (at + 7) % MANY)
        wr_release(objs[at]);
    size_t now, before = MANY;
    do {
        now = raced->len(race_at);
        CHECK_LE(now, before);
        before = now;
    } while (now > 0);
}

TEST(S49_len_never_grows_by_deaths) {
    for (unsigned n = scaled(50); n > 0; n--)
        for (unsigned k = 0; k < KINDS; k++) {
            raced = &kinds[k];
            race_at = filled(raced);
            run_threads(3, drop_or_count, NULL);
            raced->free(race_at);
        }
}
