/* SPDX-License-Identifier: MIT */
/*
 * Where slots come from: one reserved range, cut into chunks of 2 MiB, each for slots of one size class for
 * ever. Free slots that no thread has in its cache wait in the depot, a stack of batches for each class under
 * that class's lock.
 */
#ifndef WR_ARENA_H
#define WR_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "word.h"

/* ---- size classes: payload bytes rounded up; by 32 up to 256, then four to a doubling, up to WR_MAX_SIZE ---- */

#define OBJECT_CLASSES 40u

static inline uint32_t class_of_size(size_t size) {
    if (size <= 256)
        return size == 0 ? 0 : (uint32_t)(size - 1) / 32;
    uint32_t last = (uint32_t)size - 1;
    uint32_t log = 31 - (uint32_t)__builtin_clz(last);
    return 8 + (log - 8) * 4 + (last >> (log - 2)) - 4;
}

/* ---- steady classes: slots that never hold anything but entries of steady tables, or buckets of those, so that these
 * may be looked at by who does not own them (seqcount.h); and those for the buckets of all other tables. Nobody is told
 * of their lives (poison.h), and nothing clears them. ---- */

#define STEADY_ENTRY OBJECT_CLASSES /* the first of as many as there are sizes by 32 */
#define STEADY_PIECE (STEADY_ENTRY + 8u)
#define STEADY_SEGMENT (STEADY_ENTRY + 9u)
#define OTHER_PIECE (STEADY_ENTRY + 10u)
#define OTHER_SEGMENT (STEADY_ENTRY + 11u)
#define CLASS_COUNT (STEADY_ENTRY + 12u)

/* What a slot of the last ones holds: buckets of 64 bytes each (bucket.h), behind a granule that makes up for its
 * header, so that they are on lines of their own. */
#define PIECE_BYTES (WR_GRANULE + 8u * 64u)
#define SEGMENT_BYTES (WR_GRANULE + 64u * 64u)

/* Return the class of an entry of a steady table. */
#define ENTRY_MAX 256u
static inline uint32_t class_of_entry(size_t size) {
    return STEADY_ENTRY + class_of_size(size);
}

/* Tell whether slots of a class are not for objects of all kinds. */
static inline bool class_is_special(uint32_t class) {
    return class >= OBJECT_CLASSES;
}

/* Bytes of payload in a slot of a class. */
static inline uint32_t class_payload(uint32_t class) {
    if (class >= STEADY_PIECE)
        return class == STEADY_PIECE || class == OTHER_PIECE ? PIECE_BYTES : SEGMENT_BYTES;
    if (class >= STEADY_ENTRY)
        class -= STEADY_ENTRY;
    if (class < 8)
        return 32 * (class + 1);
    return (5 + (class & 3)) << (6 + (class - 8) / 4);
}

/* Slots that move between a thread's cache and the depot at once: many enough that the lock does not matter,
 * few enough that a cache holds about 128 KiB of a class at the most. */
#ifndef WR_BATCH_SLOTS /* a build with tiny caches has few */
#define WR_BATCH_SLOTS 64u
#endif
static inline uint32_t class_batch(uint32_t class) {
    uint32_t fit = 65536 / (class_payload(class) + WR_GRANULE);
    return fit > WR_BATCH_SLOTS ? WR_BATCH_SLOTS : fit < 1 ? 1 : fit;
}

/* ---- chunks ---- */

#ifndef WR_CHUNK_BYTES /* a model has few slots */
#define WR_CHUNK_BYTES (UINT32_C(2) << 20)
#endif
#define CHUNK_BYTES WR_CHUNK_BYTES /* a huge page, so that large populations can be served by them */
#define CHUNK_GRANULES (CHUNK_BYTES / WR_GRANULE)

/* How much to reserve at the most: what 32-bit indices reach. 32-bit machines, emulators: less. */
#ifndef WR_RESERVE_CHUNKS
#define WR_RESERVE_CHUNKS (UINTPTR_MAX > UINT32_MAX ? 65535u : 512u)
#endif

/* The class of each chunk, in a table of its own, close together for whoever frees slots. Each is constant once the
 * range has grown over the chunk. */
extern uint8_t arena_classes[WR_RESERVE_CHUNKS];

/* Reserve the range, if that was not done, so that addresses of slots may be computed by whoever comes after this, also
 * ahead of a test whether there is any, as compilers do. Returns whether it is there. */
bool arena_start(void);

/* Return the class of the slot. */
static inline uint32_t arena_class(const struct wr_slot *slot) {
    return wr_read(&arena_classes[wr_index_of(slot) / CHUNK_GRANULES]);
}

/* ---- the depot ---- */

/* Take a batch of free slots, linked, of at most class_batch. Returns the first and how many, or NULL: no
 * memory. */
struct wr_slot *arena_take(uint32_t class, uint32_t *count);

/* Give a batch of `count` free slots linked from `first` back. */
void arena_give(uint32_t class, struct wr_slot *first, uint32_t count);

/* Tell whether `obj` is where the payload of some slot starts. */
bool arena_is_slot(const void *obj);

/* Return the first slot behind `slot` in the order of addresses, used or not; NULL: there is none. With NULL, the very
 * first. For walks over all objects. */
struct wr_slot *arena_next(const struct wr_slot *slot);

/* What the arena has of memory, in bytes. */
struct arena_use {
    uint64_t committed; /* in chunks */
    uint64_t used; /* of these, slots made since their chunk was new or given back: what may be resident */
};
struct arena_use arena_use(void);

/* Give chunks whose slots are all in the depot back to the system. Returns how many bytes. */
size_t arena_trim(void);

/* Take and give back every lock of the arena, for fork. */
void arena_lock_all(void);
void arena_unlock_all(void);

#endif /* WR_ARENA_H */
