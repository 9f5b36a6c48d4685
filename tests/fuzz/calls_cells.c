/* SPDX-License-Identifier: MIT */
/* Calls on cells and weak cells. */
#include "fuzz.h"

struct owning_cell cells[CELLS];
static wr_weak_cell weak_cell;
static struct value weak_cell_has;

static void *real_of(const struct thing *thing) {
    return thing != NULL ? thing->real : NULL;
}

/* What is to go into a cell: NULL now and then. It must have a reference, which stays. */
static struct thing *pick_content(void) {
    return take_below(4) != 0 ? pick_held(ANY_OF(OBJECT)) : NULL;
}

static void store(unsigned cell, struct thing *thing) {
    struct thing *old = cells[cell].thing;
    begin_call(false, "wr_cell_store(%u, %s%u)", cell, thing ? "#" : "NULL: ", thing ? thing->number : 0);
    cells[cell].thing = thing;
    if (thing != NULL) {
        thing->count++;
        pin(thing);
    }
    if (old != NULL)
        thing_release(old);
    wr_cell_store(&cells[cell].cell, real_of(thing));
    if (thing != NULL)
        unpin(thing);
    end_call();
}

void call_cell_store(void) {
    unsigned cell = take_below(CELLS);
    store(cell, pick_content());
}

void empty_cells(void) {
    for (unsigned i = 0; i < CELLS; i++)
        store(i, NULL);
    weak_cell_has = (struct value){.thing = NULL};
    wr_weak_cell_store(&weak_cell, weak_cell_has.weak);
}

void call_cell_load(void) {
    unsigned cell = take_below(CELLS);
    struct thing *thing = cells[cell].thing;
    begin_call(false, "wr_cell_load(%u)", cell);
    EXPECT(wr_cell_load(&cells[cell].cell), real_of(thing));
    if (thing != NULL) {
        thing->held++;
        thing->count++;
    }
    end_call();
}

void call_cell_exchange(void) {
    unsigned cell = take_below(CELLS);
    struct thing *thing = pick_content(), *old = cells[cell].thing;
    begin_call(false, "wr_cell_exchange(%u, %s%u)", cell, thing ? "#" : "NULL: ", thing ? thing->number : 0);
    EXPECT(wr_cell_exchange(&cells[cell].cell, real_of(thing)), real_of(old));
    cells[cell].thing = thing;
    if (thing != NULL)
        thing->count++;
    if (old != NULL)
        old->held++;
    end_call();
}

void call_cell_compare_exchange(void) {
    unsigned cell = take_below(CELLS);
    struct thing *expected = pick_content(), *desired = pick_content();
    bool same = expected == cells[cell].thing;
    begin_call(false, "wr_cell_compare_exchange(%u): %d", cell, same);
    EXPECT(wr_cell_compare_exchange(&cells[cell].cell, real_of(expected), real_of(desired)), same);
    if (same) {
        cells[cell].thing = desired;
        if (desired != NULL)
            desired->count++;
        if (expected != NULL)
            expected->count--; /* the caller holds it */
    }
    end_call();
}

void call_weak_cell(void) {
    struct value value = values[take_below(VALUES)];
    bool gets = weak_cell_has.thing != NULL && value_gets(weak_cell_has.thing, weak_cell_has.epoch);
    begin_call(false, "wr_weak_cell_get(), of #%u: %s, then _exchange()",
               weak_cell_has.thing ? weak_cell_has.thing->number : 0, gets ? "alive" : "NULL");
    EXPECT(wr_weak_cell_get(&weak_cell), gets ? weak_cell_has.thing->real : NULL);
    if (gets) {
        weak_cell_has.thing->held++;
        weak_cell_has.thing->count++;
    }
    EXPECT(wr_weak_cell_exchange(&weak_cell, value.weak).bits, weak_cell_has.weak.bits);
    EXPECT(wr_weak_cell_load(&weak_cell).bits, value.weak.bits);
    weak_cell_has = value;
    end_call();
}

void call_weak_cell_compare_exchange(void) {
    struct value expected = values[take_below(VALUES)], desired = values[take_below(VALUES)];
    bool same = expected.weak.bits == weak_cell_has.weak.bits;
    begin_call(false, "wr_weak_cell_compare_exchange(): %d", same);
    EXPECT(wr_weak_cell_compare_exchange(&weak_cell, expected.weak, desired.weak), same);
    if (same)
        weak_cell_has = desired;
    EXPECT(wr_weak_cell_load(&weak_cell).bits, weak_cell_has.weak.bits);
    end_call();
}
