/* SPDX-License-Identifier: MIT */
/* Rust's std::sync::Arc and Weak: the loops are in bench/arc.rs, where the compiler can inline what they call. */
#include "work.h"

#ifdef BENCH_RUSTC
const char bench_peer[] = BENCH_RUSTC ": Arc and Weak";

/* Each does its work `times` times. Those that return a number: of how many it was found to be right. */
void rust_prepare(void);
uint64_t rust_retain_release(uint64_t times);
uint64_t rust_get_release(uint64_t times);
uint64_t rust_weak_copy_drop(uint64_t times);
uint64_t rust_dead_lookup(uint64_t times);
uint64_t rust_create_destroy(uint64_t times);
uint64_t rust_create_destroy_function(uint64_t times);
uint64_t rust_create_weak_destroy(uint64_t times);
uint64_t rust_neighbours(uint64_t thread, uint64_t times);
void rust_populate(uint64_t count);
void rust_depopulate(void);
uint64_t rust_check_dead(void);
uint64_t rust_cold_get_release(uint64_t *state, uint64_t times);

#define LOOP(row)                                                                                            \
    BENCH(row) {                                                                                             \
        uint64_t right = 0;                                                                                  \
        rust_prepare();                                                                                      \
        for (uint64_t n = bench_times(10000); bench_batch(n);)                                               \
            right += rust_##row(n);                                                                          \
        BENCH_CHECK(right == bench_done());                                                                  \
    }
LOOP(retain_release)
LOOP(get_release)
LOOP(weak_copy_drop)
LOOP(dead_lookup)
LOOP(create_destroy)
LOOP(create_destroy_function)
LOOP(create_weak_destroy)

static void get_shared(unsigned thread) {
    (void)thread;
    BENCH_CHECK(rust_get_release(BENCH_CHUNK) == BENCH_CHUNK);
}
BENCH(get_release_shared) {
    rust_prepare();
    bench_threads(bench_thread_count(), get_shared);
}

static void get_neighbours(unsigned thread) {
    BENCH_CHECK(rust_neighbours(thread, BENCH_CHUNK) == BENCH_CHUNK);
}
BENCH(neighbours) {
    rust_prepare();
    bench_threads(bench_thread_count(), get_neighbours);
}

BENCH(population_create) {
    uint64_t count = bench_size(BENCH_POPULATION);
    rust_populate(count);
    rust_depopulate();
    while (bench_round()) {
        bench_start();
        rust_populate(count);
        bench_stop(count);
        rust_depopulate();
        BENCH_CHECK(rust_check_dead() == count);
    }
}
BENCH(population_death) {
    uint64_t count = bench_size(BENCH_POPULATION);
    while (bench_round()) {
        rust_populate(count);
        bench_start();
        rust_depopulate();
        bench_stop(count);
        BENCH_CHECK(rust_check_dead() == count);
    }
}
BENCH(cold_get_release) {
    uint64_t right = 0, state = 1;
    rust_populate(bench_size(BENCH_COLD));
    for (uint64_t n = bench_times(50000); bench_batch(n);)
        right += rust_cold_get_release(&state, n);
    BENCH_CHECK(right == bench_done());
}
#else
const char bench_peer[] = "Rust";
BENCH_MISSING("rustc");
#endif
