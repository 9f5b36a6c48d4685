/* SPDX-License-Identifier: MIT */
/*
 * The word's rarer transitions. The frequent ones, and the layout of word and slot, are in weakrt_inline.h,
 * which this file includes with the library's own atomics. Nothing here touches anything but the word and
 * `below`.
 *
 *   publish   {-, t-1} -> {1, t, DONE? BORROW?}   by the owner of a free slot; DONE when there is no finalize
 *   sole      {1, t}   -> {0, t-1}           the only holder of an object that never had a weak value
 *   close     {0, t}   -> {0, t+1}           by whoever brought the count to 0, if nobody came between
 *             {0, t}   -> {1, t, FIN}        the same, with a finalize left to run
 *   finalized {1, t, FIN} -> {0, t+1}        finalize kept no reference: dead
 *             {n, t, FIN} -> {n-1, t, DONE}  it did: alive again
 *   ended     {-, t+1, DONE} -> {0, t+1}     destroy has returned; by who called it
 *   clear     {n, t}   -> {n, t+2}           by a holder
 *   kill      {n, t}   -> {n, t+2, KILL}     by a holder
 *   register  {n, t}   -> {n, t, REG}        by a holder, under the stripe (registry.h)
 */
#ifndef WR_WORD_H
#define WR_WORD_H

#include <errno.h>

#include "atomic.h"
#include "path.h"
#include "probe.h"
#include "weakrt_inline.h"

/* Tags run out after 2^31 lives of a slot. The last tag an object may be born with leaves room for a kill (2)
 * and the death (1), and clear keeps two steps for the kill; a dead slot past that is never used again. */
#define TAG_LAST_BIRTH UINT32_C(0xfffffffb)

static inline uint32_t word_tag(uint64_t word) {
    return (uint32_t)word;
}

/* The weak value of the object that `slot` has while its word is `word`. */
static inline wr_weak word_value(const struct wr_slot *slot, uint64_t word) {
    return wr_weak_from_u64((uint64_t)wr_index_of(slot) << 32 | word_tag(word));
}

static inline uint32_t word_count(uint64_t word) {
    return (uint32_t)(word >> 37);
}

static inline bool word_alive(uint64_t word) {
    return (word & 1) != 0;
}

/* Tell whether a slot whose dead word is `word` can be born once more. */
static inline bool word_reusable(uint64_t word) {
    return word_tag(word) < TAG_LAST_BIRTH;
}

/* Make the object in `slot` alive, with one reference and those that `flags` adds: a full word, so that stray counts
 * and flags are wiped. */
static inline void word_publish(struct wr_slot *slot, uint64_t flags) {
    uint32_t tag = word_tag(wr_load_relaxed(&slot->word)) + 1;
    /* order: release [PUBLISH], with the addition in get: payload, type and list are seen with the tag. */
    wr_store_release(&slot->word, (WR_ONE + flags) | tag);
}

/* Note, by its maker, that others may add to the word of an object that will have no weak values (rule 9). `below`
 * stays even if it can: whoever sees itself alone then releases in one step. */
static inline void word_open(struct wr_slot *slot) {
    if (wr_load_relaxed(&slot->below) == 0) {
        /* order: release [MINT], as in wr_mint. */
        wr_store_release(&slot->below, 1u);
    }
}

/* Close a word that this caller's subtraction brought to `zero`. Returns the word it made, or 0: somebody came
 * between, and closing it is theirs now. */
static inline uint64_t word_close(struct wr_slot *slot, uint64_t zero) {
    uint64_t closed = (zero & WR_DONE) ? (zero & ~WR_BORROW) + 1 : zero + (WR_ONE | WR_FIN);
    /* order: acquire [CLOSE], with the releases of all holders: destroy sees what they wrote. Who sees the tag gone
     *        sees it too: this goes on with the release sequences of their subtractions. */
    return wr_cas_acquire(&slot->word, &zero, closed) ? closed : 0;
}

/* Tell whether an object is dead whose end is not over, by its dead word: if anything belongs to its end at all. */
static inline bool word_ending(uint64_t dead) {
    return (dead & WR_DONE) != 0;
}

/* Say, by who ended the object in `slot`, that its destroy has returned. Strays are wiped. Returns the word it made. */
static inline uint64_t word_ended(struct wr_slot *slot) {
    uint64_t ended = word_tag(wr_load_relaxed(&slot->word)); /* relaxed: dead, and this thread's */
    /* order: release [ENDED], with wr_kill_all: what destroy did is seen. And who sees the tag gone here, sees what the
     *        closing showed. */
    wr_store_release(&slot->word, ended);
    return ended;
}

/* End the time of finalize, whose unit the caller holds. Returns the word it made: even, and the caller's to
 * destroy, or odd: finalize resurrected the object. */
static inline uint64_t word_finalized(struct wr_slot *slot) {
    uint64_t word = wr_load_relaxed(&slot->word);
    uint64_t next;
    do {
        next = word - WR_ONE - WR_FIN + WR_DONE;
        if (word_count(word) == 1)
            next = (next & ~WR_BORROW) + 1;
        /* order: acq_rel [CLOSE]. Acquire as in word_close; release, with those who get the object once it is
         *        resurrected. */
    } while (!wr_cas_acq_rel(&slot->word, &word, next));
    return next;
}

/* Say in `below` that every tag under `tag` is dead, if anybody may be looking. */
static inline void word_raise_below(struct wr_slot *slot, uint32_t tag) {
    if (wr_load_relaxed(&slot->below) != 0) {
        /* order: release [BELOW], with the acquire in get and is_dead: who learns of the death here sees what
         *        came before it. */
        wr_store_release(&slot->below, tag);
        wr_path(below_raised);
    }
}

/* Make every weak value of an alive object dead, by a holder; with `flag` WR_KILL for good, with 0 until new
 * ones are made. Returns 1; 0: dead or killed already; -EOVERFLOW: the slot's last tags are kept for a kill;
 * -EAGAIN: something is registered, and whoever registers it is kept out only by the stripe, which the caller
 * says it holds or not. */
static inline int word_cut(struct wr_slot *slot, uint64_t flag, bool stripe_held) {
    /* order: acquire [KILL], with the winner's compare-exchange: the loser sees what the winner wrote before. */
    uint64_t word = wr_load_acquire(&slot->word);
    do {
        if (!word_alive(word) || (word & WR_KILL)) {
            wr_path(cut_late);
            return 0;
        }
        if (flag == 0 && word_tag(word) > TAG_LAST_BIRTH - 2) {
            wr_path(cut_worn);
            return -EOVERFLOW;
        }
        if ((word & WR_REG) && !stripe_held)
            return -EAGAIN;
        /* order: acq_rel [KILL]. Release, with whoever sees the tag or the flag; acquire on failure as above. */
    } while (!wr_cas_acq_rel(&slot->word, &word, (word + 2) | flag));
    word_raise_below(slot, word_tag(word) + 2);
    wr_path(cut_won);
    return 1;
}

#endif /* WR_WORD_H */
