/* SPDX-License-Identifier: MIT */
/* What C programs do today: a weak reference is an id, a number with the index of a place in a table and a generation;
 * a look-up takes the table's mutex, compares, and counts the object up. Objects come from malloc; their counts are
 * atomic, so that only a look-up and the last release take the mutex. */
#include "work.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

const char bench_peer[] = "C11: ids in a table under a mutex, counts, malloc";

struct object {
    _Atomic unsigned refs;
    uint32_t place; /* 0: has no id yet */
};

struct place {
    struct object *object; /* NULL: free, or dead */
    uint32_t generation;
    uint32_t next; /* free: the next free one */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct place *places;
    uint32_t used, room, free; /* place 0 is none */
} table = {.used = 1};

#define PEER static inline __attribute__((always_inline))
typedef uint64_t peer_weak; /* place, and generation in the lower half */

static uint32_t find_place(struct object *object) {
    uint32_t place = table.free;
    if (place != 0) {
        table.free = table.places[place].next;
    } else {
        if (table.used >= table.room) {
            table.room = table.room ? 2 * table.room : 1024;
            table.places = realloc(table.places, table.room * sizeof *table.places);
            BENCH_CHECK(table.places != NULL);
        }
        place = table.used++;
        table.places[place].generation = 0;
    }
    table.places[place].object = object;
    return place;
}

PEER void *peer_new(size_t size) {
    struct object *object = calloc(1, sizeof *object + 8 + size);
    if (object != NULL)
        atomic_init(&object->refs, 1);
    return object;
}
PEER void *peer_payload(void *obj) {
    return (char *)obj + sizeof(struct object) + 8;
}
PEER void peer_retain(void *obj) {
    atomic_fetch_add_explicit(&((struct object *)obj)->refs, 1, memory_order_relaxed);
}
static void last_release(struct object *object) {
    if (object->place != 0) {
        pthread_mutex_lock(&mutex);
        struct place *place = &table.places[object->place];
        place->object = NULL;
        place->generation++;
        place->next = table.free;
        table.free = object->place;
        pthread_mutex_unlock(&mutex);
    }
    free(object);
}
PEER void peer_release(void *obj) {
    struct object *object = obj;
    if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_release) == 1) {
        atomic_thread_fence(memory_order_acquire);
        last_release(object);
    }
}
PEER unsigned peer_count(void *obj) {
    return atomic_load(&((struct object *)obj)->refs);
}
PEER void peer_weak_set(peer_weak *weak, void *obj) {
    struct object *object = obj;
    pthread_mutex_lock(&mutex);
    if (object->place == 0)
        object->place = find_place(object);
    *weak = (uint64_t)object->place << 32 | table.places[object->place].generation;
    pthread_mutex_unlock(&mutex);
}
PEER void peer_weak_copy(peer_weak *to, peer_weak *from) {
    *to = *from;
}
PEER void peer_weak_drop(peer_weak *weak) {
    (void)weak;
}
/* An object whose last reference is gone, and that waits for the mutex to leave the table, stays dead. */
static bool count_up_unless_zero(struct object *object) {
    unsigned refs = atomic_load_explicit(&object->refs, memory_order_relaxed);
    while (refs != 0)
        if (atomic_compare_exchange_weak_explicit(&object->refs, &refs, refs + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}
PEER void *peer_weak_get(peer_weak *weak) {
    pthread_mutex_lock(&mutex);
    struct place *place = &table.places[*weak >> 32];
    struct object *object = place->generation == (uint32_t)*weak ? place->object : NULL;
    if (object != NULL && !count_up_unless_zero(object))
        object = NULL;
    pthread_mutex_unlock(&mutex);
    return object;
}
PEER bool peer_weak_dead(peer_weak *weak) {
    pthread_mutex_lock(&mutex);
    struct place *place = &table.places[*weak >> 32];
    bool dead = place->generation != (uint32_t)*weak || place->object == NULL;
    pthread_mutex_unlock(&mutex);
    return dead;
}
PEER void peer_trim(void) {
    malloc_trim(0);
}

#include "rows_core.h"

/* ---- waiting until another thread has let go: a condition that the last release signals ---- */

static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static _Atomic uint64_t held; /* the object that the other thread holds; 0: none */
static struct object *waited;
static bool destroyed;

static void release_and_tell(struct object *object) {
    if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(object);
    pthread_mutex_lock(&mutex);
    destroyed = true;
    pthread_cond_signal(&gone);
    pthread_mutex_unlock(&mutex);
}

static void *hold_and_release(void *arg) {
    for (;;) {
        while (atomic_load_explicit(&held, memory_order_acquire) == 0)
            ;
        release_and_tell(waited);
        atomic_store_explicit(&held, 0, memory_order_release);
    }
    return arg;
}

BENCH(kill_wait_held) {
    bench_spawn(0, hold_and_release, NULL);
    BENCH_TIMES(1000) {
        struct object *object = peer_new(sizeof(struct payload));
        BENCH_CHECK(object != NULL);
        destroyed = false;
        peer_retain(object);
        waited = object;
        atomic_store_explicit(&held, 1, memory_order_release);
        release_and_tell(object);
        pthread_mutex_lock(&mutex);
        while (!destroyed)
            pthread_cond_wait(&gone, &mutex);
        pthread_mutex_unlock(&mutex);
        while (atomic_load_explicit(&held, memory_order_acquire) != 0)
            ;
    }
}

BENCH(kill_wait_alone) {
    BENCH_TIMES(10000) {
        struct object *object = peer_new(sizeof(struct payload));
        BENCH_CHECK(object != NULL);
        destroyed = false;
        release_and_tell(object);
        pthread_mutex_lock(&mutex);
        while (!destroyed)
            pthread_cond_wait(&gone, &mutex);
        pthread_mutex_unlock(&mutex);
    }
}
