/* SPDX-License-Identifier: MIT */
/* Weakref objects: made, shared, looked at, cancelled. */
#include "weakref.h"

#include "call.h"
#include "death.h"
#include "object.h"
#include "os.h"
#include "queue.h"

const wr_type wr_weakref_type = {.abi = WR_TYPE_ABI,
                                 .flags = WR_NO_WEAKREF,
                                 .name = "weakref",
                                 .size = sizeof(struct wr_weakref),
                                 .base = &wr_weakref_type};
static const wr_type proxy_type = {.abi = WR_TYPE_ABI,
                                   .flags = WR_NO_WEAKREF,
                                   .name = "weakproxy",
                                   .size = sizeof(struct wr_weakref),
                                   .base = &wr_weakref_type};

/* ---- made ---- */

/* Notice, with no lock held, that the reference just adopted was one too many. */
static void check_count(const char *function, struct wr_weakref *ref) {
    uint64_t word = wr_load_relaxed(&wr_slot_of(ref)->word); /* relaxed: our own unit is in it */
    if (wr_unlikely(word >= WR_OVERFLOW + WR_ONE))
        wr_count_misuse(function, ref, word);
}

/* Find the place in an open object's list where a weakref with these flags belongs (S4): shared ref, shared proxy,
 * then the others, newest first. Shared ones that are dying are taken off on the way (S5), so that there never are
 * more than two. Sets *found, with a reference, when `flags` is of a shared one that is there already. */
static struct wr_entry **place(struct wr_slot *slot, unsigned flags, struct wr_weakref **found,
                               struct lock *stripe) REQUIRES(*stripe) {
    *found = NULL;
    if (!(flags & WEAKREF_SHARED))
        return registry_newest(slot, stripe);
    struct wr_entry **at = registry_behind_front(slot, stripe);
    struct wr_entry *entry;
    while ((entry = *at) != NULL && entry->kind == ENTRY_WEAKREF && (entry->flags & WEAKREF_SHARED)) {
        if (entry->flags == flags && registry_adopt(entry, stripe)) {
            wr_path(shared_found);
            *found = (struct wr_weakref *)entry;
            break;
        }
        if (entry->flags == flags) {
            wr_path(shared_dying);
            registry_unlink(entry, stripe);
        } else if (entry->flags & WEAKREF_PROXY) {
            break; /* the ref comes before the proxy */
        } else {
            at = &entry->next;
        }
    }
    return at;
}

/* Tell whether options break a rule of their comment. */
static bool options_wrong(const wr_weakref_options *o) {
    if (o == NULL || o->size != sizeof *o || (o->flags & ~WR_PROXY) != 0)
        return true;
    if (o->queue != NULL && !queue_is(o->queue))
        return true;
    const wr_type *type = o->type;
    return type != NULL && (type == &wr_weakref_type || type->base != &wr_weakref_type ||
                            type->finalize != NULL || type->queue != NULL || (type->flags & WR_BORROWABLE) ||
                            object_type_wrong(type, sizeof(struct wr_weakref) + sizeof(struct delivery)));
}

/* Tell what is wrong with an object to be weakly referenced: 0, or an errno. */
static int referent_error(const void *obj) {
    if (obj == NULL)
        return EINVAL;
    const struct wr_slot *slot = wr_slot_of(obj);
    if (!weakref_allowed(wr_read(&slot->type)))
        return ENOTSUP;
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: looked at again under the stripe */
    return !word_alive(word) || (word & WR_KILL) ? ESTALE : 0;
}

/* Make a weakref, linked to nothing yet. */
static struct wr_weakref *make(const wr_weakref_options *o, unsigned flags) {
    const wr_type *type = o->type ? o->type : o->flags & WR_PROXY ? &proxy_type : &wr_weakref_type;
    size_t size =
        sizeof(struct wr_weakref) + (o->queue ? sizeof(struct delivery) : 0) + (o->type ? o->type->size : 0);
    /* KILL: it has no weak values itself (S6). REG: the registry has a part in its end. */
    struct wr_weakref *ref = object_new(type, size, WR_DONE | WR_KILL | WR_REG);
    if (ref == NULL)
        return NULL;
    word_open(wr_slot_of(ref)); /* for poppers */
    ref->entry.kind = ENTRY_WEAKREF;
    ref->entry.flags = (uint8_t)flags;
    if (o->queue != NULL)
        weakref_delivery(ref)->queue = wr_retain(o->queue);
    if (o->callback != NULL) {
        ref->entry.call.callback = o->callback;
        wr_store_relaxed(&ref->entry.state, (uint32_t)ENTRY_ARMED); /* relaxed: nobody has it yet */
    }
    return ref;
}

