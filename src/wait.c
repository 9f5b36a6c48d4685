/* SPDX-License-Identifier: MIT */
/* Kill and be told when the object is destroyed: by waiting for it, or by a function. */
#include "wait.h"

#include "annex.h"
#include "borrow.h"
#include "death.h"
#include "holders.h"
#include "object.h"
#include "orphans.h"
#include "os.h"
#include "queue.h"
#include "weakref.h"

/* A function to be told; owned by the list. */
struct notice {
    struct wr_entry entry; /* first; flags: NOTICE */
    void (*fn)(void *arg);
    void *arg;
    wr_queue *queue; /* a reference, or NULL: told where the object was destroyed */
};
#define NOTICE 1

static void destroy_notice(void *self) {
    wr_release(((struct notice *)self)->queue);
}

const wr_type notice_type = {.abi = WR_TYPE_ABI,
                             .flags = WR_NO_WEAKREF,
                             .name = "notice",
                             .size = sizeof(struct notice),
                             .destroy = destroy_notice};

void notice_run(void *notice) {
    ((struct notice *)notice)->fn(((struct notice *)notice)->arg);
    wr_release(notice);
}

static void tell(struct notice *notice) {
    wr_queue *queue = notice->queue;
    if (queue != NULL && queue_enter(queue)) {
        queue_push(queue, wr_slot_of(notice));
        queue_leave(queue);
    } else {
        notice_run(notice);
    }
}

static void end_annex(struct wr_slot *slot, struct annex *annex) {
    holders_forget(slot, annex);
    wr_release(annex);
}

void wait_tell(struct wr_slot *slot) {
    struct lock *stripe = registry_stripe(slot);
    for (;;) {
        bool told = false;
        struct wr_entry *owned = NULL;
        lock_take(stripe);
        struct wr_entry *entry = slot->list.head;
        if (entry != NULL) {
            registry_unlink(entry, stripe);
            if (entry->kind == ENTRY_ANNEX || entry->flags == NOTICE) {
                owned = entry;
            } else {
                ((struct waiter *)entry)->told = told = true;
            }
        }
        lock_give(stripe); /* from here on the waiter may be gone */
        if (entry == NULL)
            return;
        if (told)
            orphans_ring();
        else if (owned->kind == ENTRY_ANNEX)
            end_annex(slot, (struct annex *)owned);
        else
            tell((struct notice *)owned);
    }
}

/* ---- waiting ---- */

/* Put an entry in front of the list of an object that the caller holds. */
static void link_front(struct wr_slot *slot, struct wr_entry *entry) {
    struct lock *stripe = registry_stripe(slot);
    entry->kind = ENTRY_WAITER;
    entry->referent = wr_weak_from_u64((uint64_t)wr_index_of(slot) << 32); /* for its stripe */
    lock_take(stripe);
    (void)wr_or_relaxed(&slot->word, WR_REG); /* relaxed: the caller holds a reference, and the stripe */
    registry_link(entry, &slot->list.head, stripe);
    lock_give(stripe);
}

/* Tell whether this thread borrows the object, or is inside a part of its end or one of its callbacks. */
static bool is_inside(const struct thread *thread, const struct wr_slot *slot) {
    if (borrow_is_ours(slot))
        return true;
    for (const struct dying *ending = thread->ending; ending != NULL; ending = ending->outer)
        if (ending->slot == slot)
            return true;
    for (const struct firing *firing = thread->firing; firing != NULL; firing = firing->outer)
        if (firing->slot == slot)
            return true;
    return false;
}

/* Tell whether this thread is inside something that has to return before the object can be destroyed. */
static bool would_deadlock(const struct thread *thread, struct wr_slot *slot) {
    /* relaxed: of our own death, or held */
    if (!word_alive(wr_load_relaxed(&slot->word)) || is_inside(thread, slot))
        return true;
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    struct annex *annex = annex_find(slot, stripe);
    bool bound_here = annex != NULL && annex->queue != NULL && queue_runs_here(thread, annex->queue);
    lock_give(stripe);
    return bound_here;
}

/* Tell whether `waiter` was told; at its deadline, withdraw it and see who holds the object, which is still there. */
static bool is_told(struct waiter *waiter, bool at_deadline, struct holders *holders) {
    struct lock *stripe = registry_stripe_of(&waiter->entry);
    lock_take(stripe);
    bool told = waiter->told;
    if (!told && at_deadline) {
        registry_unlink(&waiter->entry, stripe);
        holders_collect(wr_slot_at((uint32_t)(waiter->entry.referent.bits >> 32)), holders, stripe);
    }
    lock_give(stripe);
    return told;
}

/* Wait until `waiter` is told or withdraw it at the deadline. Returns whether it was told. Runs what others may not run
 * meanwhile, orphans, or nobody might. */
static bool wait(struct thread *thread, struct waiter *waiter, int64_t deadline, struct holders *holders) {
    for (;;) {
        uint32_t bell = orphans_listen();
        death_run_waiting(thread);
        bool at_deadline = deadline >= 0 && os_now() >= deadline;
        if (is_told(waiter, at_deadline, holders))
            return true;
        if (at_deadline)
            return false;
        orphans_sleep(bell, deadline);
    }
}

void wait_forget(struct waiter *waiter) UNCHECKED_LOCKS {
    for (; waiter != NULL; waiter = waiter->outer)
        if (wr_load_relaxed(&waiter->entry.at) != NULL)
            registry_unlink(&waiter->entry, registry_stripe_of(&waiter->entry));
}

