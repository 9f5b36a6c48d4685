/* SPDX-License-Identifier: MIT */
#include "orphans.h"

struct orphans orphans;

void orphan_push(struct wr_slot *slot) {
    uint32_t head = wr_load_relaxed(&orphans.head);
    do {
        wr_write(&slot->link, head);
        /* order: release [ORPHAN], with the exchange that takes the list: link, and the death so far, are seen. */
    } while (!wr_cas_release(&orphans.head, &head, wr_index_of(slot)));
}

uint32_t orphans_take(void) {
    /* order: acquire [ORPHAN], with the push: the death of the object so far happened before. */
    uint32_t index = wr_exchange_acquire(&orphans.head, 0u);
    uint32_t reversed = 0;
    wr_path(orphans_adopted);
    while (index != 0) {
        struct wr_slot *slot = wr_slot_at(index);
        uint32_t next = wr_read(&slot->link);
        wr_write(&slot->link, reversed);
        reversed = index;
        index = next;
    }
    return reversed;
}
