/* SPDX-License-Identifier: MIT */
/* Calls that borrow, and return. */
#include "fuzz.h"

struct borrow {
    wr_borrowed borrowed;
    struct thing *thing; /* NULL: none */
    unsigned thread;
};
static struct borrow borrows[6];
enum { BORROWS = sizeof borrows / sizeof *borrows };

static void borrows_now(struct borrow *borrow, struct thing *thing) {
    borrow->thing = thing;
    borrow->thread = thread_now();
    if (thing->traits->borrowable)
        thing->borrows++;
    else
        thing->count++;
}

void call_borrow(void) {
    struct value value = values[take_below(VALUES)];
    struct borrow *borrow = &borrows[take_below(BORROWS)];
    if (value.thing == NULL || borrow->thing != NULL)
        return;
    bool gets = value_gets(value.thing, value.epoch);
    begin_call(false, "wr_borrow(of #%u): %s", value.thing->number, gets ? "alive" : "NULL");
    EXPECT(wr_borrow(value.weak, &borrow->borrowed), gets ? value.thing->real : NULL);
    if (gets)
        borrows_now(borrow, value.thing);
    end_call();
}

void call_cell_borrow(void) {
    unsigned cell = take_below(CELLS);
    struct borrow *borrow = &borrows[take_below(BORROWS)];
    struct thing *thing = cells[cell].thing;
    if (borrow->thing != NULL)
        return;
    begin_call(false, "wr_cell_borrow(%u): %s", cell, thing != NULL ? "alive" : "NULL");
    EXPECT(wr_cell_borrow(&cells[cell].cell, &borrow->borrowed), thing != NULL ? thing->real : NULL);
    if (thing != NULL)
        borrows_now(borrow, thing);
    end_call();
}

bool borrowed_here(const struct thing *thing) {
    for (unsigned i = 0; i < BORROWS; i++)
        if (borrows[i].thing == thing && borrows[i].thread == thread_now())
            return true;
    return false;
}

static void give_back(struct borrow *borrow) {
    settle();
    struct thing *thing = borrow->thing;
    if (thing == NULL || borrow->thread != thread_now())
        return;
    if (thing->handed_over && thing->borrows > 1 && oracle_busy())
        return; /* which of its borrowers has the duty is not the model's to know */
    borrow->thing = NULL;
    begin_call(false, "wr_return(#%u)", thing->number);
    if (!thing->traits->borrowable) {
        thing_release(thing);
    } else if (--thing->borrows == 0 && thing->handed_over) {
        oracle_drain();
        oracle_depart(thing);
    }
    wr_return(&borrow->borrowed);
    end_call();
}

void call_give_back(void) {
    give_back(&borrows[take_below(BORROWS)]);
}

void give_all_back(void) {
    for (unsigned i = 0; i < BORROWS; i++)
        give_back(&borrows[i]);
}
