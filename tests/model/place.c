/* SPDX-License-Identifier: MIT */
/* Views, and the places that atomic operations are made on. */
#include "checker.h"

#include <string.h>

/* ---- views ---- */

static uint8_t position(const struct place *place, uint8_t store) {
    return place->stores[store].position;
}

void view_join_stores(struct view *to, const struct view *from) {
    for (uint8_t i = 0; i < checker->place_count; i++)
        if (to->store[i] != from->store[i] &&
            position(&checker->places[i], from->store[i]) > position(&checker->places[i], to->store[i]))
            to->store[i] = from->store[i];
}

void view_join(struct view *to, const struct view *from) {
    view_join_stores(to, from);
    for (int i = 0; i < THREAD_MAX; i++)
        if (to->clock.at[i] < from->clock.at[i])
            to->clock.at[i] = from->clock.at[i];
}

void memory_inherit(uint8_t from, uint8_t to) {
    struct thread_state *child = &checker->threads[to];
    child->now = child->acquire = checker->threads[from].now;
    memset(&child->release, 0, sizeof child->release);
    child->now.clock.at[to] = 1;
    checker->threads[from].now.clock.at[from]++;
}

void memory_join(uint8_t from, uint8_t to) {
    view_join(&checker->threads[to].now, &checker->threads[from].now);
}

/* ---- places ---- */

void place_reset(void) {
    memset(&checker->fences, 0, sizeof checker->fences);
    memset(&checker->in_order, 0, sizeof checker->in_order);
    checker->stamp = 0;
    checker->committed_count = 0;
    checker->life_count = 0;
}

void place_forget_all(void) {
    checker->place_count = 0;
    memset(checker->place_index, NONE, sizeof checker->place_index);
}

uint64_t place_from_memory(const volatile void *at, uint8_t size) {
    return size == 8   ? *(const volatile uint64_t *)at
           : size == 4 ? *(const volatile uint32_t *)at
           : size == 2 ? *(const volatile uint16_t *)at
                       : *(const volatile uint8_t *)at;
}

void place_to_memory(volatile void *at, uint8_t size, uint64_t value) {
    if (size == 8)
        *(volatile uint64_t *)at = value;
    else if (size == 4)
        *(volatile uint32_t *)at = (uint32_t)value;
    else if (size == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint8_t *)at = (uint8_t)value;
}

/* Where the number of the place at an address is, or will be. */
static uint8_t *index_of(const volatile void *at) {
    uint32_t hash = (uint32_t)((uintptr_t)at >> 1) * UINT32_C(2654435761) >> 16;
    while (checker->place_index[hash % INDEX_MAX] != NONE &&
           checker->places[checker->place_index[hash % INDEX_MAX]].at != at)
        hash++;
    return &checker->place_index[hash % INDEX_MAX];
}

static struct place *find(struct model_site site) {
    uint8_t *index = index_of(site.at);
    if (*index == NONE) {
        if (checker->place_count == PLACE_MAX)
            model_fail("more than %d atomic variables: raise PLACE_MAX", PLACE_MAX);
        *index = checker->place_count++;
        checker->places[*index] = (struct place){.at = site.at, .text = site.text, .size = site.size};
    }
    return &checker->places[*index];
}

struct place *place_of(struct model_site site) {
    struct place *place = find(site);
    if (place->size != site.size) {
        if (place->run == checker->run)
            model_fail("%s is used with two sizes", site.text);
        place->size = site.size; /* in this run the pool has something else there */
        place->text = site.text;
    }
    if (place->run != checker->run) {
        place->run = checker->run;
        place->count = 1;
        place->last = 0;
        place->order[0] = 0;
        place->holder = NONE;
        memset(&place->given, 0, sizeof place->given);
        struct store *first = &place->stores[0];
        memset(first, 0, sizeof *first);
        first->value = place_from_memory(site.at, site.size);
        first->read = NONE;
    }
    for (int i = 0; i < checker->committed_count; i++) {
        const struct committed *c = &checker->committed[i];
        if ((uintptr_t)site.at - c->start < c->size && c->thread != checker->current &&
            checker->threads[checker->current].now.clock.at[c->thread] < c->epoch)
            model_fail("%s at %s is used, but that its pages were made by %s did not happen before",
                       site.function, trace_place(place), trace_thread(c->thread));
    }
    return place;
}

void place_note_plain(volatile void *at) {
    uint8_t index = *index_of(at);
    if (index != NONE && !checker->places[index].mixed) {
        checker->places[index].mixed = true;
        checker->sharing_changed = true; /* earlier operations on it were not noted */
    }
}

bool place_is_contended(const struct place *place) {
    unsigned all = place->readers | place->writers;
    return place->writers != 0 && (all & (all - 1)) != 0;
}

/* Note that the current thread uses a place. The first run in which two use it, and one of them to write, makes it
 * contended: only from then on may others go first at its operations. */
void place_note_use(struct place *place, bool writes) {
    if (!checker->concurrent)
        return;
    bool before = place_is_contended(place);
    *(writes ? &place->writers : &place->readers) |= (uint8_t)(1u << checker->current);
    if (place_is_contended(place) != before)
        checker->sharing_changed = true;
}
