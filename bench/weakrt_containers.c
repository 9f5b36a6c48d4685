/* SPDX-License-Identifier: MIT */
/* weakrt's caches. */
#include "weakrt_peer.h"

static wr_cache *cache;
static wr_cache_options options = WR_CACHE_OPTIONS_INIT;
typedef void *cache_object;

static cache_object cache_new_object(void) {
    return make(&payload_type);
}
static void cache_drop(cache_object *obj) {
    wr_release(*obj);
}
static struct payload *cache_payload(cache_object *obj) {
    return *obj;
}
static void cache_prepare(void) {
    cache = wr_cache_new_ex(&options);
    BENCH_CHECK(cache != NULL);
}
static cache_object cache_get(const struct bench_key *key) {
    return wr_cache_get(cache, key->text, BENCH_KEY_LENGTH);
}
static void cache_put(const struct bench_key *key, cache_object *obj) {
    BENCH_CHECK(wr_cache_put(cache, key->text, BENCH_KEY_LENGTH, *obj) == 0);
}
static void *no_maker(const void *key, size_t len, void *arg) {
    (void)key;
    (void)len;
    return arg;
}
static cache_object cache_get_or_create(const struct bench_key *key) {
    return wr_cache_get_or_create(cache, key->text, BENCH_KEY_LENGTH, no_maker, NULL);
}
static void cache_thread(void) {
}
static void cache_settle(void) {
}

#include "rows_cache.h"

static uint64_t own_hash(const void *key, size_t len, void *arg) {
    (void)len;
    (void)arg;
    return bench_key_hash(key);
}

/* With a hash as peers have it. */
BENCH(cache_hit_own_hash) {
    options.hash = own_hash;
    make_keys();
    fill_cache();
    bench_threads(bench_thread_count(), hit);
}
