/* SPDX-License-Identifier: MIT */
/*
 * The hot path of weakrt: the header of an object, its word, and retain, release, weak_of, get, is_dead, borrow
 * and return.
 *
 * Include this in place of weakrt.h and these are inlined into your program, under the same names and with the
 * same contracts. The library compiles its own plain versions from this very file, so that there is one of
 * each. A program built with this header refuses at start-up, with a message, a library whose layout is another
 * one.
 *
 * Names below that weakrt.h does not have are not for use by programs.
 */
#ifndef WEAKRT_INLINE_H
#define WEAKRT_INLINE_H

#include "weakrt.h"

/* atomics: begin */
/* The library brings its own (src/atomic.h), with a hook for tests; programs use the compiler's. */
#ifndef WR_ATOMICS
#define wr_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define wr_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define wr_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define wr_add_relaxed(p, v) __atomic_fetch_add(p, v, __ATOMIC_RELAXED)
#define wr_add_acquire(p, v) __atomic_fetch_add(p, v, __ATOMIC_ACQUIRE)
#define wr_sub_release(p, v) __atomic_fetch_sub(p, v, __ATOMIC_RELEASE)
#define wr_compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define wr_read(p) (*(p))
#endif
/* atomics: end */

/* Counts a path, in the library's builds for stress tests (src/path.h). */
#ifndef wr_path
#define wr_path(name) ((void)0)
#endif

/* Told of a look-up that was refused, in the library (src/probe.h). */
#ifndef wr_stale
#define wr_stale(bits) ((void)0)
#endif

#define wr_likely(x) __builtin_expect(!!(x), 1)
#define wr_unlikely(x) __builtin_expect(!!(x), 0)
#define wr_assume(x) ((x) ? (void)0 : __builtin_unreachable())

/* Inlined under the name of the plain function, which stays what a pointer to it means. One file of the library
 * sets WR_INLINE to have the plain functions defined. */
#define WR_HELPER extern inline __attribute__((gnu_inline, always_inline))
#ifndef WR_INLINE
#define WR_INLINE WR_HELPER
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the slot: 32 bytes before each payload, type-stable, readable and writable for ever (D3) ---- */

#define WR_GRANULE 32u /* bytes; slots start at multiples of it, a weak value counts in it */

struct wr_entry;

struct wr_slot {
    uint64_t word;       /* count, flags, tag: below. Atomic. */
    const wr_type *type; /* Constant from publish to death; stale afterwards, for messages. */
    union {
        struct wr_entry *head; /* Alive: the registry's list. */
        uint64_t
            batch; /* Free, first of a batch in the depot: the next batch and this one's count; by its lock. */
    } list;
    uint32_t
        below; /* Every tag < below is dead; 0: no weak value was ever made; odd: most likely this object has one.
                * Atomic, a hint that may lag. */
    uint32_t link; /* Dead: the next slot of the list it is on. Owned by who owns the list. */
} __attribute__((aligned(32)));

/* The word:  [63..37] strong count | [36] BORROW | [35] DONE | [34] KILL | [33] REG | [32] FIN | [31..0] tag
 * The count is on top, so that stray counts and overflow fall off and never reach the tag. A tag is odd while
 * its incarnation is alive, even when dead, being built, or free. */
#define WR_ONE (UINT64_C(1) << 37)    /* one unit of the count */
#define WR_BORROW (UINT64_C(1) << 36) /* alive, and its death will wait for borrowers */
#define WR_DONE (UINT64_C(1) << 35)   /* no finalize left to run: it has run, or the type has none */
#define WR_KILL (UINT64_C(1) << 34)   /* killed: no weak value of this incarnation will ever be alive again */
#define WR_REG (UINT64_C(1) << 33)    /* the registry has a part in its end; sticky until publish */
#define WR_FIN (UINT64_C(1) << 32)    /* finalize is running, on a unit of the count that the runtime holds */
#define WR_TAG_MASK UINT64_C(0xffffffff)
#define WR_OVERFLOW (UINT64_C(1) << 63) /* a count this far is refused, with 2^26 additions in hand */

