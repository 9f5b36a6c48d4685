/* SPDX-License-Identifier: MIT */
/*
 * The core rows of every peer that is written in C: counting, weak look-ups, lives. The file that includes this has
 * defined, all to be inlined:
 *
 *   peer_weak                                 a weak reference, in memory of the row's
 *   void *peer_new(size_t size)               an object with `size` bytes of zeroed payload; one strong reference
 *   void *peer_payload(void *obj)
 *   void peer_retain(void *obj), peer_release(void *obj)
 *   unsigned peer_count(void *obj)
 *   void peer_weak_set(peer_weak *weak, void *obj)           into memory without contents
 *   void peer_weak_copy(peer_weak *to, peer_weak *from)      the same
 *   void peer_weak_drop(peer_weak *weak)
 *   void *peer_weak_get(peer_weak *weak)                     a strong reference, or NULL
 *   bool peer_weak_dead(peer_weak *weak)
 *   void peer_trim(void)                                     give memory back to the system
 */
#ifndef WR_BENCH_ROWS_CORE_H
#define WR_BENCH_ROWS_CORE_H

#include "work.h"

#include <stdlib.h>

static inline void *new_payload(void) {
    void *obj = peer_new(sizeof(struct payload));
    BENCH_CHECK(obj != NULL);
    return obj;
}

/* ---- counting ---- */

BENCH(retain_release) {
    void *obj = new_payload();
    peer_weak weak;
    peer_weak_set(&weak, obj);
    BENCH_TIMES(10000) {
        void *copy = obj;
        peer_retain(copy);
        BENCH_HIDE(copy);
        peer_release(copy);
    }
    BENCH_CHECK(peer_count(obj) == 1 && !peer_weak_dead(&weak));
}

BENCH(get_release) {
    void *obj = new_payload();
    peer_weak weak;
    peer_weak *place = &weak;
    uint64_t got = 0;
    peer_weak_set(&weak, obj);
    BENCH_TIMES(10000) {
        BENCH_HIDE(place);
        void *strong = peer_weak_get(place);
        BENCH_HIDE(strong);
        got += strong != NULL;
        peer_release(strong);
    }
    BENCH_CHECK(got == bench_done() && peer_count(obj) == 1);
}

BENCH(weak_copy_drop) {
    peer_weak weak;
    peer_weak *place = &weak;
    peer_weak_set(&weak, new_payload());
    BENCH_TIMES(10000) {
        peer_weak copy;
        BENCH_HIDE(place);
        peer_weak_copy(&copy, place);
        peer_weak *used = &copy;
        BENCH_HIDE(used);
        peer_weak_drop(used);
    }
    BENCH_CHECK(!peer_weak_dead(&weak));
}

/* ---- dead references ---- */

BENCH(dead_lookup) {
    static peer_weak dead[BENCH_DEAD];
    uint64_t got = 0;
    for (int i = 0; i < BENCH_DEAD; i++) {
        void *obj = new_payload();
        peer_weak_set(&dead[i], obj);
        peer_release(obj);
    }
    BENCH_TIMES(10000)
    got += peer_weak_get(&dead[bench_i % BENCH_DEAD]) != NULL;
    BENCH_CHECK(got == 0);
}

/* ---- lives ---- */

static inline __attribute__((always_inline)) void create_and_destroy(void) {
    uint64_t dirt = 0;
    BENCH_TIMES(10000) {
        void *obj = new_payload();
        struct payload *payload = peer_payload(obj);
        dirt += payload->value;
        payload->value = 1;
        peer_release(obj);
    }
    BENCH_CHECK(dirt == 0);
}

BENCH(create_destroy) {
    create_and_destroy();
}

BENCH(create_weak_destroy) {
    uint64_t dead = 0;
    BENCH_TIMES(10000) {
        void *obj = new_payload();
        peer_weak weak;
        peer_weak_set(&weak, obj);
        ((struct payload *)peer_payload(obj))->value = 1;
        peer_release(obj);
        dead += peer_weak_dead(&weak);
        peer_weak_drop(&weak);
    }
    BENCH_CHECK(dead == bench_done());
}

/* Make a population, each with a weak reference, then let it die. */
static void **population;
static peer_weak *population_weak;
static void populate(size_t count) {
    if (population == NULL) {
        population = bench_array(count, sizeof *population);
        population_weak = bench_array(count, sizeof *population_weak);
    }
    for (size_t i = 0; i < count; i++) {
        population[i] = new_payload();
        ((struct payload *)peer_payload(population[i]))->value = 1;
        peer_weak_set(&population_weak[i], population[i]);
    }
}
static void depopulate(size_t count) {
    for (size_t i = 0; i < count; i++)
        peer_release(population[i]);
}
static void check_dead(size_t count) {
    for (size_t i = 0; i < count; i++) {
        BENCH_CHECK(peer_weak_dead(&population_weak[i]));
        peer_weak_drop(&population_weak[i]);
    }
}

