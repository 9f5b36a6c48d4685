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

void call_borrow(void) {
    struct value value = values[take_below(VALUES)];
    struct borrow *borrow = &borrows[take_below(BORROWS)];
    if (value.thing == NULL || borrow->thing != NULL)
        return;
    bool gets = value_gets(value.thing, value.epoch);
    begin_call(false, "wr_borrow(of #%u): %s", value.thing->number, gets ? "alive" : "NULL");
    EXPECT(wr_borrow(value.weak, &borrow->borrowed), gets ? value.thing->real : NULL);
    if (gets) {
        borrow->thing = value.thing;
        borrow->thread = thread_now();
        if (value.thing->traits->borrowable)
            value.thing->borrows++;
        else
            value.thing->count++;
    }
    end_call();
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