/* The one reserved range that all slots are in. Both fields only ever change while it grows. */
struct wr_arena {
    char *base;      /* Set once, before `end` is first above 0. */
    uint32_t end;    /* Index past the last committed granule. Atomic. */
    uint32_t layout; /* WR_LAYOUT of the library. */
};
extern WR_API struct wr_arena wr_arena;
#define WR_LAYOUT 4u /* changes with anything above, and with struct wr_hazard */

/* The slow half, in the library. */
WR_API void wr_give_back(struct wr_slot *slot);
WR_API void wr_last_released(struct wr_slot *slot, uint64_t zero);
WR_API void wr_sole_released(struct wr_slot *slot, uint64_t one);
WR_API bool wr_lone_released(struct wr_slot *slot, uint64_t one);
WR_API void wr_count_misuse(const char *function, const void *obj, uint64_t seen);
WR_API void wr_not_an_object(const char *function, const void *obj);
WR_API void wr_layout_require(uint32_t layout);
WR_API void *wr_hold_slow(void *obj, wr_holder *holder, const char *place);
WR_API void wr_drop_slow(void *obj, wr_holder *holder, const char *place);

extern WR_API uint32_t wr_holders_every; /* one reference in that many is recorded; 0: none. Atomic. */

WR_HELPER struct wr_slot *wr_slot_of(const void *obj) {
    return (struct wr_slot *)((uintptr_t)obj - sizeof(struct wr_slot));
}

WR_HELPER void *wr_payload_of(struct wr_slot *slot) {
    return slot + 1;
}

WR_HELPER struct wr_slot *wr_slot_at(uint32_t index) {
    return (struct wr_slot *)(void *)(wr_read(&wr_arena.base) + (size_t)index * WR_GRANULE);
}

WR_HELPER uint32_t wr_index_of(const struct wr_slot *slot) {
    return (uint32_t)(((uintptr_t)slot - (uintptr_t)wr_arena.base) / WR_GRANULE);
}

/* Tell whether `obj` is where a payload can be: a multiple of the granule, inside the committed range. */
WR_HELPER bool wr_in_arena(const void *obj) {
    uintptr_t offset = (uintptr_t)obj - (uintptr_t)wr_arena.base;
    /* order: relaxed. The caller holds a reference, so whoever made the object showed it the range. */
    return offset % WR_GRANULE == 0 && offset / WR_GRANULE < wr_load_relaxed(&wr_arena.end);
}

/* ---- objects ---- */

WR_INLINE void *wr_retain(void *obj) {
    struct wr_slot *slot = wr_slot_of(obj);
    uint64_t old;
    if (obj == NULL)
        return NULL;
    if (wr_unlikely(!wr_in_arena(obj))) {
        wr_not_an_object("wr_retain", obj);
        return NULL;
    }
    /* order: relaxed. The caller holds a reference already; this one is handed on by the caller's own means. */
    old = wr_add_relaxed(&slot->word, WR_ONE);
    if (wr_unlikely((old & 1) == 0 || old < WR_ONE || old >= WR_OVERFLOW))
        wr_count_misuse("wr_retain", obj, old);
    wr_path(retain);
    return obj;
}

WR_INLINE void wr_release(void *obj) {
    struct wr_slot *slot = wr_slot_of(obj);
    uint64_t old;
    if (obj == NULL)
        return;
    if (wr_unlikely(!wr_in_arena(obj))) {
        wr_not_an_object("wr_release", obj);
        return;
    }
    if ((wr_load_relaxed(&slot->below) & 1) == 0) {
        /* This object has no weak value, as far as this thread knows, so that a holder who sees itself alone most
         * likely is. If none was ever made in this slot, only holders can add to the word, and it may be closed
         * by a plain store; else by one compare-and-exchange.
         * order: acquire [SOLE], with the release below of whoever held one too: if that one made a weak value,
         *        the second look at `below` sees it. */
        old = wr_load_acquire(&slot->word);
        if (wr_unlikely((old & 1) == 0 || old < WR_ONE)) {
            wr_count_misuse("wr_release", obj, old);
            return;
        }
        if (old >= 2 * WR_ONE) {
            wr_path(release_fresh);
        } else if (wr_load_relaxed(&slot->below) == 0) {
            wr_path(release_sole);
            wr_sole_released(slot, old);
            return;
        } else if (wr_lone_released(slot, old)) {
            wr_path(release_lone);
            return;
        } else {
            wr_path(release_minted);
        }
    }
    /* order: release [DROP], with the closing compare-exchange: what this holder wrote is seen by destroy. */
    old = wr_sub_release(&slot->word, WR_ONE);
    if (wr_unlikely((old & 1) == 0 || old < WR_ONE)) {
        wr_count_misuse("wr_release", obj, old);
        return;
    }
    if (old < 2 * WR_ONE) {
        wr_path(release_last);
        wr_last_released(slot, old - WR_ONE);
    } else {
        wr_path(release_some);
    }
}

