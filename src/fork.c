/* SPDX-License-Identifier: MIT */
/*
 * fork with other threads about: no lock may be held by a thread that the child does not have. All are taken, in
 * this order; nowhere else is more than one. In the child, callbacks that absent threads had not come to are left to
 * the next death, and so are dead objects that they borrowed; the slots in their caches, and objects whose destroy
 * waited for them, are lost.
 */
#include "alloc.h"
#include "arena.h"
#include "finalizer.h"
#include "hazard.h"
#include "making.h"
#include "past.h"
#include "registry.h"
#include "thread.h"

void wr_atfork_prepare(void) {
    table_lock_all();
    making_lock();
    finalizer_lock();
    thread_lock();
    past_lock();
    alloc_lock();
    arena_lock_all();
    registry_lock_all();
}

void wr_atfork_parent(void) {
    registry_unlock_all();
    arena_unlock_all();
    alloc_unlock();
    past_unlock();
    thread_unlock();
    finalizer_unlock();
    making_unlock();
    table_unlock_all();
}

void wr_atfork_child(void) {
    thread_forget_absent();
    table_forget_absent();
    hazard_forget_absent();
    lock_forget_absent();
    wr_atfork_parent();
}
