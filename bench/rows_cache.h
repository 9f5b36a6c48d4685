/* SPDX-License-Identifier: MIT */
/*
 * The rows of weak caches: text keys to objects that the cache does not keep alive. The file that includes this, in C
 * or C++, has defined:
 *
 *   cache_object                                             an owned reference to an object: a plain type or a class
 *   cache_object cache_new_object(void)                      one more object with struct payload
 *   void cache_drop(cache_object *obj)                       give the reference up
 *   struct payload *cache_payload(cache_object *obj)         NULL when it is empty
 *   void cache_prepare(void)                                 make the cache
 *   cache_object cache_get(const struct bench_key *key)      a reference, or an empty one
 *   void cache_put(const struct bench_key *key, cache_object *obj)   its death removes the entry
 *   cache_object cache_get_or_create(const struct bench_key *key)    the maker must not be needed here
 *   void cache_thread(void)                                  what a thread needs before it uses the cache
 *   void cache_settle(void)                                  finish what deaths left undone
 */
#ifndef WR_BENCH_ROWS_CACHE_H
#define WR_BENCH_ROWS_CACHE_H

#include "work.h"

#include <stdlib.h>

static uint32_t cache_count;         /* entries */
static struct bench_key *cache_keys; /* of those, and as many that are not there */
static cache_object *cache_values;   /* keep them alive */

static void make_keys(void) {
    cache_count = (uint32_t)bench_size(BENCH_POPULATION);
    cache_keys = (struct bench_key *)bench_array(2 * (size_t)cache_count, sizeof *cache_keys);
    for (size_t i = 0; i < 2 * (size_t)cache_count; i++)
        cache_keys[i] = bench_key_of(i);
    cache_values = (cache_object *)bench_array(cache_count, sizeof *cache_values);
    memset((void *)cache_values, 0, cache_count * sizeof *cache_values);
}

static void fill_cache(void) {
    cache_prepare();
    for (uint32_t i = 0; i < cache_count; i++) {
        cache_values[i] = cache_new_object();
        cache_payload(&cache_values[i])->value = i;
        cache_put(&cache_keys[i], &cache_values[i]);
    }
}

static void hit(unsigned thread) {
    struct bench_dice *dice = bench_dice_of(thread);
    cache_thread();
    for (int i = 0; i < BENCH_CHUNK; i++) {
        uint32_t number = bench_below(&dice->state, cache_count);
        cache_object obj = cache_get(&cache_keys[number]);
        BENCH_CHECK(cache_payload(&obj) != NULL && cache_payload(&obj)->value == number);
        cache_drop(&obj);
    }
}

BENCH(cache_hit) {
    make_keys();
    fill_cache();
    bench_threads(bench_thread_count(), hit);
}

static void miss(unsigned thread) {
    struct bench_dice *dice = bench_dice_of(thread);
    cache_thread();
    for (int i = 0; i < BENCH_CHUNK; i++) {
        cache_object obj = cache_get(&cache_keys[cache_count + bench_below(&dice->state, cache_count)]);
        BENCH_CHECK(cache_payload(&obj) == NULL);
    }
}

BENCH(cache_miss) {
    make_keys();
    fill_cache();
    bench_threads(bench_thread_count(), miss);
}

static void hit_or_create(unsigned thread) {
    struct bench_dice *dice = bench_dice_of(thread);
    cache_thread();
    for (int i = 0; i < BENCH_CHUNK; i++) {
        uint32_t number = bench_below(&dice->state, cache_count);
        cache_object obj = cache_get_or_create(&cache_keys[number]);
        BENCH_CHECK(cache_payload(&obj) != NULL && cache_payload(&obj)->value == number);
        cache_drop(&obj);
    }
}

BENCH(cache_get_or_create_hit) {
    make_keys();
    fill_cache();
    bench_threads(bench_thread_count(), hit_or_create);
}

/* Put an object beside the others, under a key of this thread's own, and let it die. */
static void come_and_go(unsigned thread) {
    struct bench_dice *dice = bench_dice_of(thread);
    uint32_t threads = bench_thread_count();
    cache_thread();
    for (int i = 0; i < BENCH_CHUNK; i++) {
        uint32_t number = bench_below(&dice->state, cache_count / threads) * threads + thread;
        cache_object obj = cache_new_object();
        cache_put(&cache_keys[cache_count + number], &obj);
        dice->count++;
        cache_drop(&obj);
    }
}

BENCH(cache_insert_death) {
    make_keys();
    fill_cache();
    bench_threads(bench_thread_count(), come_and_go);
    cache_settle();
    uint64_t count = 0;
    for (unsigned i = 0; i < BENCH_MOST_THREADS; i++)
        count += bench_dice[i].count;
    BENCH_CHECK(count != 0);
    for (uint32_t i = 0; i < cache_count; i++) {
        cache_object obj = cache_get(&cache_keys[cache_count + i]);
        BENCH_CHECK(cache_payload(&obj) == NULL);
    }
}

static void make_objects(void) {
    cache_prepare();
    for (uint32_t i = 0; i < cache_count; i++)
        cache_values[i] = cache_new_object();
}

static double longest_put(void) {
    double longest = 0;
    for (uint32_t i = 0; i < cache_count; i++) {
        double start = bench_own_seconds();
        cache_put(&cache_keys[i], &cache_values[i]);
        double took = bench_own_seconds() - start;
        longest = took > longest ? took : longest;
    }
    return longest;
}

BENCH(cache_growth) {
    make_keys();
    make_objects();
    bench_longest(longest_put());
}

/* The same in memory that the process has used before, so that the system does not clear pages. */
BENCH(cache_growth_again) {
    make_keys();
    make_objects();
    (void)longest_put();
    for (uint32_t i = 0; i < cache_count; i++)
        cache_drop(&cache_values[i]);
    cache_settle();
    make_objects();
    bench_longest(longest_put());
}

BENCH(bytes_per_cache_entry) {
    make_keys();
    make_objects();
    double before = bench_resident();
    for (uint32_t i = 0; i < cache_count; i++)
        cache_put(&cache_keys[i], &cache_values[i]);
    bench_bytes((bench_resident() - before) / cache_count);
}

#endif /* WR_BENCH_ROWS_CACHE_H */