WR_INLINE void *wr_hold_at(void *obj, wr_holder *holder, const char *place) {
    if (wr_unlikely(wr_load_relaxed(&wr_holders_every) != 0)) /* relaxed: a switch */
        return wr_hold_slow(obj, holder, place);
    holder->bits = 0;
    return wr_retain(obj);
}

WR_INLINE void wr_drop_at(void *obj, wr_holder *holder, const char *place) {
    if (wr_unlikely((holder->bits | wr_load_relaxed(&wr_holders_every)) != 0)) /* relaxed: a switch */
        wr_drop_slow(obj, holder, place);
    else
        wr_release(obj);
}

/* ---- weak values ---- */

/* Note, by a holder, that from now on others may add to the word. */
WR_HELPER void wr_mint(struct wr_slot *slot) {
    uint32_t below = wr_load_relaxed(&slot->below);
    if ((below & 1) == 0) {
        /* order: release [MINT], with the acquire in get: who comes by this slot knows that it may add to the
         *        word, and a store-only death it could meet came before. */
        wr_store_release(&slot->below, below | 1);
    }
}

WR_INLINE wr_weak wr_weak_of(const void *obj) {
    struct wr_slot *slot = wr_slot_of(obj);
    wr_weak weak = {0};
    uint64_t word;
    if (wr_unlikely(obj == NULL || !wr_in_arena(obj)))
        return weak;
    word = wr_load_relaxed(&slot->word); /* relaxed: the caller holds a reference */
    if (wr_unlikely((word & (1 | WR_KILL)) != 1 || (slot->type->flags & WR_NO_WEAKREF) != 0))
        return weak;
    wr_mint(slot);
    weak.bits = (uint64_t)wr_index_of(slot) << 32 | (word & WR_TAG_MASK);
    return weak;
}

/* Return the slot a weak value may still be alive in, or NULL: dead beyond doubt. Writes nothing. */
WR_HELPER struct wr_slot *wr_weak_slot(wr_weak w) {
    uint32_t index = (uint32_t)(w.bits >> 32);
    uint32_t tag = (uint32_t)w.bits;
    struct wr_slot *slot;
    uint32_t below;
    /* order: acquire [GROW], with the release store when the range grows: base and the committed pages are
     *        there. */
    if (wr_unlikely((tag & 1) == 0 || index >= wr_load_acquire(&wr_arena.end))) {
        wr_path(look_invalid);
        return NULL;
    }
    slot = wr_slot_at(index);
    /* order: acquire [BELOW], with the release stores of minting, kill and death: what was written before is
     *        seen by who learns of the death here, and nobody adds to a word that a store-only death may
     *        overwrite. */
    below = wr_load_acquire(&slot->below);
    if (wr_unlikely(below - 1 >= tag)) { /* below == 0 wraps: dead too */
        wr_path(look_below);
        return NULL;
    }
    wr_assume(slot != NULL);
    return slot;
}

WR_INLINE void *wr_weak_get(wr_weak w) {
    struct wr_slot *slot = wr_weak_slot(w);
    uint64_t old;
    if (slot == NULL) {
        wr_stale(w.bits);
        return NULL;
    }
    /* order: acquire [GET], with the release store that published the object: its payload is seen. */
    old = wr_add_acquire(&slot->word, WR_ONE);
    /* What the addition returned decides, never a second look. */
    if (wr_likely((old & (WR_TAG_MASK | WR_FIN)) == (w.bits & WR_TAG_MASK))) {
        if (wr_unlikely(old >= WR_OVERFLOW))
            wr_count_misuse("wr_weak_get", wr_payload_of(slot), old);
        wr_path(get_alive);
        return wr_payload_of(slot);
    }
    /* On a dead word the unit is no reference: the next publish wipes it, undoing it could hit that one. On
     * another incarnation, or one that is being finalized, it is a real reference and has to be given back. */
    if (old & 1) {
        wr_path(get_foreign);
        wr_give_back(slot);
    } else {
        wr_path(get_stray);
    }
    wr_stale(w.bits);
    return NULL;
}