/* Link a weakref to the object in `slot`, unless a shared one like it is there; `made` may be NULL to look
 * only. Returns the weakref that the caller has a reference to now, or NULL; *stale: the object is dead. */
static struct wr_weakref *attach(struct wr_slot *slot, unsigned flags, struct wr_weakref *made, bool *stale) {
    struct lock *stripe = registry_stripe(slot);
    struct wr_weakref *found = NULL;
    lock_take(stripe);
    wr_weak referent = registry_open(slot, stripe);
    *stale = wr_weak_is_null(referent);
    if (!*stale) {
        struct wr_entry **at = place(slot, flags, &found, stripe);
        if (found == NULL && made != NULL) {
            made->entry.referent = referent;
            registry_link(&made->entry, at, stripe);
            found = made;
        }
    }
    lock_give(stripe);
    return found;
}

/* Make or share a weakref; `o` keeps its rules. */
static wr_weakref *create(void *obj, const wr_weakref_options *o) {
    int error = referent_error(obj);
    if (wr_unlikely(error != 0)) {
        errno = error;
        return NULL;
    }
    bool shared = o->callback == NULL && o->arg_destroy == NULL && o->queue == NULL && o->type == NULL;
    unsigned flags = (o->flags & WR_PROXY ? WEAKREF_PROXY : 0) | (shared ? WEAKREF_SHARED : 0) |
                     (o->queue ? WEAKREF_BOUND : 0);
    bool stale = false;
    struct wr_weakref *ref = shared ? attach(wr_slot_of(obj), flags, NULL, &stale) : NULL;
    if (ref != NULL) {
        check_count("wr_weakref_new", ref);
        return ref;
    }
    struct wr_weakref *made = stale ? NULL : make(o, flags);
    if (made == NULL) {
        errno = stale ? ESTALE : ENOMEM;
        return NULL;
    }
    if (!shared) { /* from here on, and not before, it is found by others */
        made->arg = o->arg;
        made->arg_destroy = o->arg_destroy;
    }
    ref = attach(wr_slot_of(obj), flags, made, &stale);
    if (ref != made) { /* nobody has met it: arg stays the caller's, and its type's destroy is not called */
        made->arg_destroy = NULL;
        wr_write(&wr_slot_of(made)->type, &wr_weakref_type);
        wr_release(made);
        if (stale)
            errno = ESTALE;
    }
    return ref;
}

wr_weakref *wr_weakref_new_ex(void *obj, const wr_weakref_options *o) {
    if (options_wrong(o)) {
        errno = EINVAL;
        return NULL;
    }
    return create(obj, o);
}

wr_weakref *wr_weakref_new(void *obj, wr_callback callback, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    return create(obj, &o);
}

wr_weakref *wr_proxy_new(void *obj, wr_callback callback, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    o.flags = WR_PROXY;
    return create(obj, &o);
}

void *wr_weakref_extra(wr_weakref *ref) {
    if (!weakref_is(ref) || wr_type_of(ref) == &wr_weakref_type || wr_type_of(ref) == &proxy_type)
        return NULL;
    return ref->entry.flags & WEAKREF_BOUND ? (void *)(weakref_delivery(ref) + 1) : (void *)(ref + 1);
}

/* ---- looked at ---- */

int wr_weakref_get(wr_weakref *ref, void **obj) {
    if (obj != NULL)
        *obj = NULL;
    if (obj == NULL || !weakref_is(ref))
        return -EINVAL;
    *obj = wr_weak_get(ref->entry.referent);
    if (*obj == NULL)
        stats_count(STAT_STALE_REFS);
    return *obj != NULL;
}

int wr_weakref_is_dead(wr_weakref *ref) {
    return weakref_is(ref) ? wr_weak_is_dead(ref->entry.referent) : -EINVAL;
}