static int check(void *obj) {
    if (obj == NULL)
        return -EINVAL;
    if (!weakref_allowed(wr_type_of(obj)))
        return -ENOTSUP;
    return 0;
}

int wr_kill_wait(void *obj, int64_t timeout_ms) {
    int error = check(obj);
    if (error != 0)
        return error;
    int64_t deadline = os_deadline(timeout_ms);
    struct wr_slot *slot = wr_slot_of(obj);
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    struct waiter waiter = {.told = false, .outer = thread->waits};
    struct holders holders = {.count = 0};
    bool told = false;
    bool deadlock = would_deadlock(thread, slot);
    if (!deadlock) {
        (void)wr_kill(obj);
        thread->waits = &waiter;
        link_front(slot, &waiter.entry);
        wr_release(obj);
        told = wait(thread, &waiter, deadline, &holders);
        thread->waits = waiter.outer;
    }
    user_code_leave(&section);
    if (!deadlock && !told)
        holders_complain(obj, timeout_ms, &holders);
    return deadlock ? -EDEADLK : told ? 0 : -ETIMEDOUT;
}

int wr_kill_notify(void *obj, void (*fn)(void *arg), void *arg, wr_queue *queue) {
    int error = check(obj);
    if (error == 0 && (fn == NULL || (queue != NULL && !queue_is(queue))))
        error = -EINVAL;
    if (error != 0)
        return error;
    int saved = errno;
    struct notice *notice = object_new(&notice_type, sizeof *notice, WR_DONE);
    errno = saved;
    if (notice == NULL)
        return -ENOMEM;
    notice->entry.flags = NOTICE;
    notice->fn = fn;
    notice->arg = arg;
    notice->queue = wr_retain(queue);
    link_front(wr_slot_of(obj), &notice->entry);
    (void)wr_kill(obj);
    wr_release(obj);
    return 0;
}

/* ---- all objects of a type ---- */

/* Take a reference to the object in a slot, killed or not, if it is one of `type` that strangers may count. */
static void *pin(struct wr_slot *slot, const wr_type *type) {
    if (wr_load_relaxed(&slot->type) != type) /* relaxed: a hint, asked again below */
        return NULL;
    /* order: acquire [BELOW], as in wr_weak_slot (rule 9). */
    if (wr_load_acquire(&slot->below) == 0 || !word_alive(wr_load_relaxed(&slot->word)))
        return NULL;
    /* order: acquire [GET], as in wr_weak_get. */
    uint64_t old = wr_add_acquire(&slot->word, WR_ONE);
    if (!word_alive(old))
        return NULL;
    if (!(old & WR_FIN) && wr_load_relaxed(&slot->type) == type)
        return wr_payload_of(slot);
    wr_give_back(slot);
    return NULL;
}

/* Whether threads that this process does not have were ending objects. Written where there is one thread. */
static bool ends_lost;

void wait_forget_ends(void) {
    ends_lost = true;
}

/* Tell whether an object of `type` is in the slot whose finalize, callbacks or destroy have begun, or wait for their
 * turn somewhere, and are not over. */
static bool is_ending(struct wr_slot *slot, const wr_type *type) {
    /* order: acquire [ENDED], with the return of destroy. */
    uint64_t word = wr_load_acquire(&slot->word);
    /* order: acquire [TYPE], with a later birth in this slot: that came after the end of what was in it before. */
    if (wr_load_acquire(&slot->type) != type || ends_lost)
        return false;
    if (word_alive(word))
        return (word & WR_FIN) != 0;
    return word_ending(word) && ((word & WR_REG) || !death_is_quiet(type));
}

/* Wait while an object of `type` is ending in the slot. Nobody can leave a waiter on it any more, and its end looks for
 * none. */
static int wait_for_end(struct wr_slot *slot, const wr_type *type, int64_t deadline) {
    struct user_code section;
    struct thread *thread = user_code_enter(&section);
    int result = 0;
    while (death_run_waiting(thread), is_ending(slot, type)) {
        if (is_inside(thread, slot) || queue_holds_here(thread, slot))
            result = -EDEADLK;
        else if (deadline >= 0 && os_now() >= deadline)
            result = -ETIMEDOUT;
        if (result != 0)
            break;
        os_nap();
    }
    user_code_leave(&section);
    return result;
}

/* Kill the object of `type` in the slot, if there is one, and wait until it is destroyed. */
static int end_in(struct wr_slot *slot, const wr_type *type, int64_t deadline) {
    int result = 0;
    do { /* once more when finalize has kept it */
        void *obj = pin(slot, type);
        if (obj != NULL) {
            int64_t left = deadline < 0 ? -1 : (deadline - os_now() + 999999) / 1000000;
            result = wr_kill_wait(obj, deadline >= 0 && left < 0 ? 0 : left);
            if (result == -EDEADLK)
                wr_release(obj);
            return result;
        }
        if (!is_ending(slot, type))
            return 0;
        result = wait_for_end(slot, type, deadline);
    } while (result == 0);
    return result;
}

int wr_kill_all(const wr_type *type, int64_t timeout_ms) {
    if (type == NULL)
        return -EINVAL;
    if (!weakref_allowed(type))
        return -ENOTSUP;
    int64_t deadline = os_deadline(timeout_ms);
    int result = 0;
    for (struct wr_slot *slot = NULL; (slot = arena_next(slot)) != NULL;) {
        void *obj = pin(slot, type);
        if (obj != NULL)
            (void)wr_kill(obj);
        wr_release(obj);
    }
    for (struct wr_slot *slot = NULL; result == 0 && (slot = arena_next(slot)) != NULL;)
        result = end_in(slot, type, deadline);
    return result;
}
