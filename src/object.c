/* SPDX-License-Identifier: MIT */
/* Objects: birth, and the plain versions of the hot path. */
#define WR_INLINE WR_API
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annex.h"
#include "death.h"
#include "poison.h"

bool object_type_wrong(const wr_type *type, size_t extra) {
    return type == NULL || type->abi != WR_TYPE_ABI ||
           (type->flags & ~(WR_NO_WEAKREF | WR_BORROWABLE | WR_LISTED)) != 0 || type->align > WR_MAX_ALIGN ||
           (type->align & (type->align - 1)) != 0 || type->size > WR_MAX_SIZE ||
           extra > WR_MAX_SIZE - type->size;
}

/* Find a slot when the thread's cache has none at hand. */
static struct wr_slot *take_slow(uint32_t class) {
    death_of_orphans();
    struct thread temporary;
    struct thread *thread = thread_attach(&temporary);
    struct wr_slot *slot = thread_take_slow(thread, class);
    if (thread == &temporary)
        thread_detach(thread);
    return slot;
}

/* Zero a payload: small ones in whole granules, which slots are made of, without a call. */
static void zero_payload(char *payload, size_t size) {
    if (size > 4 * WR_GRANULE || poison_is_exact()) {
        memset(payload, 0, size);
        return;
    }
    memset(payload, 0, WR_GRANULE);
    if (size > WR_GRANULE)
        memset(payload + WR_GRANULE, 0, WR_GRANULE);
    if (size > 2 * WR_GRANULE)
        memset(payload + 2 * WR_GRANULE, 0, WR_GRANULE);
    if (size > 3 * WR_GRANULE)
        memset(payload + 3 * WR_GRANULE, 0, WR_GRANULE);
}

void *object_new(const wr_type *type, size_t size, uint64_t flags) {
    uint32_t class = class_of_size(size);
    struct wr_slot *slot = thread_take(thread_self(), class);
    if (wr_unlikely(slot == NULL)) {
        slot = take_slow(class);
        if (slot == NULL) {
            errno = ENOMEM;
            return NULL;
        }
    }
    void *payload = wr_payload_of(slot);
    poison_made(payload, size, class_payload(class), wr_read(&slot->type) != NULL);
    zero_payload(payload, size);
    /* order: release [TYPE], with a survey, which looks at what it may not pin: the type's fields are there. */
    wr_store_release(&slot->type, type);
    if (type->flags & WR_LISTED)
        wr_mint(slot);
    wr_write(&slot->list.head, NULL);
    word_publish(slot, flags);
    return payload;
}

/* Make an object whose destroy runs in a queue. */
static void *new_bound(const wr_type *type, size_t size, uint64_t flags) {
    struct annex *annex = annex_new();
    void *obj = annex ? object_new(type, size, flags) : NULL;
    if (obj == NULL) {
        wr_release(annex);
        errno = ENOMEM;
        return NULL;
    }
    annex_bind_new(obj, annex, *type->queue);
    return obj;
}

void *wr_new_flex(const wr_type *type, size_t extra_bytes) {
    if (wr_unlikely(object_type_wrong(type, extra_bytes) || type->base != NULL)) {
        errno = EINVAL;
        return NULL;
    }
    uint64_t flags = (type->finalize ? 0 : WR_DONE) | (type->flags & WR_BORROWABLE ? WR_BORROW : 0);
    if (wr_unlikely(type->queue != NULL && *type->queue != NULL))
        return new_bound(type, type->size + extra_bytes, flags);
    return object_new(type, type->size + extra_bytes, flags);
}

void *wr_new(const wr_type *type) {
    return wr_new_flex(type, 0);
}

const wr_type *wr_type_of(const void *obj) {
    return obj ? wr_read(&wr_slot_of(obj)->type) : NULL;
}

uint32_t wr_refcount(const void *obj) {
    uint64_t word = obj ? wr_load_relaxed(&wr_slot_of(obj)->word) : 0; /* relaxed: a snapshot */
    return word_alive(word) ? word_count(word) : 0;
}

size_t wr_trim(void) {
    death_of_orphans();
    struct thread *thread = thread_self();
    if (thread_is_real(thread))
        thread_flush(thread);
    return arena_trim();
}

uint32_t wr_version(void) {
    return WR_VERSION;
}

void wr_layout_require(uint32_t layout) {
    if (layout != wr_arena.layout)
        fatal("weakrt: this program was built with a weakrt_inline.h of layout %u, the library has layout "
              "%u: build "
              "the program again with the header of the library",
              (unsigned)layout, (unsigned)wr_arena.layout);
}
