/* SPDX-License-Identifier: MIT */
/*
 * fork with other threads about: no lock may be held by a thread that the child does not have. The locks are
 * taken in this order and nowhere else more than one at a time. In the child, what the absent threads' records
 * hold is lost: their caches are bounded, and a list cut off in the middle of a change is not worth the risk.
 */
#include "alloc.h"
#include "arena.h"
#include "borrow.h"
#include "registry.h"
#include "thread.h"

void wr_atfork_prepare(void) {
    thread_lock();
    alloc_lock();
    arena_lock_all();
    registry_lock_all();
}

void wr_atfork_parent(void) {
    registry_unlock_all();
    arena_unlock_all();
    alloc_unlock();
    thread_unlock();
}

void wr_atfork_child(void) {
    wr_atfork_parent();
    borrow_fork_child();
}
