/* SPDX-License-Identifier: MIT */
/* Clear and kill: every weak reference to an object that lives on reads dead, at one instant. */
#include "death.h"
#include "weakref.h"

/* Clear or kill (`flag`: 0 or WR_KILL) an object, and fire what is registered. */
static int cut(void *obj, uint64_t flag, enum fire how) {
    if (obj == NULL)
        return -EINVAL;
    struct wr_slot *slot = wr_slot_of(obj);
    if (!weakref_allowed(wr_read(&slot->type)))
        return -ENOTSUP;
    int result = word_cut(slot, flag, false);
    if (result == 1)
        stats_count(flag ? STAT_KILLED : STAT_CLEARED);
    if (result != -EAGAIN)
        return result;
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    result = word_cut(slot, flag, true);
    if (result == 1) {
        stats_count(flag ? STAT_KILLED : STAT_CLEARED);
        (void)registry_fire(thread, slot, how, stripe);
    } else {
        lock_give(stripe);
    }
    user_code_leave(&section);
    return result;
}

int wr_kill(void *obj) {
    return cut(obj, WR_KILL, FIRE_CUT);
}

int wr_weakref_clear(void *obj) {
    int result = cut(obj, 0, FIRE_CUT);
    return result < 0 ? result : 0;
}

int wr_weakref_clear_no_callbacks(void *obj) {
    int result = cut(obj, 0, FIRE_SILENTLY);
    return result < 0 ? result : 0;
}
