/* SPDX-License-Identifier: MIT */
/* What the tests of refusals by containers share: how one is told, and containers that it must leave as they are. */
#ifndef WR_TESTS_REFUSALS_H
#define WR_TESTS_REFUSALS_H

#include "containers.h"

enum { KEPT = ENOTTY }; /* errno before each call */

/* What a call came to: what it returned, errno being kept; of one that gives NULL, its errno. */
static inline int result_of(int result) {
    CHECK_EQ(errno, KEPT);
    return result;
}
static inline int object_of(void *obj) {
    int error = errno;
    wr_release(obj);
    return obj != NULL ? 1 : -error;
}

/* A maker, of its argument. */
static inline void *make(const void *key, size_t len, void *arg) {
    (void)key, (void)len;
    errno = EHOSTUNREACH; /* if it is NULL */
    return wr_retain(arg);
}

/* Of a function that makes a container: its errno. */
#define MADE(container) ((container) != NULL ? 1 : -errno)

/* One container of each kind, with one object in it. */
struct all {
    wr_cache *cache;
    wr_weakmap *map;
    wr_weakset *set;
    wr_listeners *listeners;
    probe *in;
};

static inline void all_make(struct all *a, unsigned flags) {
    *a = (struct all){cache_new(), map_new(flags, NULL), set_new(flags), wr_listeners_new(), probe_new(NULL)};
    CHECK_EQ(wr_cache_put(a->cache, "k", 1, a->in), 0);
    CHECK_EQ(wr_weakmap_set(a->map, a->in, a), 0);
    CHECK_EQ(wr_weakset_add(a->set, a->in), 1);
    CHECK_EQ(wr_listeners_add(a->listeners, a->in, no_method, NULL), 0);
}

static inline void check_unchanged(const struct all *a) {
    CHECK(cached(a->cache, "k", a->in));
    CHECK_PTR_EQ(wr_weakmap_get(a->map, a->in), a);
    CHECK(wr_weakset_contains(a->set, a->in));
    CHECK(wr_listeners_contains(a->listeners, a->in, no_method));
    CHECK_EQ(wr_cache_len(a->cache) + wr_weakmap_len(a->map) + wr_weakset_len(a->set), 3);
    CHECK_EQ(wr_listeners_len(a->listeners), 1);
    CHECK_EQ(wr_refcount(a->in), 1);
}

static inline void all_free(const struct all *a) {
    check_unchanged(a);
    wr_cache_free(a->cache);
    wr_weakmap_free(a->map);
    wr_weakset_free(a->set);
    wr_listeners_free(a->listeners);
    wr_release(a->in);
}

#endif
