/* SPDX-License-Identifier: MIT */
#include "things.h"

#define NUMBERS 16

static unsigned made[NUMBERS], died[NUMBERS];
static uint32_t last[NUMBERS]; /* of each number its own, so that two destroys do not race */
void (*thing_finalize)(struct thing *thing);

static void destroy(void *self) {
    struct thing *thing = self;
    uint32_t number = model_read(&thing->number);
    if (number >= NUMBERS || made[number] == 0)
        model_fail("destroy of what is no thing");
    if (died[number] == made[number])
        model_fail("thing %u is destroyed twice", number);
    died[number]++;
    for (int i = 0; i < MODEL_THREADS; i++)
        model_write(&thing->mark[i], 0);
    model_write(&last[number], number);
    model_write(&thing->number, 99);
}

static void finalize(void *self) {
    if (thing_finalize != NULL)
        thing_finalize(self);
}

_Static_assert(sizeof(struct thing) <= 32, "a thing is of the smallest class");

const wr_type thing_type = {
    .abi = WR_TYPE_ABI, .name = "thing", .size = sizeof(struct thing), .destroy = destroy};
const wr_type finalized_thing_type = {.abi = WR_TYPE_ABI,
                                      .name = "finalized thing",
                                      .size = sizeof(struct thing),
                                      .destroy = destroy,
                                      .finalize = finalize};

const wr_type borrowable_thing_type = {.abi = WR_TYPE_ABI,
                                       .flags = WR_BORROWABLE,
                                       .name = "borrowable thing",
                                       .size = sizeof(struct thing),
                                       .destroy = destroy};
const wr_type finalized_borrowable_thing_type = {.abi = WR_TYPE_ABI,
                                                 .flags = WR_BORROWABLE,
                                                 .name = "finalized borrowable thing",
                                                 .size = sizeof(struct thing),
                                                 .destroy = destroy,
                                                 .finalize = finalize};

static struct thing *make(const wr_type *type, uint32_t number) {
    struct thing *thing = wr_new(type);
    model_check(thing != NULL && number < NUMBERS);
    made[number]++;
    model_write(&thing->number, number);
    for (int i = 0; i < MODEL_THREADS; i++)
        model_write(&thing->mark[i], 0);
    return thing;
}

struct thing *thing_new(uint32_t number) {
    return make(&thing_type, number);
}

struct thing *thing_new_finalized(uint32_t number) {
    return make(&finalized_thing_type, number);
}

struct thing *thing_new_borrowable(uint32_t number) {
    return make(&borrowable_thing_type, number);
}

struct thing *thing_new_finalized_borrowable(uint32_t number) {
    return make(&finalized_borrowable_thing_type, number);
}

bool thing_borrow(wr_weak weak, uint32_t number) {
    wr_borrowed borrowed;
    struct thing *thing = wr_borrow(weak, &borrowed);
    if (thing != NULL)
        thing_use(thing, number);
    wr_return(&borrowed);
    return thing != NULL;
}

void thing_use(struct thing *thing, uint32_t number) {
    uint32_t found = model_read(&thing->number);
    if (found != number)
        model_fail("thing %u is used where thing %u should be", found, number);
    if (model_thread() >= 0)
        model_write(&thing->mark[model_thread()], 1);
}

struct thing *thing_get(wr_weak weak, uint32_t number) {
    struct thing *thing = wr_weak_get(weak);
    if (thing != NULL)
        thing_use(thing, number);
    return thing;
}

bool thing_look(wr_weak weak, uint32_t number) {
    struct thing *thing = thing_get(weak, number);
    wr_release(thing);
    return thing != NULL;
}

unsigned thing_deaths(uint32_t number) {
    return died[number];
}

uint32_t *thing_1_destroyed(void) {
    return &last[1];
}

void things_all_dead(void) {
    death_of_orphans();
    for (uint32_t i = 0; i < NUMBERS; i++)
        if (died[i] != made[i])
            model_fail("thing %u is never destroyed: a leak", i);
}

wr_weak thing_forge(const void *thing, uint32_t tag) {
    return wr_weak_from_u64((uint64_t)wr_index_of(wr_slot_of(thing)) << 32 | tag);
}

void weak_show(uint64_t *shared, wr_weak weak) {
    wr_store_release(shared, weak.bits);
}

wr_weak weak_see(uint64_t *shared) {
    return wr_weak_from_u64(wr_load_acquire(shared));
}

void things_flush(void) {
    thread_flush(thread_self());
}

unsigned things_all_slots_back(void) {
    uint32_t end = wr_load_relaxed(&wr_arena.end);
    unsigned slots = end * WR_GRANULE / sizeof(struct {
                         struct wr_slot slot;
                         struct thing thing;
                     }) -
                     1;
    for (unsigned i = 0; i < slots; i++)
        if (wr_new(&thing_type) == NULL || wr_load_relaxed(&wr_arena.end) != end)
            model_fail("of %u slots only %u are there", slots, i);
    return end * WR_GRANULE / WR_CHUNK_BYTES;
}
