/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "lock.h"
#include "os.h"
#include "poison.h"

#define NONE UINT32_MAX

/* A class with this many chunks gets huge pages for the next: 16 MiB are not a small population any more, and
 * less would make small programs pay 2 MiB for a few objects. */
#define CHUNKS_BEFORE_HUGE 8u

/* A chunk with a tag above this is not trimmed: all its slots would go on from there, and age with the oldest. */
#define FLOOR_WORN (UINT32_C(1) << 31)

/* Tests start tags near their end. Even. */
#ifndef WR_TAG_START
#define WR_TAG_START 0u
#endif

struct wr_arena wr_arena = {NULL, 0, WR_LAYOUT};

uint8_t arena_classes[WR_RESERVE_CHUNKS];

/* What else is known of a chunk outside its pages. Guarded by the class's lock. */
struct chunk {
    uint32_t carved; /* slots made so far since the chunk was blank */
    uint32_t floor;  /* tag that its slots start at: no tag below it will ever be alive here again; even */
    bool minted;   /* some slot had a weak value once, so that strangers may add to any word here (rule 9) */
    uint32_t free; /* arena_trim: its slots found in the depot */
    uint32_t next; /* in its class's list of blank chunks */
};
static struct chunk chunks[WR_RESERVE_CHUNKS];

static struct depot {
    struct lock lock;
    uint32_t batches; /* index of the first slot of the first batch; 0: none */
    uint32_t carving; /* chunk that new slots are made in; NONE */
    uint32_t blank;   /* chunks without a slot in use; NONE */
    bool ready;       /* the two above are set */
} __attribute__((aligned(128))) depots[CLASS_COUNT];

static struct lock growth;
static size_t reserved GUARDED_BY(growth); /* chunks in the reserve; 0: not made yet */
static uint32_t grown GUARDED_BY(growth);  /* chunks committed */
static uint32_t class_chunks[CLASS_COUNT] GUARDED_BY(growth);

static uint32_t stride_of(uint32_t class) {
    return class_payload(class) + WR_GRANULE;
}

static uint32_t slots_in_chunk(uint32_t class) {
    return CHUNK_BYTES / stride_of(class);
}

/* Slot 0 of the range is never used, so that the all-zero weak value is null. */
static uint32_t first_slot(uint32_t chunk) {
    return chunk == 0 ? 1 : 0;
}

static uint32_t class_of_chunk(uint32_t chunk) {
    return wr_read(&arena_classes[chunk]);
}

static struct wr_slot *slot_in_chunk(uint32_t chunk, uint32_t number) {
    return wr_slot_at(chunk * CHUNK_GRANULES + number * (stride_of(class_of_chunk(chunk)) / WR_GRANULE));
}

/* Reserve the range, unless it is there. Returns whether it is. */
static bool reserve(void) REQUIRES(growth) {
    if (reserved == 0) {
        size_t size = (size_t)WR_RESERVE_CHUNKS * CHUNK_BYTES;
        wr_write(&wr_arena.base, os_reserve(&size, CHUNK_BYTES, CHUNK_BYTES));
        if (wr_arena.base != NULL) {
            reserved = size / CHUNK_BYTES;
            poison_start(wr_arena.base, size);
        }
    }
    return reserved != 0;
}

bool arena_start(void) {
    lock_take(&growth);
    bool there = reserve();
    lock_give(&growth);
    return there;
}

/* Commit one more chunk, for `class`. Returns its number, or NONE: no memory. */
static uint32_t grow(uint32_t class) {
    uint32_t chunk = NONE;
    lock_take(&growth);
    if (reserve() && grown < reserved &&
        os_commit(wr_arena.base + (size_t)grown * CHUNK_BYTES, CHUNK_BYTES)) {
        wr_path(grow);
        chunk = grown++;
        if (class_chunks[class]++ >= CHUNKS_BEFORE_HUGE)
            os_prefer_huge(wr_arena.base + (size_t)chunk * CHUNK_BYTES, CHUNK_BYTES);
        chunks[chunk] = (struct chunk){.carved = first_slot(chunk), .floor = WR_TAG_START, .next = NONE};
        wr_write(&arena_classes[chunk], (uint8_t) class);
        /* order: release [GROW], with the acquire in wr_weak_slot: base, pages and class are there. */
        wr_store_release(&wr_arena.end, grown * CHUNK_GRANULES);
    }
    lock_give(&growth);
    return chunk;
}

/* ---- batches ---- */

static void push_batch(struct depot *depot, struct wr_slot *first, uint32_t count) REQUIRES(depot->lock) {
    wr_write(&first->list.batch, (uint64_t)depot->batches << 32 | count);
    depot->batches = wr_index_of(first);
}

static struct wr_slot *pop_batch(struct depot *depot, uint32_t *count) REQUIRES(depot->lock) {
    if (depot->batches == 0)
        return NULL;
    struct wr_slot *first = wr_slot_at(depot->batches);
    uint64_t batch = wr_read(&first->list.batch);
    depot->batches = (uint32_t)(batch >> 32);
    *count = (uint32_t)batch;
    return first;
}

