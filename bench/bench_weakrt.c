/* SPDX-License-Identifier: MIT */
/* weakrt itself, built twice: with weakrt_inline.h and the static library (BENCH_INLINE), and as calls into the shared
 * one. */
#include "bench.h"

#include <stdlib.h>

#ifdef BENCH_INLINE
#include "weakrt_inline.h"
const char bench_peer[] = "weakrt, weakrt_inline.h and the static library";
#else
#include "weakrt.h"
const char bench_peer[] = "weakrt, calls into the shared library";
#endif

static const wr_type payload_type = {.abi = WR_TYPE_ABI, .name = "payload", .size = sizeof(struct payload)};
static const wr_type small_type = {.abi = WR_TYPE_ABI, .name = "small", .size = sizeof(struct small_payload)};
static const wr_type big_type = {.abi = WR_TYPE_ABI, .name = "big", .size = sizeof(struct big_payload)};

static uint64_t destroyed;
static void count_destroy(void *self) {
    (void)self;
    destroyed++;
}
static const wr_type counted_type = {
    .abi = WR_TYPE_ABI, .name = "counted", .size = sizeof(struct payload), .destroy = count_destroy};

static inline __attribute__((always_inline)) void *make(const wr_type *type) {
    void *obj = wr_new(type);
    BENCH_CHECK(obj != NULL);
    return obj;
}

/* Make the slot that the next object gets one that had weak values in an earlier life. */
static void mint_next_slot(void) {
    void *obj = make(&payload_type);
    wr_weak weak = wr_weak_of(obj);
    wr_release(obj);
    BENCH_CHECK(wr_weak_is_dead(weak));
}

/* ---- counting ---- */

static void retain_release_of(void *obj) {
    BENCH_TIMES(10000) {
        void *copy = wr_retain(obj);
        BENCH_HIDE(copy);
        wr_release(copy);
    }
    BENCH_CHECK(wr_refcount(obj) == 1);
}

BENCH(retain_release) {
    void *obj = make(&payload_type);
    BENCH_CHECK(!wr_weak_is_dead(wr_weak_of(obj)));
    retain_release_of(obj);
}

BENCH(retain_release_never_weak) {
    retain_release_of(make(&payload_type));
}

BENCH(get_release) {
    void *obj = make(&payload_type);
    wr_weak weak = wr_weak_of(obj);
    uint64_t got = 0;
    BENCH_TIMES(10000) {
        BENCH_HIDE(weak.bits);
        void *strong = wr_weak_get(weak);
        BENCH_HIDE(strong);
        got += strong != NULL;
        wr_release(strong);
    }
    BENCH_CHECK(got == bench_done() && wr_refcount(obj) == 1);
}

BENCH(weak_copy_drop) {
    wr_weak weak = wr_weak_of(make(&payload_type));
    BENCH_TIMES(10000) {
        wr_weak copy = weak;
        BENCH_HIDE(copy.bits);
    }
    BENCH_CHECK(!wr_weak_is_dead(weak));
}

/* ---- dead references ---- */

BENCH(dead_lookup) {
    wr_weak dead[BENCH_DEAD];
    uint64_t got = 0;
    for (int i = 0; i < BENCH_DEAD; i++) {
        void *obj = make(&payload_type);
        dead[i] = wr_weak_of(obj);
        wr_release(obj);
    }
    BENCH_TIMES(10000)
    got += wr_weak_get(dead[bench_i % BENCH_DEAD]) != NULL;
    BENCH_CHECK(got == 0);
}

/* What a program does that knows the address of its generation numbers, which never go away. */
BENCH(plain_lookup) {
    struct {
        uint64_t *place;
        uint64_t generation;
    } handles[BENCH_DEAD];
    uint64_t got = 0;
    for (int i = 0; i < BENCH_DEAD; i++) {
        handles[i].place = calloc(1, sizeof(struct payload));
        BENCH_CHECK(handles[i].place != NULL);
        handles[i].generation = 1;
    }
    BENCH_TIMES(10000)
    got += __atomic_load_n(handles[bench_i % BENCH_DEAD].place, __ATOMIC_ACQUIRE) ==
           handles[bench_i % BENCH_DEAD].generation;
    BENCH_CHECK(got == 0);
}

/* ---- lives ---- */

static inline __attribute__((always_inline)) void create_destroy_of(const wr_type *type) {
    uint64_t dirt = 0;
    BENCH_TIMES(10000) {
        struct payload *obj = make(type);
        dirt += obj->value;
        obj->value = 1;
        wr_release(obj);
    }
    BENCH_CHECK(dirt == 0);
}

BENCH(create_destroy) {
    create_destroy_of(&payload_type);
}

