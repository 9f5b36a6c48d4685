/* SPDX-License-Identifier: MIT */
/*
 * References are pointers, and one lock is held for as long as any callback of any loop runs. Who is killed is refused
 * from then on; it is destroyed in a callback of its own, when nobody is between getting and using it, and taken out of
 * all lists before.
 */
#include <stdlib.h>

#include "counters.h"
#include "hold_grave.h"

const char hold_name[] = "lock";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void hold_enter(void) {
    pthread_mutex_lock(&lock);
}

void hold_leave(void) {
    pthread_mutex_unlock(&lock);
}

struct conn *hold_new(struct loop *loop) {
    return (struct conn *)mortal_new(loop);
}

hold_ref hold_ref_of(struct conn *conn) {
    return (hold_ref){(uintptr_t)conn};
}

struct conn *hold_get(hold_ref ref) {
    struct conn *conn = (struct conn *)(uintptr_t)ref.bits;
    if (conn == NULL || !mortal_of(conn)->killed)
        return conn;
    count(STALE_REFUSED, 1);
    return NULL;
}

void hold_put(struct conn *conn) {
    (void)conn;
}

bool hold_is_dead(hold_ref ref) {
    return ref.bits == 0 || mortal_of((struct conn *)(uintptr_t)ref.bits)->killed;
}

bool hold_kill(struct conn *conn) {
    if (mortal_of(conn)->killed)
        return false;
    mortal_of(conn)->killed = true;
    mortal_bury(mortal_of(conn));
    return true;
}

void mortal_last_rites(struct conn *conn) {
    mortal_forget(conn);
}