/* Take the numbers of up to a batch of slots never used since their chunk was blank. Returns how many. */
static uint32_t claim_numbers(struct depot *depot, uint32_t class, uint32_t *from) REQUIRES(depot->lock) {
    if (!depot->ready) {
        depot->carving = depot->blank = NONE;
        depot->ready = true;
    }
    if (depot->carving == NONE || chunks[depot->carving].carved == slots_in_chunk(class)) {
        if (depot->blank == NONE)
            return 0;
        wr_path(carve_next);
        depot->carving = depot->blank;
        depot->blank = chunks[depot->blank].next;
    }
    struct chunk *chunk = &chunks[depot->carving];
    uint32_t left = slots_in_chunk(class) - chunk->carved;
    uint32_t count = left < class_batch(class) ? left : class_batch(class);
    *from = chunk->carved;
    chunk->carved += count;
    return count;
}

/* Make `count` slots of a chunk from number `from` on, which is fresh memory or was given back and reads as
 * zero. */
static struct wr_slot *make_slots(uint32_t chunk, uint32_t from, uint32_t count, uint32_t floor,
                                  bool minted) {
    uint32_t next = 0;
    if (floor != 0)
        wr_path(carve_floor);
    for (uint32_t number = from + count; number-- > from;) {
        struct wr_slot *slot = slot_in_chunk(chunk, number);
        if (floor != 0) {
            /* relaxed: strangers with an old weak value may add to the word before, between and after these;
             * whatever they find is even, or dead by `below`. publish is the release that shows the slot to
             * anybody else. */
            wr_store_relaxed(&slot->word, (uint64_t)floor);
            if (minted)
                wr_store_relaxed(&slot->below, floor);
        }
        wr_write(&slot->link, next);
        next = wr_index_of(slot);
    }
    return wr_slot_at(next);
}

struct wr_slot *arena_take(uint32_t class, uint32_t *count) {
    struct depot *depot = &depots[class];
    for (;;) {
        uint32_t from = 0;
        lock_take(&depot->lock);
        struct wr_slot *first = pop_batch(depot, count);
        uint32_t claimed = first ? 0 : claim_numbers(depot, class, &from);
        uint32_t chunk = depot->carving;
        uint32_t floor = claimed ? chunks[chunk].floor : 0;
        bool minted = claimed && chunks[chunk].minted;
        lock_give(&depot->lock);
        if (first != NULL) {
            wr_path(depot_batch);
            return first;
        }
        if (claimed != 0) {
            wr_path(carve);
            *count = claimed;
            return make_slots(chunk, from, claimed, floor, minted);
        }
        chunk = grow(class);
        if (chunk == NONE)
            return NULL;
        lock_take(&depot->lock);
        chunks[chunk].next = depot->blank;
        depot->blank = chunk;
        lock_give(&depot->lock);
    }
}

void arena_give(uint32_t class, struct wr_slot *first, uint32_t count) {
    struct depot *depot = &depots[class];
    lock_take(&depot->lock);
    push_batch(depot, first, count);
    lock_give(&depot->lock);
}

/* ---- slots ---- */

bool arena_is_slot(const void *obj) {
    /* order: acquire [GROW], as in wr_weak_slot. */
    uint32_t end = wr_load_acquire(&wr_arena.end);
    uintptr_t offset = (uintptr_t)wr_slot_of(obj) - (uintptr_t)wr_arena.base;
    if (offset % WR_GRANULE != 0 || offset / WR_GRANULE >= end || offset == 0)
        return false;
    uint32_t class = class_of_chunk(offset / CHUNK_BYTES);
    uintptr_t within = offset % CHUNK_BYTES;
    return within % stride_of(class) == 0 && within / stride_of(class) < slots_in_chunk(class);
}

struct wr_slot *arena_next(const struct wr_slot *slot) {
    /* order: acquire [GROW], as in wr_weak_slot. */
    uint32_t end = wr_load_acquire(&wr_arena.end);
    uint32_t chunk = slot ? wr_index_of(slot) / CHUNK_GRANULES : 0;
    if (chunk * CHUNK_GRANULES >= end)
        return NULL;
    uint32_t stride = stride_of(class_of_chunk(chunk)) / WR_GRANULE;
    uint32_t number = slot ? wr_index_of(slot) % CHUNK_GRANULES / stride + 1 : first_slot(0);
    if (number < slots_in_chunk(class_of_chunk(chunk)))
        return slot_in_chunk(chunk, number);
    return (chunk + 1) * CHUNK_GRANULES < end ? slot_in_chunk(chunk + 1, 0) : NULL;
}

struct arena_use arena_use(void) {
    /* order: acquire [GROW], as in wr_weak_slot: the classes of all chunks are there. */
    uint32_t chunk_count = wr_load_acquire(&wr_arena.end) / CHUNK_GRANULES;
    struct arena_use use = {.committed = (uint64_t)chunk_count * CHUNK_BYTES};
    for (uint32_t i = 0; i < chunk_count; i++) {
        struct depot *depot = &depots[class_of_chunk(i)];
        lock_take(&depot->lock);
        use.used += (uint64_t)(chunks[i].carved - first_slot(i)) * stride_of(class_of_chunk(i));
        lock_give(&depot->lock);
    }
    return use;
}