wr_weak wr_weakref_value(wr_weakref *ref) {
    return weakref_is(ref) ? ref->entry.referent : wr_weak_from_u64(0);
}

bool wr_weakref_check(const void *obj) {
    return weakref_is(obj);
}

bool wr_weakref_check_ref(const void *obj) {
    return weakref_is(obj) && !(((const struct wr_weakref *)obj)->entry.flags & WEAKREF_PROXY);
}

bool wr_weakref_check_ref_exact(const void *obj) {
    return weakref_is(obj) && wr_type_of(obj) == &wr_weakref_type;
}

bool wr_weakref_check_proxy(const void *obj) {
    return weakref_is(obj) && (((const struct wr_weakref *)obj)->entry.flags & WEAKREF_PROXY);
}

/* Write up to `cap` weakrefs of an object to `out`, each with a reference. Returns how many there are. */
static size_t list(const void *obj, wr_weakref **out, size_t cap) {
    size_t count = 0;
    if (obj == NULL || weakref_is(obj))
        return 0;
    struct wr_slot *slot = wr_slot_of(obj);
    if (!(wr_load_relaxed(&slot->word) &
          WR_REG)) /* relaxed: who made one before this call is seen, or not ordered */
        return 0;
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    for (struct wr_entry *entry = slot->list.head; entry != NULL; entry = entry->next) {
        if (entry->kind != ENTRY_WEAKREF)
            continue;
        if (count < cap) {
            if (!registry_adopt(entry, stripe))
                continue;
            out[count] = (struct wr_weakref *)entry;
        } else if (!word_alive(
                       wr_load_relaxed(&wr_slot_of(entry)->word))) { /* relaxed: a count of the moment */
            continue;
        }
        count++;
    }
    lock_give(stripe);
    for (size_t i = 0; i < count && i < cap; i++)
        check_count("wr_weakref_list", out[i]);
    return count;
}

size_t wr_weakref_list(void *obj, wr_weakref **out, size_t cap) {
    return list(obj, out, out ? cap : 0);
}

size_t wr_weakref_count(const void *obj) {
    return list(obj, NULL, 0);
}

/* ---- callbacks ---- */

wr_callback wr_weakref_callback(wr_weakref *ref) {
    if (!weakref_is(ref))
        return NULL;
    struct lock *stripe = registry_stripe_of(&ref->entry);
    lock_take(stripe);
    /* relaxed: guarded by the stripe */
    wr_callback callback =
        wr_load_relaxed(&ref->entry.state) == ENTRY_ARMED ? ref->entry.call.callback : NULL;
    lock_give(stripe);
    return wr_weak_is_dead(ref->entry.referent) ? NULL : callback;
}

int wr_weakref_cancel_timed(wr_weakref *ref, int64_t timeout_ms) {
    if (!weakref_is(ref))
        return -EINVAL;
    int64_t deadline = os_deadline(timeout_ms);
    struct wr_entry *entry = &ref->entry;
    struct lock *stripe = registry_stripe_of(entry);
    struct user_code section;
    struct thread *thread =
        user_code_enter(&section); /* for the argument's destructor, and to know ourselves */
    int result = 0;
    lock_take(stripe);
    switch (wr_load_relaxed(&entry->state)) { /* relaxed: guarded by the stripe */
    case ENTRY_ARMED:
    case ENTRY_QUEUED: {
        wr_path(cancel_won);
        struct call call = call_take(entry, thread, stripe);
        lock_give(stripe);
        call_drop(call);
        result = 1;
        break;
    }
    case ENTRY_RUNNING:
    case ENTRY_AWAITED:
        if (entry->call.runner == thread)
            lock_give(stripe); /* from inside */
        else if (!call_wait(entry, deadline, stripe))
            result = -ETIMEDOUT;
        wr_path(cancel_met);
        break;
    default:
        /* order: acquire [RAN], with the end of the run: cancel was too late, and what the callback did is seen. */
        (void)wr_load_acquire(&entry->state);
        wr_path(cancel_late);
        lock_give(stripe);
    }
    user_code_leave(&section);
    return result;
}

int wr_weakref_cancel(wr_weakref *ref) {
    return wr_weakref_cancel_timed(ref, -1);
}
