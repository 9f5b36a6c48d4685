/* SPDX-License-Identifier: MIT */
/* Free slots that a test takes out of the library's hands, on a list, and gives back. */
#ifndef WR_TESTS_SLOTS_H
#define WR_TESTS_SLOTS_H

#include "object.h"

/* Put one more slot of a class in front of a list (0: an empty one). Returns it; NULL: there is no memory. */
static inline struct wr_slot *slots_take(uint32_t *list, uint32_t class) {
    struct wr_slot *slot = object_slot(class);
    if (slot != NULL) {
        slot->link = *list;
        *list = wr_index_of(slot);
    }
    return slot;
}

static inline void slots_give(uint32_t *list) {
    while (*list != 0) {
        struct wr_slot *slot = wr_slot_at(*list);
        *list = slot->link;
        object_slot_free(slot);
    }
}

#endif
