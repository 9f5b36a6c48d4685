/* SPDX-License-Identifier: MIT */
/* What the tests of containers share. */
#ifndef WR_TESTS_CONTAINERS_H
#define WR_TESTS_CONTAINERS_H

#include "weakrefs.h"

static inline wr_cache *cache_new(void) {
    wr_cache *c = wr_cache_new();
    REQUIRE(c != NULL);
    return c;
}

static inline wr_cache *cache_new_ex(const wr_cache_options *o) {
    wr_cache *c = wr_cache_new_ex(o);
    REQUIRE(c != NULL);
    return c;
}

/* Is it this object that a cache has under a string? NULL: is there none? */
static inline bool cached(wr_cache *c, const char *key, const void *obj) {
    void *got = wr_cache_get(c, key, strlen(key));
    wr_release(got);
    return got == obj;
}

/* The same for an integer key. */
static inline bool cached_at(wr_cache *c, unsigned key, const void *obj) {
    void *got = wr_cache_get(c, &key, sizeof key);
    wr_release(got);
    return got == obj;
}

static inline wr_weakset *set_new(unsigned flags) {
    wr_weakset_options o = WR_WEAKSET_OPTIONS_INIT;
    o.flags = flags;
    wr_weakset *s = wr_weakset_new_ex(&o);
    REQUIRE(s != NULL);
    return s;
}

static inline wr_weakmap *map_new(unsigned flags, void (*value_destroy)(void *value)) {
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    o.flags = flags;
    o.value_destroy = value_destroy;
    wr_weakmap *m = wr_weakmap_new_ex(&o);
    REQUIRE(m != NULL);
    return m;
}

/* A method of listeners that does nothing. */
static inline void no_method(void *self, void *event, void *arg) {
    (void)self, (void)event, (void)arg;
}

/* At the end of a test: no object is left, and no entry either. */
static inline void check_nothing_left(void) {
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    CHECK_EQ(stats.live, 0);
}

#endif