BENCH(create_destroy_minted) {
    mint_next_slot();
    create_destroy_of(&payload_type);
}

BENCH(create_destroy_function) {
    create_destroy_of(&counted_type);
    BENCH_CHECK(destroyed == bench_done());
}

BENCH(create_weak_destroy) {
    uint64_t dead = 0;
    BENCH_TIMES(10000) {
        struct payload *obj = make(&payload_type);
        wr_weak weak = wr_weak_of(obj);
        obj->value = 1;
        wr_release(obj);
        dead += wr_weak_is_dead(weak);
    }
    BENCH_CHECK(dead == bench_done());
}

/* ---- two threads ---- */

static wr_weak shared;
static void get_shared(unsigned thread) {
    (void)thread;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        void *strong = wr_weak_get(shared);
        BENCH_HIDE(strong);
        wr_release(strong);
    }
}

BENCH(get_release_shared) {
    void *obj = make(&payload_type);
    shared = wr_weak_of(obj);
    bench_threads(2, get_shared);
    BENCH_CHECK(wr_refcount(obj) == 1);
}

static wr_weak neighbours[BENCH_NEIGHBOURS];
static void get_neighbours(unsigned thread) {
    for (unsigned i = 0; i < BENCH_CHUNK; i++) {
        void *strong = wr_weak_get(neighbours[(2 * i + thread) % BENCH_NEIGHBOURS]);
        BENCH_HIDE(strong);
        wr_release(strong);
    }
}

static void neighbours_used_by(unsigned threads) {
    void *objs[BENCH_NEIGHBOURS];
    for (int i = 0; i < BENCH_NEIGHBOURS; i++) {
        objs[i] = make(&small_type);
        neighbours[i] = wr_weak_of(objs[i]);
    }
    bench_threads(threads, get_neighbours);
    for (int i = 0; i < BENCH_NEIGHBOURS; i++)
        BENCH_CHECK(wr_refcount(objs[i]) == 1);
}

BENCH(neighbours_one_thread) {
    neighbours_used_by(1);
}

BENCH(neighbours_two_threads) {
    neighbours_used_by(2);
}

/* ---- memory ---- */

BENCH(bytes_with_weak) {
    void **objs = bench_array(BENCH_POPULATION, sizeof *objs);
    double before = bench_resident();
    wr_weak *weak = malloc(BENCH_POPULATION * sizeof *weak);
    BENCH_CHECK(weak != NULL);
    for (int i = 0; i < BENCH_POPULATION; i++) {
        objs[i] = make(&payload_type);
        weak[i] = wr_weak_of(objs[i]);
    }
    bench_bytes((bench_resident() - before) / BENCH_POPULATION);
}

BENCH(bytes_held_after_death) {
    enum { COUNT = BENCH_POPULATION / 10 };
    void **objs = bench_array(COUNT, sizeof *objs);
    wr_weak *weak = bench_array(COUNT, sizeof *weak);
    double before = bench_resident();
    for (int i = 0; i < COUNT; i++) {
        objs[i] = make(&big_type);
        weak[i] = wr_weak_of(objs[i]);
    }
    double alive = bench_resident();
    for (int i = 0; i < COUNT; i++)
        wr_release(objs[i]);
    wr_trim();
    double held = bench_resident() - before;
    for (int i = 0; i < COUNT; i++)
        BENCH_CHECK(wr_weak_is_dead(weak[i]));
    BENCH_CHECK(alive - before >= (double)COUNT * sizeof(struct big_payload));
    bench_bytes(held / COUNT);
}

/* ---- large populations ---- */

static wr_weak *make_cold(void) {
    wr_weak *weak = malloc(BENCH_COLD * sizeof *weak);
    BENCH_CHECK(weak != NULL);
    for (int i = 0; i < BENCH_COLD; i++) {
        struct payload *obj = make(&payload_type);
        obj->value = 1;
        weak[i] = wr_weak_of(obj);
    }
    return weak;
}

BENCH(cold_get_release) {
    wr_weak *weak = make_cold();
    uint64_t state = 1, got = 0;
    BENCH_TIMES(50000) {
        void *strong = wr_weak_get(weak[bench_below(&state, BENCH_COLD)]);
        got += strong != NULL;
        wr_release(strong);
    }
    BENCH_CHECK(got == bench_done());
}

BENCH(cold_get_read_release) {
    wr_weak *weak = make_cold();
    uint64_t state = 1, sum = 0;
    BENCH_TIMES(50000) {
        struct payload *strong = wr_weak_get(weak[bench_below(&state, BENCH_COLD)]);
        BENCH_CHECK(strong != NULL);
        sum += strong->value;
        wr_release(strong);
    }
    BENCH_CHECK(sum == bench_done());
}
