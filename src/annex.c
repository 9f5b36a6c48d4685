/* SPDX-License-Identifier: MIT */
#include "annex.h"

#include <errno.h>

#include "object.h"
#include "queue.h"
#include "weakref.h"

static void destroy_annex(void *self) {
    wr_release(((struct annex *)self)->queue);
}

static const wr_type annex_type = {.abi = WR_TYPE_ABI,
                                   .flags = WR_NO_WEAKREF,
                                   .name = "annex",
                                   .size = sizeof(struct annex),
                                   .destroy = destroy_annex};

struct annex *annex_new(void) {
    int saved = errno;
    struct annex *annex = object_new(&annex_type, sizeof *annex, WR_DONE);
    errno = saved;
    if (annex != NULL)
        annex->entry.kind = ENTRY_ANNEX;
    return annex;
}

struct annex *annex_find(struct wr_slot *slot, struct lock *stripe) {
    (void)stripe;
    for (struct wr_entry *entry = slot->list.head; entry != NULL && entry->kind >= ENTRY_ANNEX;
         entry = entry->next)
        if (entry->kind == ENTRY_ANNEX)
            return (struct annex *)entry;
    return NULL;
}

struct annex *annex_find_or_link(struct wr_slot *slot, struct annex *made, struct lock *stripe) {
    struct annex *annex = annex_find(slot, stripe);
    if (annex == NULL && made != NULL) {
        registry_link(&made->entry, &slot->list.head, stripe);
        annex = made;
    }
    return annex;
}

bool annex_has_finalizers(struct wr_slot *slot, struct lock *stripe) {
    struct annex *annex = annex_find(slot, stripe);
    return annex != NULL && annex->finalizers != 0;
}

void annex_bind_new(void *obj, struct annex *annex, wr_queue *queue) {
    struct wr_slot *slot = wr_slot_of(obj);
    struct lock *stripe = registry_stripe(slot);
    annex->queue = wr_retain(queue);
    lock_take(stripe);
    (void)wr_or_relaxed(&slot->word, WR_REG); /* relaxed: nobody else knows the object */
    registry_link(&annex->entry, &slot->list.head, stripe);
    lock_give(stripe);
}

int wr_bind(void *obj, wr_queue *queue) {
    if (obj == NULL || !queue_is(queue))
        return -EINVAL;
    struct wr_slot *slot = wr_slot_of(obj);
    if (!weakref_allowed(wr_read(&slot->type)))
        return -ENOTSUP;
    struct annex *made = annex_new();
    if (made == NULL)
        return -ENOMEM;
    struct lock *stripe = registry_stripe(slot);
    struct annex *annex = NULL;
    int result = -ESTALE;
    lock_take(stripe);
    if (!wr_weak_is_null(registry_open(slot, stripe))) {
        annex = annex_find_or_link(slot, made, stripe);
        result = annex->queue != NULL ? -EEXIST : 0;
        if (result == 0)
            annex->queue = wr_retain(queue);
    }
    lock_give(stripe);
    if (annex != made)
        wr_release(made);
    return result;
}
