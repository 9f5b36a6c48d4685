/* SPDX-License-Identifier: MIT */
/* Weak values: what is not on the hot path. */
#include <errno.h>

#include "arena.h"

int wr_weak_check(uint64_t bits, wr_weak *out) {
    uint32_t index = (uint32_t)(bits >> 32);
    /* order: acquire [GROW], as in wr_weak_slot. */
    bool valid = word_alive(bits) && index < wr_load_acquire(&wr_arena.end) &&
                 arena_is_slot(wr_payload_of(wr_slot_at(index)));
    if (out != NULL)
        *out = wr_weak_from_u64(valid ? bits : 0);
    return valid ? 0 : -EINVAL;
}
