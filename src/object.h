/* SPDX-License-Identifier: MIT */
/* Birth of objects, for the library's own kinds of them. */
#ifndef WR_OBJECT_H
#define WR_OBJECT_H

#include "thread.h"
#include "word.h"

/* Tell whether a type, with that many bytes more of payload, breaks a rule of wr_type's comment. */
bool object_type_wrong(const wr_type *type, size_t extra);

/* Make an object of a right type with `size` bytes of payload and these flags in its word (WR_ONE among them:
 * one reference more). Returns NULL, errno ENOMEM. */
void *object_new(const wr_type *type, size_t size, uint64_t flags);

/* ---- the same in two steps, for who makes what others may look at before it is an object ---- */

/* Take a free slot of a class, as it was left. Returns NULL: no memory. errno is kept. */
struct wr_slot *object_slot_slow(uint32_t class);
static inline struct wr_slot *object_slot(uint32_t class) {
    struct wr_slot *slot = thread_take(thread_self(), class);
    return wr_likely(slot != NULL) ? slot : object_slot_slow(class);
}

/* Give one back in which nothing was born. */
static inline void object_slot_free(struct wr_slot *slot) {
    thread_free(thread_self(), slot, wr_load_relaxed(&slot->word)); /* relaxed: dead, and the caller's */
}

/* Make the object in a slot alive. */
static inline __attribute__((always_inline)) void *object_born(struct wr_slot *slot, const wr_type *type,
                                                               uint64_t flags) {
    /* order: release [TYPE], with a survey, which looks at what it may not pin: the type's fields are there. */
    wr_store_release(&slot->type, type);
    if (type->flags & WR_LISTED)
        wr_mint(slot);
    wr_write(&slot->list.head, NULL);
    word_publish(slot, flags);
    wr_probe2(new, wr_payload_of(slot), type);
    return wr_payload_of(slot);
}

/* Give up two references, in one step if they are the last. */
void object_release_two(void *obj);

#endif /* WR_OBJECT_H */
