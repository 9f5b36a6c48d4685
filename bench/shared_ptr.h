/* SPDX-License-Identifier: MIT */
/* The rows of every C++ library with a shared_ptr and a weak_ptr: the file that includes this has made `peer` the name
 * of the library's namespace. Objects are made by make_shared, one allocation for object and counts. */
#include "bench.h"

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
    bench_threads(2, get_shared);
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

static void neighbours_used_by(unsigned threads) {
    strong_ptr<small_payload> objs[BENCH_NEIGHBOURS];
    for (int i = 0; i < BENCH_NEIGHBOURS; i++) {
        objs[i] = peer::make_shared<small_payload>();
        neighbours[i] = objs[i];
    }
    bench_threads(threads, get_neighbours);
    for (auto &obj : objs)
        BENCH_CHECK(obj.use_count() == 1);
}

BENCH(neighbours_one_thread) {
    neighbours_used_by(1);
}

BENCH(neighbours_two_threads) {
    neighbours_used_by(2);
}

/* ---- memory ---- */

template <class T> static T *array_of(size_t count) {
    return new (bench_array(count, sizeof(T))) T[count]();
}

BENCH(bytes_with_weak) {
    auto *objs = array_of<strong_ptr<payload>>(BENCH_POPULATION);
    double before = bench_resident();
    auto *weak = static_cast<weak_ptr<payload> *>(malloc(BENCH_POPULATION * sizeof(weak_ptr<payload>)));
    BENCH_CHECK(weak != nullptr);
    for (int i = 0; i < BENCH_POPULATION; i++) {
        objs[i] = make();
        new (&weak[i]) weak_ptr<payload>(objs[i]);
    }
    bench_bytes((bench_resident() - before) / BENCH_POPULATION);
}

BENCH(bytes_held_after_death) {
    enum { COUNT = BENCH_POPULATION / 10 };
    auto *objs = array_of<strong_ptr<big_payload>>(COUNT);
    auto *weak = array_of<weak_ptr<big_payload>>(COUNT);
    double before = bench_resident();
    for (int i = 0; i < COUNT; i++) {
        objs[i] = peer::make_shared<big_payload>();
        weak[i] = objs[i];
    }
    double alive = bench_resident();
    for (int i = 0; i < COUNT; i++)
        objs[i].reset();
    malloc_trim(0);
    double held = bench_resident() - before;
    for (int i = 0; i < COUNT; i++)
        BENCH_CHECK(weak[i].expired());
    BENCH_CHECK(alive - before >= double(COUNT) * sizeof(big_payload));
    bench_bytes(held / COUNT);
}

/* ---- large populations ---- */

static weak_ptr<payload> *make_cold() {
    size_t count = BENCH_COLD;
    auto *objs = new strong_ptr<payload>[count];
    auto *weak = new weak_ptr<payload>[count];
    for (size_t i = 0; i < count; i++) {
        objs[i] = make();
        objs[i]->value = 1;
        weak[i] = objs[i];
    }
    return weak;
}

BENCH(cold_get_release) {
    weak_ptr<payload> *weak = make_cold();
    uint64_t state = 1, got = 0;
    BENCH_TIMES(50000)
    got += weak[bench_below(&state, BENCH_COLD)].lock() != nullptr;
    BENCH_CHECK(got == bench_done());
}

BENCH(cold_get_read_release) {
    weak_ptr<payload> *weak = make_cold();
    uint64_t state = 1, sum = 0;
    BENCH_TIMES(50000) {
        strong_ptr<payload> strong = weak[bench_below(&state, BENCH_COLD)].lock();
        BENCH_CHECK(strong != nullptr);
        sum += strong->value;
    }
    BENCH_CHECK(sum == bench_done());
}
