/* SPDX-License-Identifier: MIT */
/* The rows of atomic slots that own a reference. The file that includes this, after shared_ptr.h, has defined SLOT, its
 * type, and SLOT_LOAD, SLOT_STORE, SLOT_EXCHANGE. */

static SLOT slot;

BENCH(cell_load_release) {
    SLOT_STORE(slot, make());
    uint64_t got = 0;
    BENCH_TIMES(10000) {
        strong_ptr<payload> loaded = SLOT_LOAD(slot);
        payload *address = loaded.get();
        BENCH_HIDE(address);
        got += address != nullptr;
    }
    BENCH_CHECK(got == bench_done());
}

static void load_shared(unsigned) {
    for (int i = 0; i < BENCH_CHUNK; i++)
        BENCH_CHECK(SLOT_LOAD(slot) != nullptr);
}

BENCH(cell_load_release_shared) {
    SLOT_STORE(slot, make());
    bench_threads(bench_thread_count(), load_shared);
}

BENCH(cell_exchange) {
    SLOT_STORE(slot, make());
    strong_ptr<payload> other = make();
    BENCH_TIMES(10000)
    other = SLOT_EXCHANGE(slot, other);
    BENCH_CHECK(other.use_count() == 1);
}