/* ---- trim ---- */

/* Tell whether every slot of a chunk is in the depot and may start again; if so, raises its floor and minted. A
 * retired slot is in no list, so that `free` falls short for ever. */
static bool may_blank(uint32_t number) {
    struct chunk *chunk = &chunks[number];
    if (chunk->carved == first_slot(number) || chunk->free != chunk->carved - first_slot(number))
        return false;
    uint32_t floor = chunk->floor;
    bool minted = chunk->minted;
    for (uint32_t i = first_slot(number); i < chunk->carved; i++) {
        struct wr_slot *slot = slot_in_chunk(number, i);
        uint32_t tag =
            word_tag(wr_load_relaxed(&slot->word)); /* relaxed: free and ours; strays do not touch the tag */
        floor = tag > floor ? tag : floor;
        minted |= wr_load_relaxed(&slot->below) != 0;
    }
    if (floor >= FLOOR_WORN)
        return false;
    chunk->floor = floor;
    chunk->minted = minted;
    return true;
}

/* Count each chunk's slots among the class's batches. */
static void count_free(struct depot *depot) REQUIRES(depot->lock) {
    uint32_t index = depot->batches;
    while (index != 0) {
        uint32_t next = (uint32_t)(wr_read(&wr_slot_at(index)->list.batch) >> 32);
        for (; index != 0; index = wr_read(&wr_slot_at(index)->link))
            chunks[index / CHUNK_GRANULES].free++;
        index = next;
    }
}

/* Rebuild the class's batches from those slots whose chunk stays (`free` is 0 for it). */
static void drop_blank(struct depot *depot, uint32_t class) REQUIRES(depot->lock) {
    uint32_t index = depot->batches;
    struct wr_slot *batch = NULL;
    uint32_t count = 0;
    depot->batches = 0;
    while (index != 0) {
        uint32_t next_batch = (uint32_t)(wr_read(&wr_slot_at(index)->list.batch) >> 32);
        while (index != 0) {
            struct wr_slot *slot = wr_slot_at(index);
            uint32_t next = wr_read(&slot->link);
            if (chunks[index / CHUNK_GRANULES].free == 0) {
                wr_write(&slot->link, batch ? wr_index_of(batch) : 0);
                batch = slot;
                if (++count == class_batch(class)) {
                    push_batch(depot, batch, count);
                    batch = NULL;
                    count = 0;
                }
            }
            index = next;
        }
        index = next_batch;
    }
    if (batch != NULL)
        push_batch(depot, batch, count);
}

static size_t trim_class(uint32_t class) {
    struct depot *depot = &depots[class];
    size_t given = 0;
    /* order: acquire [GROW], as in wr_weak_slot: the classes of all chunks are there. */
    uint32_t chunk_count = wr_load_acquire(&wr_arena.end) / CHUNK_GRANULES;
    lock_take(&depot->lock);
    count_free(depot);
    for (uint32_t i = 0; i < chunk_count; i++) /* from here on, free != 0 marks the chunks that go */
        if (class_of_chunk(i) == class && !may_blank(i)) {
            wr_path(trim_stays);
            chunks[i].free = 0;
        }
    drop_blank(depot, class);
    for (uint32_t i = 0; i < chunk_count; i++) {
        if (class_of_chunk(i) != class || chunks[i].free == 0)
            continue;
        chunks[i].free = 0;
        if (os_discard(wr_arena.base + (size_t)i * CHUNK_BYTES, CHUNK_BYTES)) {
            wr_path(trim_given);
            given += CHUNK_BYTES;
            chunks[i].carved = first_slot(i);
            if (depot->carving != i) {
                chunks[i].next = depot->blank;
                depot->blank = i;
            }
        } else { /* locked memory, say: back to the depot with them */
            for (uint32_t n, at = first_slot(i); at < chunks[i].carved; at += n) {
                n = chunks[i].carved - at < class_batch(class) ? chunks[i].carved - at : class_batch(class);
                push_batch(depot, make_slots(i, at, n, chunks[i].floor, chunks[i].minted), n);
            }
        }
    }
    lock_give(&depot->lock);
    return given;
}

size_t arena_trim(void) {
    size_t given = 0;
    for (uint32_t class = 0; class < CLASS_COUNT; class ++)
        given += trim_class(class);
    return given;
}

/* ---- fork ---- */

void arena_lock_all(void) UNCHECKED_LOCKS {
    for (uint32_t class = 0; class < CLASS_COUNT; class ++)
        lock_take(&depots[class].lock);
    lock_take(&growth);
}

void arena_unlock_all(void) UNCHECKED_LOCKS {
    lock_give(&growth);
    for (uint32_t class = CLASS_COUNT; class -- > 0;)
        lock_give(&depots[class].lock);
}
