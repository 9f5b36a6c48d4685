/* SPDX-License-Identifier: MIT */
#include "past.h"

#include <string.h>

static struct lock book;
static struct past_counts counts GUARDED_BY(book);
static struct end ends[PAST_ENDS] GUARDED_BY(book);
static uint32_t next_end GUARDED_BY(book);
static struct route routes[PAST_ROUTES] GUARDED_BY(book);
static uint32_t route_count GUARDED_BY(book);

static void add_route(const char *held, const char *dropped) REQUIRES(book) {
    uint32_t i = 0;
    while (i < route_count && (routes[i].held != held || routes[i].dropped != dropped))
        i++;
    if (i == PAST_ROUTES) {
        counts.left_out++;
        return;
    }
    if (i == route_count)
        routes[route_count++] = (struct route){held, dropped, 0};
    routes[i].count++;
}

void past_recorded(bool made) {
    lock_take(&book);
    counts.recorded += made;
    counts.refused += !made;
    lock_give(&book);
}

void past_ended(const struct holder *holder, const char *dropped) {
    uint64_t word = wr_load_relaxed(&wr_slot_of(holder)->word); /* relaxed: the caller has a reference */
    struct end end = {.holder = word_value(wr_slot_of(holder), word).bits,
                      .slot = (uint32_t)(holder->entry.referent.bits >> 32),
                      .held = holder->place,
                      .dropped = dropped};
    lock_take(&book);
    counts.ended += dropped != NULL;
    counts.died += dropped == NULL;
    add_route(holder->place, dropped);
    ends[next_end++ % PAST_ENDS] = end;
    lock_give(&book);
}

void past_died(const struct wr_slot *slot) {
    uint32_t index = wr_index_of(slot);
    uint32_t closed = word_tag(wr_load_relaxed(&slot->word)); /* relaxed: dead, and this thread's */
    lock_take(&book);
    for (uint32_t i = 0; i < PAST_ENDS; i++)
        if (ends[i].slot == index && ends[i].closed == 0)
            ends[i].closed = closed;
    lock_give(&book);
}

struct end past_end_of(uint64_t holder) {
    struct end end = {.holder = 0};
    lock_take(&book);
    for (uint32_t i = 0; i < PAST_ENDS; i++)
        if (ends[i].holder == holder)
            end = ends[i];
    lock_give(&book);
    return end;
}

uint32_t past_ends(const struct wr_slot *slot, struct end *out, uint32_t most) {
    uint64_t word = wr_load_relaxed(&slot->word); /* relaxed: for a message */
    uint32_t index = wr_index_of(slot);
    uint32_t count = 0;
    if (!lock_try(&book))
        return 0;
    for (uint32_t i = 1; i <= PAST_ENDS && count < most; i++) {
        const struct end *end = &ends[(next_end - i) % PAST_ENDS];
        if (end->holder != 0 && end->slot == index &&
            (end->closed == 0 || (!word_alive(word) && end->closed == word_tag(word))))
            out[count++] = *end;
    }
    lock_give(&book);
    return count;
}

uint32_t past_routes(struct route *out) {
    lock_take(&book);
    memcpy(out, routes, sizeof routes);
    uint32_t count = route_count;
    lock_give(&book);
    return count;
}

struct past_counts past_counts(void) {
    lock_take(&book);
    struct past_counts now = counts;
    lock_give(&book);
    return now;
}

void past_lock(void) UNCHECKED_LOCKS {
    lock_take(&book);
}

void past_unlock(void) UNCHECKED_LOCKS {
    lock_give(&book);
}
