/* SPDX-License-Identifier: MIT */
/* Objects: birth, and the plain versions of the hot path. */
#define WR_INLINE WR_API
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annex.h"
#include "death.h"
#include "fatal.h"
#include "poison.h"

bool object_type_wrong(const wr_type *type, size_t extra) {
    return type == NULL || type->abi != WR_TYPE_ABI ||
           (type->flags & ~(WR_NO_WEAKREF | WR_BORROWABLE | WR_LISTED)) != 0 || type->align > WR_MAX_ALIGN ||
           (type->align & (type->align - 1)) != 0 || type->size > WR_MAX_SIZE ||
           extra > WR_MAX_SIZE - type->size;
}

static __attribute__((noinline, cold)) void *refuse(int error) {
    errno = error;
    return NULL;
}

struct wr_slot *object_slot_slow(uint32_t class) {
    int saved = errno;
    death_of_orphans();
    struct thread temporary;
    struct thread *thread = thread_attach(&temporary);
    struct wr_slot *slot = thread_take_slow(thread, class);
    if (thread == &temporary)
        thread_detach(thread);
    errno = saved;
    return slot;
}

/* Make an object as object_new does, in `slot` if the thread's cache had one. */
static __attribute__((noinline)) void *new_slow(const wr_type *type, size_t size, uint64_t flags,
                                                struct wr_slot *slot) {
    uint32_t class = class_of_size(poison_padded(size));
    if (slot != NULL && arena_class(slot) != class) {
        cache_push(&thread_self()->cache[arena_class(slot)], slot);
        slot = NULL;
    }
    if (slot == NULL)
        slot = object_slot_slow(class);
    if (slot == NULL)
        return refuse(ENOMEM);
    void *payload = wr_payload_of(slot);
    poison_made(payload, size, class_payload(class), wr_read(&slot->type) != NULL);
    memset(payload, 0, size);
    return object_born(slot, type, flags);
}

void *object_new(const wr_type *type, size_t size, uint64_t flags) {
    struct wr_slot *slot = thread_take(thread_self(), class_of_size(size));
    if (wr_unlikely(slot == NULL || size > 4 * WR_GRANULE || poison_watches()))
        return new_slow(type, size, flags, slot);
    /* Without a call, in whole granules, which slots are made of. */
    char *payload = wr_payload_of(slot);
    memset(payload, 0, WR_GRANULE);
    if (size > WR_GRANULE)
        memset(payload + WR_GRANULE, 0, WR_GRANULE);
    if (size > 2 * WR_GRANULE)
        memset(payload + 2 * WR_GRANULE, 0, WR_GRANULE);
    if (size > 3 * WR_GRANULE)
        memset(payload + 3 * WR_GRANULE, 0, WR_GRANULE);
    return object_born(slot, type, flags);
}

/* Make an object whose destroy runs in a queue. */
static __attribute__((noinline)) void *new_bound(const wr_type *type, size_t size, uint64_t flags) {
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
    if (wr_unlikely(object_type_wrong(type, extra_bytes) || type->base != NULL))
        return refuse(EINVAL);
    uint64_t flags = (type->finalize ? 0 : WR_DONE) | (type->flags & WR_BORROWABLE ? WR_BORROW : 0);
    if (wr_unlikely(type->queue != NULL && *type->queue != NULL))
        return new_bound(type, type->size + extra_bytes, flags);
    return object_new(type, type->size + extra_bytes, flags);
}

void *wr_new(const wr_type *type) {
    return wr_new_flex(type, 0);
}

void object_release_two(void *obj) {
    struct wr_slot *slot = wr_slot_of(obj);
    /* order: acquire [SOLE], as in wr_release. */
    uint64_t word = wr_load_acquire(&slot->word);
    uint32_t below = wr_load_relaxed(&slot->below);
    bool last = word_count(word) == 2;
    if (last && (word & WR_DONE) && below == 0) {
        wr_sole_released(slot, word - WR_ONE);
    } else if (!last || (below & 1) != 0 || !wr_lone_released(slot, word)) {
        wr_release(obj);
        wr_release(obj);
    }
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
