/* SPDX-License-Identifier: MIT */
/* The rows of every C++ library with a shared_ptr and a weak_ptr: the file that includes this has made `peer` the name
 * of the library's namespace. Objects are made by make_shared, one allocation for object and counts. */
#include "work.h"

#include <cstdlib>
#include <malloc.h>
#include <new>
#include <utility>

namespace {

template <class T> using strong_ptr = peer::shared_ptr<T>;
template <class T> using weak_ptr = peer::weak_ptr<T>;

uint64_t destroyed;
struct counted_payload : payload {
    ~counted_payload() {
        destroyed++;
    }
};

strong_ptr<payload> make() {
    return peer::make_shared<payload>();
}

} // namespace

/* ---- counting ---- */

BENCH(retain_release) {
    strong_ptr<payload> obj = make();
    BENCH_TIMES(10000) {
        strong_ptr<payload> copy(obj);
        payload *address = copy.get();
        BENCH_HIDE(address);
    }
    BENCH_CHECK(obj.use_count() == 1);
}

BENCH(get_release) {
    strong_ptr<payload> obj = make();
    weak_ptr<payload> weak(obj);
    uint64_t got = 0;
    BENCH_TIMES(10000) {
        strong_ptr<payload> strong = weak.lock();
        payload *address = strong.get();
        BENCH_HIDE(address);
        got += address != nullptr;
    }
    BENCH_CHECK(got == bench_done() && obj.use_count() == 1);
}

BENCH(weak_copy_drop) {
    strong_ptr<payload> obj = make();
    weak_ptr<payload> weak(obj);
    BENCH_TIMES(10000)
    weak_ptr<payload> copy(weak);
    BENCH_CHECK(!weak.expired());
}

/* ---- dead references ---- */

BENCH(dead_lookup) {
    weak_ptr<payload> dead[BENCH_DEAD];
    uint64_t got = 0;
    for (auto &weak : dead)
        weak = make();
    BENCH_TIMES(10000)
    got += dead[bench_i % BENCH_DEAD].lock() != nullptr;
    BENCH_CHECK(got == 0);
}

/* ---- lives ---- */

template <class T> static void create_destroy_of() {
    uint64_t dirt = 0;
    BENCH_TIMES(10000) {
        strong_ptr<T> obj = peer::make_shared<T>();
        dirt += obj->value;
        obj->value = 1;
        payload *address = obj.get();
        BENCH_HIDE(address);
    }
    BENCH_CHECK(dirt == 0);
}

BENCH(create_destroy) {
    create_destroy_of<payload>();
}

BENCH(create_destroy_function) {
    create_destroy_of<counted_payload>();
    BENCH_CHECK(destroyed == bench_done());
}

BENCH(create_weak_destroy) {
    uint64_t dead = 0;
    BENCH_TIMES(10000) {
        strong_ptr<payload> obj = make();
        weak_ptr<payload> weak(obj);
        obj->value = 1;
        obj.reset();
        dead += weak.expired();
    }
    BENCH_CHECK(dead == bench_done());
}

/* ---- two threads ---- */

static weak_ptr<payload> shared;
static void get_shared(unsigned) {
    for (int i = 0; i < BENCH_CHUNK; i++) {
        strong_ptr<payload> strong = shared.lock();
        payload *address = strong.get();
        BENCH_HIDE(address);
    }
}

BENCH(get_release_shared) {
    strong_ptr<payload> obj = make();
    shared = obj;
    bench_threads(bench_thread_count(), get_shared);
    BENCH_CHECK(obj.use_count() == 1);
}

static weak_ptr<small_payload> neighbours[BENCH_NEIGHBOURS];
static void get_neighbours(unsigned thread) {
    for (unsigned i = 0; i < BENCH_CHUNK; i++) {
        strong_ptr<small_payload> strong = neighbours[(2 * i + thread) % BENCH_NEIGHBOURS].lock();
        small_payload *address = strong.get();
        BENCH_HIDE(address);
    }
}

BENCH(neighbours) {
    strong_ptr<small_payload> objs[BENCH_NEIGHBOURS];
    for (int i = 0; i < BENCH_NEIGHBOURS; i++) {
        objs[i] = peer::make_shared<small_payload>();
        neighbours[i] = objs[i];
    }
    bench_threads(bench_thread_count(), get_neighbours);
    for (auto &obj : objs)
        BENCH_CHECK(obj.use_count() == 1);
}

/* ---- memory ---- */

template <class T> static T *array_of(size_t count) {
    return new (bench_array(count, sizeof(T))) T[count]();
}

static strong_ptr<payload> *population;
static weak_ptr<payload> *population_weak;
static void populate(size_t count) {
    if (population == nullptr)
        population = array_of<strong_ptr<payload>>(count);
    if (population_weak == nullptr)
        population_weak = array_of<weak_ptr<payload>>(count);
    for (size_t i = 0; i < count; i++) {
        population[i] = make();
        population[i]->value = 1;
        population_weak[i] = population[i];
    }
}
static void depopulate(size_t count) {
    for (size_t i = 0; i < count; i++)
        population[i].reset();
}
static void check_dead(size_t count) {
    for (size_t i = 0; i < count; i++) {
        BENCH_CHECK(population_weak[i].expired());
        population_weak[i].reset();
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

BENCH(bytes_with_weak) {
    size_t count = bench_size(BENCH_POPULATION);
    population = array_of<strong_ptr<payload>>(count);
    double before = bench_resident();
    populate(count);
    bench_bytes((bench_resident() - before) / double(count));
}

BENCH(bytes_held_after_death) {
    size_t count = bench_size(BENCH_POPULATION / 10);
    auto *objs = array_of<strong_ptr<big_payload>>(count);
    auto *weak = array_of<weak_ptr<big_payload>>(count);
    double before = bench_resident();
    for (size_t i = 0; i < count; i++) {
        objs[i] = peer::make_shared<big_payload>();
        weak[i] = objs[i];
    }
    double alive = bench_resident();
    for (size_t i = 0; i < count; i++)
        objs[i].reset();
    malloc_trim(0);
    double held = bench_resident() - before;
    for (size_t i = 0; i < count; i++)
        BENCH_CHECK(weak[i].expired());
    BENCH_CHECK(alive - before >= double(count) * sizeof(big_payload) / 2);
    bench_bytes(held / double(count));
}

/* ---- more objects than caches hold, in random order ---- */

BENCH(cold_get_release) {
    uint32_t count = uint32_t(bench_size(BENCH_COLD));
    populate(count);
    uint64_t state = 1, got = 0;
    BENCH_TIMES(50000)
    got += population_weak[bench_below(&state, count)].lock() != nullptr;
    BENCH_CHECK(got == bench_done());
}

BENCH(cold_get_read_release) {
    uint32_t count = uint32_t(bench_size(BENCH_COLD));
    populate(count);
    uint64_t state = 1, sum = 0;
    BENCH_TIMES(50000) {
        strong_ptr<payload> strong = population_weak[bench_below(&state, count)].lock();
        BENCH_CHECK(strong != nullptr);
        sum += strong->value;
    }
    BENCH_CHECK(sum == bench_done());
}
