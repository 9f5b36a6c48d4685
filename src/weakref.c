/* SPDX-License-Identifier: MIT */
/* Weakref objects: made, shared, looked at, cancelled. */
#include "weakref.h"

#include "callback.h"
#include "death.h"
#include "object.h"
#include "os.h"

const wr_type wr_weakref_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "weakref", .size = sizeof(struct wr_weakref)};
static const wr_type proxy_type = {.abi = WR_TYPE_ABI,
                                   .flags = WR_NO_WEAKREF,
                                   .name = "weakproxy",
                                   .size = sizeof(struct wr_weakref),
                                   .base = &wr_weakref_type};

/* ---- made ---- */

/* Take a reference to a weakref that is linked, under the stripe. Returns false: it is dying. */
static bool adopt(struct wr_weakref *ref) {
    /* order: acquire [GET], as in wr_weak_get. While it is linked the slot is this weakref's. */
    return word_alive(wr_add_acquire(&wr_slot_of(ref)->word, WR_ONE));
}

/* Find the place in an open object's list where a weakref with these flags belongs (S4): shared ref, shared
 * proxy, then the others, newest first. Shared ones that are dying are taken off on the way (S5), so that there
 * never are more than two. Sets *found, with a reference, when `flags` is of a shared one that is there
 * already. */
static struct wr_entry **place(struct wr_slot *slot, unsigned flags, struct wr_weakref **found,
                               struct lock *stripe) REQUIRES(*stripe) {
    struct wr_entry **at = &slot->list.head;
    struct wr_weakref *ref;
    *found = NULL;
    while ((ref = (struct wr_weakref *)*at) != NULL && (ref->flags & WEAKREF_SHARED)) {
        if (flags == WEAKREF_SHARED && (ref->flags & WEAKREF_PROXY))
            break; /* a ref comes before the proxy */
        if (flags == ref->flags) {
            if (adopt(ref)) {
                *found = ref;
                break;
            }
            registry_unlink(&ref->entry, stripe);
        } else {
            at = &ref->entry.next;
        }
    }
    return at;
}

/* Tell what is wrong with the options: 0, or an errno. */
static int options_error(const wr_weakref_options *o) {
    if (o == NULL || o->size != sizeof *o || (o->flags & ~WR_PROXY) != 0)
        return EINVAL;
    if (o->type != NULL &&
        (o->type->base != &wr_weakref_type || o->type->finalize != NULL || (o->type->flags & WR_BORROWABLE) ||
         object_type_error(o->type, sizeof(struct wr_weakref)) == EINVAL))
        return EINVAL;
    return o->queue != NULL || (o->type != NULL && o->type->queue != NULL) ? ENOTSUP : 0;
}

/* Tell what is wrong with an object to be weakly referenced: 0, or an errno. */
static int referent_error(const void *obj) {
    if (obj == NULL)
        return EINVAL;
    const struct wr_slot *slot = wr_slot_of(obj);
    if ((wr_read(&slot->type)->flags & WR_NO_WEAKREF) || weakref_is(obj))
        return ENOTSUP;
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: looked at again under the stripe */
    return !word_alive(word) || (word & WR_KILL) ? ESTALE : 0;
}