BENCH(population_create) {
    size_t count = bench_size(BENCH_POPULATION);
    populate(count); /* the memory is there, as in a server that has run for a while */
    depopulate(count);
    check_dead(count);
    while (bench_round()) {
        bench_start();
        populate(count);
        bench_stop(count);
        depopulate(count);
        check_dead(count);
    }
}

BENCH(population_death) {
    size_t count = bench_size(BENCH_POPULATION);
    while (bench_round()) {
        populate(count);
        bench_start();
        depopulate(count);
        bench_stop(count);
        check_dead(count);
    }
}

/* ---- several threads ---- */

static peer_weak shared;
static void get_shared(unsigned thread) {
    (void)thread;
    peer_weak *place = &shared;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        BENCH_HIDE(place);
        void *strong = peer_weak_get(place);
        BENCH_HIDE(strong);
        BENCH_CHECK(strong != NULL);
        peer_release(strong);
    }
}

BENCH(get_release_shared) {
    void *obj = new_payload();
    peer_weak_set(&shared, obj);
    bench_threads(bench_thread_count(), get_shared);
    BENCH_CHECK(peer_count(obj) == 1);
}

static peer_weak neighbours[BENCH_NEIGHBOURS];
static void get_neighbours(unsigned thread) {
    for (unsigned i = 0; i < BENCH_CHUNK; i++) {
        void *strong = peer_weak_get(&neighbours[(2 * i + thread) % BENCH_NEIGHBOURS]);
        BENCH_HIDE(strong);
        peer_release(strong);
    }
}

BENCH(neighbours) {
    void *objs[BENCH_NEIGHBOURS];
    for (int i = 0; i < BENCH_NEIGHBOURS; i++) {
        objs[i] = peer_new(sizeof(struct small_payload));
        BENCH_CHECK(objs[i] != NULL);
        peer_weak_set(&neighbours[i], objs[i]);
    }
    bench_threads(bench_thread_count(), get_neighbours);
    for (int i = 0; i < BENCH_NEIGHBOURS; i++)
        BENCH_CHECK(peer_count(objs[i]) == 1);
}

/* ---- memory ---- */

BENCH(bytes_with_weak) {
    size_t count = bench_size(BENCH_POPULATION);
    population = bench_array(count, sizeof *population);
    double before = bench_resident();
    population_weak = malloc(count * sizeof *population_weak);
    BENCH_CHECK(population_weak != NULL);
    populate(count);
    bench_bytes((bench_resident() - before) / (double)count);
}

BENCH(bytes_held_after_death) {
    size_t count = bench_size(BENCH_POPULATION / 10);
    void **objs = bench_array(count, sizeof *objs);
    peer_weak *weak = bench_array(count, sizeof *weak);
    double before = bench_resident();
    for (size_t i = 0; i < count; i++) {
        objs[i] = peer_new(sizeof(struct big_payload));
        BENCH_CHECK(objs[i] != NULL);
        memset(peer_payload(objs[i]), 1, sizeof(struct big_payload));
        peer_weak_set(&weak[i], objs[i]);
    }
    double alive = bench_resident();
    for (size_t i = 0; i < count; i++)
        peer_release(objs[i]);
    peer_trim();
    double held = bench_resident() - before;
    for (size_t i = 0; i < count; i++)
        BENCH_CHECK(peer_weak_dead(&weak[i]));
    BENCH_CHECK(alive - before >= (double)count * sizeof(struct big_payload) / 2);
    bench_bytes(held / (double)count);
}

/* ---- more objects than caches hold, in random order ---- */

BENCH(cold_get_release) {
    uint32_t count = (uint32_t)bench_size(BENCH_COLD);
    populate(count);
    uint64_t state = 1, got = 0;
    BENCH_TIMES(50000) {
        void *strong = peer_weak_get(&population_weak[bench_below(&state, count)]);
        got += strong != NULL;
        peer_release(strong);
    }
    BENCH_CHECK(got == bench_done());
}

BENCH(cold_get_read_release) {
    uint32_t count = (uint32_t)bench_size(BENCH_COLD);
    populate(count);
    uint64_t state = 1, sum = 0;
    BENCH_TIMES(50000) {
        void *strong = peer_weak_get(&population_weak[bench_below(&state, count)]);
        BENCH_CHECK(strong != NULL);
        sum += ((struct payload *)peer_payload(strong))->value;
        peer_release(strong);
    }
    BENCH_CHECK(sum == bench_done());
}

#endif /* WR_BENCH_ROWS_CORE_H */
