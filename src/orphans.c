/* SPDX-License-Identifier: MIT */
#include "orphans.h"

#include "os.h"

#define LISTENED UINT32_C(1)
#define RANG UINT32_C(2)

struct orphans orphans;

void orphan_push(struct wr_slot *slot) {
    uint32_t head = wr_load_relaxed(&orphans.head);
    do {
        wr_write(&slot->link, head);
        /* order: release [ORPHAN], with the exchange that takes the list: link, and the death so far, are seen. */
    } while (!wr_cas_release(&orphans.head, &head, wr_index_of(slot)));
    orphans_ring();
}

void orphans_ring(void) {
    /* order: release [BELL], with orphans_listen: if that comes later, it sees what this was rung for; else this
     * sees that somebody listens. */
    uint32_t bell = wr_or_release(&orphans.bell, 0u);
    while (bell & LISTENED) {
        /* relaxed: it carries on what was released above. It fails when others ring, or listen. */
        if (wr_cas_relaxed(&orphans.bell, &bell, bell - LISTENED + RANG)) {
            wr_path(bell_woke);
            os_wake_all(&orphans.bell);
            return;
        }
    }
}

uint32_t orphans_listen(void) {
    /* order: acquire [BELL], with orphans_ring. */
    return wr_or_acquire(&orphans.bell, LISTENED) | LISTENED;
}

void orphans_sleep(uint32_t bell, int64_t deadline) {
    os_wait(&orphans.bell, bell, deadline);
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