WR_INLINE bool wr_weak_is_dead(wr_weak w) {
    struct wr_slot *slot = wr_weak_slot(w);
    /* order: acquire [SEEN], with the compare-exchange of kill, clear and death: what was written before is
     *        seen. */
    return slot == NULL || ((wr_load_acquire(&slot->word) ^ w.bits) & WR_TAG_MASK) != 0;
}

/* ---- borrow ---- */

/* One borrow that this thread has. Its thread says in `index` what nobody may destroy; who wants to finds it
 * there and leaves the object in `handover`, and this thread's return does the rest of the death (D11). */
struct wr_hazard {
    uint32_t index; /* Slot that is borrowed; 0: none. Atomic; changed by its thread alone. */
    uint32_t unused;
    uint64_t handover; /* A dead object, index << 32 | tag, that has its end here; 0: none. Atomic. */
};
#ifndef WR_HAZARDS         /* a checker takes less */
#define WR_HAZARDS 64u     /* borrows that a thread may have at once without a reference */
#define WR_HAZARDS_NEAR 4u /* of them, those that are looked at here: one cache line */
#endif

/* This thread's hazards, an array of WR_HAZARDS; before its first borrow, and where there is no membarrier, one
 * of which the near ones are always in use, so that the slow half is called. In initial-exec TLS: one load from
 * a fixed offset, without a call, in programs and in libraries loaded with them alike. */
extern WR_API __thread struct wr_hazard *wr_hazards __attribute__((tls_model("initial-exec")));

/* The slow half, in the library. A hazard that is passed was published in vain. */
WR_API void *wr_borrow_slow(wr_weak w, wr_borrowed *b, struct wr_hazard *hazard);
WR_API void *wr_cell_borrow_slow(const wr_cell *c, wr_borrowed *b, struct wr_hazard *hazard);
WR_API void wr_return_slow(wr_borrowed *b);
WR_API void wr_end_handed_over(struct wr_hazard *hazard);

/* wr_borrowed: r[0] is the hazard's address, or one of these; r[1] the weak value of what is or was borrowed,
 * from a cell without its tag. */
#define WR_BORROWED_NULL 0u     /* the borrow gave NULL */
#define WR_BORROWED_RETURNED 1u /* it is over */
#define WR_BORROWED_STRONG 2u   /* | owner: a reference, to the object r[1]; r[2], r[3] are the library's */

/* Return a near hazard that is not in use, the first of them being in use; or NULL. */
WR_HELPER struct wr_hazard *wr_hazard_other(struct wr_hazard *hazard) {
    struct wr_hazard *end = hazard + WR_HAZARDS_NEAR;
    while (++hazard != end)
        if (wr_read(&hazard->index) == 0)
            return hazard;
    return NULL;
}

/* Say that the slot is borrowed; what is loaded after this, is loaded after everybody can see that. */
WR_HELPER void wr_hazard_publish(struct wr_hazard *hazard, uint32_t index) {
    /* order: release [HAZARD], as in wr_return: who sees this one sees that the borrow before it is over. */
    wr_store_release(&hazard->index, index);
    /* order: compiler [ASYM], with the membarrier of who is about to destroy: if that one does not see this
     *        hazard, the word that is loaded after it is dead already. */
    wr_compiler_barrier();
}

