/* SPDX-License-Identifier: MIT */
/*
 * References are ids: the place in a table and, in the lower half, how many had that place before. A mutex guards the
 * table. Each connection counts who has it pinned, and the table as one of them until it is killed.
 */
#include <stdlib.h>

#include "counters.h"
#include "hold_grave.h"

const char hold_name[] = "table";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct place {
    struct mortal *mortal; /* NULL: free */
    uint32_t generation;
    uint32_t next; /* free: the next free one */
} * places;
static uint32_t used = 1, cap, first_free; /* place 0 is none */

void hold_enter(void) {
}

void hold_leave(void) {
}

static bool grow(void) {
    uint32_t wanted = cap == 0 ? 64 : cap * 2;
    struct place *grown = wanted < cap ? NULL : realloc(places, wanted * sizeof *grown);
    if (grown == NULL)
        return false;
    places = grown;
    cap = wanted;
    return true;
}

/* Returns a free place, or 0: no memory. */
static uint32_t take_place(void) {
    uint32_t place = first_free;
    if (place != 0) {
        first_free = places[place].next;
        return place;
    }
    if (used >= cap && !grow())
        return 0;
    places[used].generation = 0;
    return used++;
}

static void give_place(uint32_t place) {
    places[place].mortal = NULL;
    if (++places[place].generation == 0)
        return; /* worn: the next id would be one that was */
    places[place].next = first_free;
    first_free = place;
}

/* Returns what an id names, or NULL. The lock is held. */
static struct mortal *find(hold_ref ref) {
    uint64_t place = ref.bits >> 32;
    return place != 0 && places[place].generation == (uint32_t)ref.bits ? places[place].mortal : NULL;
}

struct conn *hold_new(struct loop *loop) {
    struct mortal *mortal = mortal_new(loop);
    if (mortal == NULL)
        return NULL;
    atomic_init(&mortal->pins, 2); /* the table and the caller */
    pthread_mutex_lock(&lock);
    uint32_t place = take_place();
    if (place != 0) {
        places[place].mortal = mortal;
        mortal->id = (uint64_t)place << 32 | places[place].generation;
    }
    pthread_mutex_unlock(&lock);
    if (place != 0)
        return &mortal->conn;
    mortal_free(mortal);
    return NULL;
}

hold_ref hold_ref_of(struct conn *conn) {
    return (hold_ref){mortal_of(conn)->id};
}

struct conn *hold_get(hold_ref ref) {
    pthread_mutex_lock(&lock);
    struct mortal *mortal = find(ref);
    if (mortal != NULL)
        (void)atomic_fetch_add_explicit(&mortal->pins, 1, memory_order_relaxed); /* the table has it: not 0 */
    pthread_mutex_unlock(&lock);
    if (mortal == NULL && ref.bits != 0)
        count(STALE_REFUSED, 1);
    return (struct conn *)mortal;
}

void hold_put(struct conn *conn) {
    if (atomic_fetch_sub_explicit(&mortal_of(conn)->pins, 1, memory_order_acq_rel) == 1)
        mortal_bury(mortal_of(conn));
}

bool hold_is_dead(hold_ref ref) {
    pthread_mutex_lock(&lock);
    bool dead = find(ref) == NULL;
    pthread_mutex_unlock(&lock);
    return dead;
}

bool hold_kill(struct conn *conn) {
    pthread_mutex_lock(&lock);
    bool mine = find(hold_ref_of(conn)) != NULL;
    if (mine)
        give_place((uint32_t)(mortal_of(conn)->id >> 32));
    pthread_mutex_unlock(&lock);
    if (mine)
        hold_put(conn); /* the table's */
    return mine;
}

void mortal_last_rites(struct conn *conn) {
    (void)conn; /* ids may stay where they are */
}

/* At exit, for who counts what was not freed. */
__attribute__((destructor)) static void drop(void) {
    free(places);
}
