/* SPDX-License-Identifier: MIT */
/* liburcu: a weak reference is an id, a place in a table and a generation; a look-up reads the table inside a read-side
 * section, without a lock, and takes a reference unless the count is zero; the last release empties the place and
 * leaves the memory to call_rcu. Who only looks at the object needs no reference: it stays inside the section. */
#include "urcu_peer.h"

#if HAVE_URCU
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <urcu/config.h>

const char bench_peer[] = "liburcu (memb): ids in a table, counts, call_rcu";

struct object {
    struct rcu_head rcu;
    _Atomic unsigned refs;
    uint32_t place; /* 0: has no id */
    uint32_t generation;
    uint32_t unused;
};

/* Never moved, so that readers need no second look at where it is. */
enum { PLACES = 1 << 25 };
static struct object **places;
static uint32_t *next_free;
static uint32_t places_used = 1, first_free, generations; /* guarded by the mutex */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *reserve(size_t size) {
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    BENCH_CHECK(memory != MAP_FAILED);
    return memory;
}

static pthread_key_t at_exit;
static void leave(void *arg) {
    (void)arg;
    urcu_memb_unregister_thread();
}
__attribute__((constructor)) static void start(void) {
    places = reserve(PLACES * sizeof *places);
    next_free = reserve(PLACES * sizeof *next_free);
    BENCH_CHECK(pthread_key_create(&at_exit, leave) == 0);
}

_Thread_local bool urcu_registered;
__attribute__((noinline, cold)) void urcu_register(void) {
    urcu_registered = true;
    urcu_memb_register_thread();
    BENCH_CHECK(pthread_setspecific(at_exit, &urcu_registered) == 0);
}

#define PEER static inline __attribute__((always_inline))
typedef uint64_t peer_weak; /* place, and generation in the lower half */

PEER struct object *find(peer_weak weak) {
    struct object *object = rcu_dereference(places[weak >> 32]);
    return object != NULL && object->generation == (uint32_t)weak ? object : NULL;
}

PEER void *peer_new(size_t size) {
    struct object *object = calloc(1, sizeof *object + size);
    if (object != NULL)
        atomic_init(&object->refs, 1);
    return object;
}
PEER void *peer_payload(void *obj) {
    return (struct object *)obj + 1;
}
PEER void peer_retain(void *obj) {
    atomic_fetch_add_explicit(&((struct object *)obj)->refs, 1, memory_order_relaxed);
}
static void free_object(struct rcu_head *rcu) {
    free(caa_container_of(rcu, struct object, rcu));
}
static void last_release(struct object *object) {
    if (object->place == 0) { /* nobody can be looking at it */
        free(object);
        return;
    }
    pthread_mutex_lock(&mutex);
    rcu_assign_pointer(places[object->place], NULL);
    next_free[object->place] = first_free;
    first_free = object->place;
    pthread_mutex_unlock(&mutex);
    urcu_free_later(&object->rcu, free_object);
}
PEER void peer_release(void *obj) {
    struct object *object = obj;
    if (urcu_count_down(&object->refs))
        last_release(object);
}
PEER unsigned peer_count(void *obj) {
    return atomic_load(&((struct object *)obj)->refs);
}
PEER void peer_weak_set(peer_weak *weak, void *obj) {
    struct object *object = obj;
    if (object->place == 0) {
        pthread_mutex_lock(&mutex);
        uint32_t place = first_free;
        if (place != 0)
            first_free = next_free[place];
        else
            place = places_used++;
        BENCH_CHECK(place < PLACES);
        object->generation = ++generations;
        object->place = place;
        rcu_assign_pointer(places[place], object);
        pthread_mutex_unlock(&mutex);
    }
    *weak = (uint64_t)object->place << 32 | object->generation;
}
PEER void peer_weak_copy(peer_weak *to, peer_weak *from) {
    *to = *from;
}
PEER void peer_weak_drop(peer_weak *weak) {
    (void)weak;
}
PEER void *peer_weak_get(peer_weak *weak) {
    section_begin();
    struct object *object = find(*weak);
    if (object != NULL && !urcu_count_up(&object->refs))
        object = NULL;
    section_end();
    return object;
}
PEER bool peer_weak_dead(peer_weak *weak) {
    section_begin();
    bool dead = find(*weak) == NULL;
    section_end();
    return dead;
}
PEER void peer_trim(void) {
    urcu_memb_barrier();
    malloc_trim(0);
}

#include "rows_core.h"

/* ---- to look without taking a reference ---- */

static void look(peer_weak *place) {
    BENCH_HIDE(place);
    section_begin();
    struct object *object = find(*place);
    BENCH_HIDE(object);
    section_end();
    BENCH_CHECK(object != NULL);
}

BENCH(read_section) {
    peer_weak weak;
    peer_weak_set(&weak, new_payload());
    BENCH_TIMES(10000)
    look(&weak);
}

static void look_shared(unsigned thread) {
    (void)thread;
    for (int i = 0; i < BENCH_CHUNK; i++)
        look(&shared);
}

BENCH(read_section_shared) {
    peer_weak_set(&shared, new_payload());
    bench_threads(bench_thread_count(), look_shared);
}
#else
const char bench_peer[] = "liburcu";
BENCH_MISSING("liburcu-dev");
#endif
