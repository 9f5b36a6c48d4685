/* SPDX-License-Identifier: MIT */
/* weakrt itself: counting, weak values, lives. Its other rows are in weakrt_<subject>.c. */
#include "weakrt_peer.h"

#ifdef BENCH_INLINE
const char bench_peer[] = "weakrt, weakrt_inline.h and the static library";
#else
const char bench_peer[] = "weakrt, calls into the shared library";
#endif

static const wr_type small_type = {.abi = WR_TYPE_ABI, .name = "small", .size = sizeof(struct small_payload)};
static const wr_type big_type = {.abi = WR_TYPE_ABI, .name = "big", .size = sizeof(struct big_payload)};

#define PEER static inline __attribute__((always_inline))
typedef wr_weak peer_weak;

PEER void *peer_new(size_t size) {
    return wr_new(size == sizeof(struct payload)         ? &payload_type
                  : size == sizeof(struct small_payload) ? &small_type
                                                         : &big_type);
}
PEER void *peer_payload(void *obj) {
    return obj;
}
PEER void peer_retain(void *obj) {
    wr_retain(obj);
}
PEER void peer_release(void *obj) {
    wr_release(obj);
}
PEER unsigned peer_count(void *obj) {
    return wr_refcount(obj);
}
PEER void peer_weak_set(peer_weak *weak, void *obj) {
    *weak = wr_weak_of(obj);
}
PEER void peer_weak_copy(peer_weak *to, peer_weak *from) {
    *to = *from;
}
PEER void peer_weak_drop(peer_weak *weak) {
    (void)weak;
}
PEER void *peer_weak_get(peer_weak *weak) {
    return wr_weak_get(*weak);
}
PEER bool peer_weak_dead(peer_weak *weak) {
    return wr_weak_is_dead(*weak);
}
PEER void peer_trim(void) {
    wr_trim();
}

#include "rows_core.h"

/* ---- what only weakrt has: slots are fresh, or have had weak values in an earlier life ---- */

BENCH(retain_release_never_weak) {
    void *obj = make(&payload_type);
    BENCH_TIMES(10000) {
        void *copy = wr_retain(obj);
        BENCH_HIDE(copy);
        wr_release(copy);
    }
    BENCH_CHECK(wr_refcount(obj) == 1);
}

BENCH(create_destroy_minted) {
    void *obj = make(&payload_type); /* the next object gets its slot */
    wr_weak weak = wr_weak_of(obj);
    wr_release(obj);
    BENCH_CHECK(wr_weak_is_dead(weak));
    create_and_destroy();
}

static uint64_t destroyed;
static void count_destroy(void *self) {
    (void)self;
    destroyed++;
}
static const wr_type counted_type = {
    .abi = WR_TYPE_ABI, .name = "counted", .size = sizeof(struct payload), .destroy = count_destroy};

BENCH(create_destroy_function) {
    BENCH_TIMES(10000) {
        struct payload *obj = make(&counted_type);
        obj->value = 1;
        wr_release(obj);
    }
    BENCH_CHECK(destroyed == bench_done());
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
