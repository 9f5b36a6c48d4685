/* SPDX-License-Identifier: MIT */
/*
 * References are pointers. What is destroyed is taken out of all lists first, each under its own lock; a pointer that
 * another thread copied out of one before that dangles. This is what the other ways are compared with, and wrong.
 */
#include <stdlib.h>

#include "hold_grave.h"

const char hold_name[] = "raw";

void hold_enter(void) {
}

void hold_leave(void) {
}

struct conn *hold_new(struct loop *loop) {
    return (struct conn *)mortal_new(loop);
}

hold_ref hold_ref_of(struct conn *conn) {
    return (hold_ref){(uintptr_t)conn};
}

struct conn *hold_get(hold_ref ref) {
    return (struct conn *)(uintptr_t)ref.bits;
}

void hold_put(struct conn *conn) {
    (void)conn;
}

bool hold_is_dead(hold_ref ref) {
    return ref.bits == 0; /* of others it cannot be told */
}

bool hold_kill(struct conn *conn) {
    if (atomic_exchange(&mortal_of(conn)->killed, true))
        return false;
    mortal_bury(mortal_of(conn));
    return true;
}

void mortal_last_rites(struct conn *conn) {
    mortal_forget(conn);
}
