/* SPDX-License-Identifier: MIT */
/* What a C program does by hand, the way of shared_ptr and Arc: a strong and a weak count before the payload, C11
 * atomics, memory from malloc. A weak reference is a pointer that owns one of the weak counts, and a look-up is a loop
 * that adds to the strong count unless that is zero. */
#include "work.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

const char bench_peer[] = "C11: strong and weak counts in a header, malloc";

struct arc {
    _Atomic size_t strong, weak; /* all strong references together own one weak one */
};

#define PEER static inline __attribute__((always_inline))
typedef struct arc *peer_weak;

PEER void *peer_new(size_t size) {
    struct arc *arc = calloc(1, sizeof *arc + size);
    if (arc == NULL)
        return NULL;
    atomic_init(&arc->strong, 1);
    atomic_init(&arc->weak, 1);
    return arc;
}
PEER void *peer_payload(void *obj) {
    return (struct arc *)obj + 1;
}
PEER void peer_retain(void *obj) {
    atomic_fetch_add_explicit(&((struct arc *)obj)->strong, 1, memory_order_relaxed);
}
PEER void peer_weak_drop(peer_weak *weak) {
    if (atomic_fetch_sub_explicit(&(*weak)->weak, 1, memory_order_release) == 1) {
        atomic_thread_fence(memory_order_acquire);
        free(*weak);
    }
}
PEER void peer_release(void *obj) {
    struct arc *arc = obj;
    if (atomic_fetch_sub_explicit(&arc->strong, 1, memory_order_release) != 1)
        return;
    atomic_thread_fence(memory_order_acquire);
    peer_weak_drop(&arc);
}
PEER unsigned peer_count(void *obj) {
    return (unsigned)atomic_load(&((struct arc *)obj)->strong);
}
PEER void peer_weak_set(peer_weak *weak, void *obj) {
    *weak = obj;
    atomic_fetch_add_explicit(&(*weak)->weak, 1, memory_order_relaxed);
}
PEER void peer_weak_copy(peer_weak *to, peer_weak *from) {
    peer_weak_set(to, *from);
}
PEER void *peer_weak_get(peer_weak *weak) {
    struct arc *arc = *weak;
    size_t strong = atomic_load_explicit(&arc->strong, memory_order_relaxed);
    while (strong != 0)
        if (atomic_compare_exchange_weak_explicit(&arc->strong, &strong, strong + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return arc;
    return NULL;
}
PEER bool peer_weak_dead(peer_weak *weak) {
    return atomic_load_explicit(&(*weak)->strong, memory_order_acquire) == 0;
}
PEER void peer_trim(void) {
    malloc_trim(0);
}

#include "rows_core.h"

/* ---- boxes: memory of one's own with a count in it ---- */

struct counted {
    _Atomic unsigned refs;
    struct payload payload;
};

static void counted_release(struct counted *counted) {
    if (atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_release) == 1) {
        atomic_thread_fence(memory_order_acquire);
        free(counted);
    }
}

static struct counted *counted_new(void) {
    struct counted *counted = calloc(1, sizeof *counted);
    BENCH_CHECK(counted != NULL);
    atomic_init(&counted->refs, 1);
    counted->payload.value = 1;
    return counted;
}

BENCH(box_create_destroy) {
    BENCH_TIMES(10000) {
        struct counted *counted = counted_new();
        BENCH_HIDE(counted);
        counted_release(counted);
    }
}

BENCH(box_retain_use_release) {
    struct counted *mine = counted_new();
    uint64_t sum = 0;
    BENCH_TIMES(10000) {
        struct counted *counted = mine;
        BENCH_HIDE(counted);
        atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
        sum += counted->payload.value;
        counted_release(counted);
    }
    BENCH_CHECK(sum == bench_done() && atomic_load(&mine->refs) == 1);
}
