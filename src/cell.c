/* SPDX-License-Identifier: MIT */
/*
 * Cells: atomic places that own a strong reference, or hold a weak value (D12).
 *
 * A strong cell holds the index of its object's slot, and one unit of the object's count. Not a weak value: the
 * object may be cleared or killed, and its tag move on, while the cell goes on owning it.
 *
 *   load    adds to the word of the slot that the cell named, which is harmless whatever is in it by now, and
 *           looks at the cell again. An odd word: the unit is a reference to the object that is in the slot,
 *           which therefore stays in it; and if the cell still names the slot, that is the cell's object. If
 *           not, the unit is given back. An even one: forgotten, like any count on a dead word.
 */
#include "fatal.h"
#include "word.h"

/* Take a reference for a cell. Returns what the cell is to hold. */
static uint64_t held(void *obj) {
    if (wr_retain(obj) == NULL)
        return 0;
    wr_mint(wr_slot_of(obj)); /* loads add to the word without holding a count (rule 9) */
    return wr_index_of(wr_slot_of(obj));
}

/* Return the object a cell holds when it holds `bits`. */
static void *object_of(uint64_t bits) {
    return bits ? wr_payload_of(wr_slot_at((uint32_t)bits)) : NULL;
}

void *wr_cell_load(const wr_cell *c) {
    for (;;) {
        /* order: acquire [CELL], with the exchange that stored: the slot is minted, and the range is there. */
        uint64_t bits = wr_load_acquire(&c->bits);
        if (bits == 0)
            return NULL;
        struct wr_slot *slot = wr_slot_at((uint32_t)bits);
        /* order: acquire [GET], as in wr_weak_get; and so that the second look comes after: an object that was
         *        put in this slot later than it left the cell is not taken for the cell's. */
        uint64_t old = wr_add_acquire(&slot->word, WR_ONE);
        if (!word_alive(old)) {
            wr_path(cell_stray);
            continue;
        }
        /* order: acquire [CELL], as above: the payload is seen. */
        if (wr_likely(wr_load_acquire(&c->bits) == bits)) {
            if (wr_unlikely(old >= WR_OVERFLOW))
                wr_count_misuse("wr_cell_load", wr_payload_of(slot), old);
            wr_path(cell_load);
            return wr_payload_of(slot);
        }
        wr_path(cell_changed);
        wr_give_back(slot);
    }
}

void *wr_cell_exchange(wr_cell *c, void *obj) {
    /* order: acq_rel [CELL]. Release, with the loads; acquire, with the exchange that stored what comes out. */
    return object_of(wr_exchange_acq_rel(&c->bits, held(obj)));
}

void wr_cell_store(wr_cell *c, void *obj) {
    wr_release(wr_cell_exchange(c, obj));
}

bool wr_cell_compare_exchange(wr_cell *c, void *expected, void *desired) {
    uint64_t from = expected ? wr_index_of(wr_slot_of(expected)) : 0;
    uint64_t to = held(desired);
    /* No ABA: the caller holds `expected`, so that its slot is no other's.
     * order: acq_rel [CELL], as in wr_cell_exchange. */
    bool done = wr_cas_acq_rel(&c->bits, &from, to);
    wr_release(done ? expected : desired); /* the cell's reference, or the one it was to have */
    return done;
}

/* ---- weak cells ---- */

wr_weak wr_weak_cell_load(const wr_weak_cell *c) {
    /* order: acquire [WEAKCELL], with the stores: a live object is seen alive (S22), and its payload (S57). */
    return wr_weak_from_u64(wr_load_acquire(&c->bits));
}

void wr_weak_cell_store(wr_weak_cell *c, wr_weak w) {
    /* order: release [WEAKCELL], with the loads. */
    wr_store_release(&c->bits, w.bits);
}

wr_weak wr_weak_cell_exchange(wr_weak_cell *c, wr_weak w) {
    /* order: acq_rel [WEAKCELL], as a load and a store. */
    return wr_weak_from_u64(wr_exchange_acq_rel(&c->bits, w.bits));
}

bool wr_weak_cell_compare_exchange(wr_weak_cell *c, wr_weak expected, wr_weak desired) {
    /* order: acq_rel [WEAKCELL], as a load and a store. */
    return wr_cas_acq_rel(&c->bits, &expected.bits, desired.bits);
}

void *wr_weak_cell_get(const wr_weak_cell *c) {
    wr_weak w = wr_weak_cell_load(c);
    for (;;) {
        void *obj = wr_weak_get(w);
        wr_weak now;
        /* Dead, but the cell may have got a live one since, before this one died. */
        if (obj != NULL || (now = wr_weak_cell_load(c)).bits == w.bits)
            return obj;
        w = now;
    }
}