WR_INLINE void *wr_borrow(wr_weak w, wr_borrowed *b) {
    uint32_t index = (uint32_t)(w.bits >> 32);
    uint32_t tag = (uint32_t)w.bits;
    struct wr_hazard *hazard;
    struct wr_slot *slot;
    uint32_t live;
    uint64_t word;
    /* As wr_weak_slot, but for even tags, which no word with WR_BORROW has.
     * order: acquire [GROW], as there. */
    if (wr_unlikely(index >= wr_load_acquire(&wr_arena.end))) {
        b->r[0] = WR_BORROWED_NULL;
        return NULL;
    }
    slot = wr_slot_at(index);
    /* The tag of what is alive here and has a weak value, or one under it.
     * order: acquire [BELOW], as there. */
    live = wr_load_acquire(&slot->below);
    if (wr_unlikely(live != tag)) {
        if (live - 1 < tag)
            return wr_borrow_slow(w, b, NULL);
        b->r[0] = WR_BORROWED_NULL;
        return NULL;
    }
    hazard = wr_hazards;
    if (wr_unlikely(wr_read(&hazard->index) != 0)) {
        hazard = wr_hazard_other(hazard);
        if (hazard == NULL)
            return wr_borrow_slow(w, b, NULL);
    }
    wr_hazard_publish(hazard, index);
    /* order: acquire [GET], as in wr_weak_get. */
    word = wr_load_acquire(&slot->word);
    if (wr_unlikely((word & (WR_TAG_MASK | WR_FIN | WR_BORROW)) != (tag | WR_BORROW)))
        return wr_borrow_slow(w, b, hazard);
    b->r[0] = (uintptr_t)hazard;
    b->r[1] = w.bits; /* for messages */
    return wr_payload_of(slot);
}

WR_INLINE void wr_return(wr_borrowed *b) {
    struct wr_hazard *hazard = wr_hazards;
    if (wr_unlikely(b->r[0] != (uintptr_t)hazard)) { /* not the first of this thread's */
        uintptr_t offset = (uintptr_t)b->r[0] - (uintptr_t)hazard;
        if (offset >= WR_HAZARDS * sizeof *hazard) {
            wr_return_slow(b);
            return;
        }
        hazard = (struct wr_hazard *)(void *)((char *)hazard + offset);
    }
    b->r[0] = WR_BORROWED_RETURNED;
    /* order: release [HAZARD], with the look at all hazards: what the borrower did is done before destroy. */
    wr_store_release(&hazard->index, 0u);
    /* order: compiler [ASYM], with the membarrier of who leaves an object here: if that one still sees this
     *        hazard in use, the hand-over is seen here. */
    wr_compiler_barrier();
    if (wr_unlikely(wr_load_relaxed(&hazard->handover) != 0))
        wr_end_handed_over(hazard);
}

WR_INLINE void *wr_cell_borrow(const wr_cell *c, wr_borrowed *b) {
    /* order: acquire [CELL], with the store into the cell: the range is there, and the slot minted. */
    uint64_t index = wr_load_acquire(&c->bits);
    struct wr_hazard *hazard;
    struct wr_slot *slot;
    if (index == 0) {
        b->r[0] = WR_BORROWED_NULL;
        return NULL;
    }
    hazard = wr_hazards;
    if (wr_unlikely(wr_read(&hazard->index) != 0)) {
        hazard = wr_hazard_other(hazard);
        if (hazard == NULL)
            return wr_cell_borrow_slow(c, b, NULL);
    }
    slot = wr_slot_at((uint32_t)index);
    wr_hazard_publish(hazard, (uint32_t)index);
    /* The word first, then the cell. A borrowable object alive in the slot now stays in it until the return; and
     * if the cell has this slot afterwards, that is the object it has.
     * order: acquire [GET], as in wr_weak_get, and before the look at the cell.
     * order: acquire [CELL], as above: the payload is seen. */
    if (wr_unlikely((wr_load_acquire(&slot->word) & (1 | WR_BORROW)) != (1 | WR_BORROW) ||
                    wr_load_acquire(&c->bits) != index))
        return wr_cell_borrow_slow(c, b, hazard);
    b->r[0] = (uintptr_t)hazard;
    b->r[1] = index << 32; /* for messages */
    return wr_payload_of(slot);
}

#ifndef WR_ATOMICS /* a program, not the library */
__attribute__((constructor)) static void wr_layout_check(void) {
    wr_layout_require(WR_LAYOUT);
}
#endif

#ifdef __cplusplus
}
#endif

#endif /* WEAKRT_INLINE_H */