/* Make a weakref, linked to nothing yet. */
static struct wr_weakref *make(const wr_weakref_options *o, unsigned flags) {
    const wr_type *type = o->type ? o->type : o->flags & WR_PROXY ? &proxy_type : &wr_weakref_type;
    size_t size = sizeof(struct wr_weakref) + (o->type ? o->type->size : 0);
    /* KILL: it has no weak values itself (S6). REG: the registry ends it. */
    struct wr_weakref *ref = object_new(type, size, WR_DONE | WR_KILL | WR_REG);
    if (ref == NULL)
        return NULL;
    wr_mint(wr_slot_of(ref)); /* poppers add to its word (rule 9) */
    ref->who.callback = o->callback;
    ref->flags = (uint16_t)flags;
    wr_store_relaxed(&ref->state,
                     (uint32_t)(o->callback ? WEAKREF_ARMED : WEAKREF_IDLE)); /* relaxed: nobody has it */
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

wr_weakref *wr_weakref_new_ex(void *obj, const wr_weakref_options *o) {
    int error = options_error(o);
    if (error == 0)
        error = referent_error(obj);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    bool shared = o->callback == NULL && o->arg_destroy == NULL && o->type == NULL;
    unsigned flags = (o->flags & WR_PROXY ? WEAKREF_PROXY : 0) | (shared ? WEAKREF_SHARED : 0);
    bool stale = false;
    struct wr_weakref *ref = shared ? attach(wr_slot_of(obj), flags, NULL, &stale) : NULL;
    if (ref != NULL)
        return ref;
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
    if (ref != made) {
        made->arg_destroy = NULL; /* arg stays the caller's */
        wr_release(made);
        if (stale)
            errno = ESTALE;
    }
    return ref;
}

wr_weakref *wr_weakref_new(void *obj, wr_callback callback, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    return wr_weakref_new_ex(obj, &o);
}

wr_weakref *wr_proxy_new(void *obj, wr_callback callback, void *arg) {
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = callback;
    o.arg = arg;
    o.flags = WR_PROXY;
    return wr_weakref_new_ex(obj, &o);
}

void *wr_weakref_extra(wr_weakref *ref) {
    if (!weakref_is(ref) || wr_type_of(ref) == &wr_weakref_type || wr_type_of(ref) == &proxy_type)
        return NULL;
    return ref + 1;
}

/* ---- looked at ---- */

int wr_weakref_get(wr_weakref *ref, void **obj) {
    if (obj != NULL)
        *obj = NULL;
    if (obj == NULL || !weakref_is(ref))
        return -EINVAL;
    *obj = wr_weak_get(ref->entry.referent);
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
    return weakref_is(obj) && !(((const struct wr_weakref *)obj)->flags & WEAKREF_PROXY);
}

bool wr_weakref_check_ref_exact(const void *obj) {
    return weakref_is(obj) && wr_type_of(obj) == &wr_weakref_type;
}

bool wr_weakref_check_proxy(const void *obj) {
    return weakref_is(obj) && (((const struct wr_weakref *)obj)->flags & WEAKREF_PROXY);
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
        struct wr_weakref *ref = (struct wr_weakref *)entry;
        if (count < cap) {
            if (!adopt(ref))
                continue;
            out[count] = ref;
        } else if (!word_alive(
                       wr_load_relaxed(&wr_slot_of(ref)->word))) { /* relaxed: a count of the moment */
            continue;
        }
        count++;
    }
    lock_give(stripe);
    return count;
}

size_t wr_weakref_list(void *obj, wr_weakref **out, size_t cap) {
    return list(obj, out, out ? cap : 0);
}

size_t wr_weakref_count(const void *obj) {
    return list(obj, NULL, 0);
}

/* ---- callbacks ---- */

static struct lock *stripe_of(const struct wr_weakref *ref) {
    return registry_stripe(wr_slot_at((uint32_t)(ref->entry.referent.bits >> 32)));
}

wr_callback wr_weakref_callback(wr_weakref *ref) {
    if (!weakref_is(ref))
        return NULL;
    struct lock *stripe = stripe_of(ref);
    lock_take(stripe);
    /* relaxed: guarded by the stripe */
    wr_callback callback = wr_load_relaxed(&ref->state) == WEAKREF_ARMED ? ref->who.callback : NULL;
    lock_give(stripe);
    return wr_weak_is_dead(ref->entry.referent) ? NULL : callback;
}

int wr_weakref_cancel_timed(wr_weakref *ref, int64_t timeout_ms) {
    if (!weakref_is(ref))
        return -EINVAL;
    int64_t deadline = os_deadline(timeout_ms);
    struct lock *stripe = stripe_of(ref);
    struct user_code section;
    struct thread *thread =
        user_code_enter(&section); /* for the argument's destructor, and to know ourselves */
    int result = 0;
    lock_take(stripe);
    switch (wr_load_relaxed(&ref->state)) { /* relaxed: guarded by the stripe */
    case WEAKREF_ARMED:
        (void)callback_take(ref, thread, stripe);
        lock_give(stripe);
        callback_run(ref, NULL);
        result = 1;
        break;
    case WEAKREF_RUNNING:
    case WEAKREF_AWAITED:
        if (ref->who.runner == thread)
            lock_give(stripe); /* from inside */
        else if (!callback_wait(ref, deadline, stripe))
            result = -ETIMEDOUT;
        break;
    default:
        /* order: acquire [RAN], with the end of the run: cancel was too late, and what the callback did is
         *        seen. */
        (void)wr_load_acquire(&ref->state);
        lock_give(stripe);
    }
    user_code_leave(&section);
    return result;
}

int wr_weakref_cancel(wr_weakref *ref) {
    return wr_weakref_cancel_timed(ref, -1);
}
