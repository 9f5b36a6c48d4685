/* SPDX-License-Identifier: MIT */
/* Cells: loads and borrows against stores, with slots used again, a cell that goes back, and clear in between. */
#include "things.h"

static wr_cell cell;
static struct thing *a, *b;
static unsigned found[MODEL_THREADS];

static void make(void) {
    a = thing_new_borrowable(1);
    wr_cell_store(&cell, a);
    wr_release(a);
}

static void make_without(void) {
    model_no_membarrier();
    make();
}

static void make_held(void) {
    a = thing_new(1);
    b = thing_new(2);
    wr_cell_store(&cell, a);
}

static void use(struct thing *thing) {
    found[model_thread()] = thing != NULL ? model_read(&thing->number) : 0;
    if (thing != NULL)
        thing_use(thing, found[model_thread()]);
}

static void loader(void) {
    struct thing *thing = wr_cell_load(&cell);
    use(thing);
    wr_release(thing);
}

static void borrower(void) {
    wr_borrowed borrowed;
    use(wr_cell_borrow(&cell, &borrowed));
    wr_return(&borrowed);
}

/* The second object is in the slot of the first. */
static void storer_of_next(void) {
    wr_cell_store(&cell, NULL);
    struct thing *next = thing_new_borrowable(2);
    wr_cell_store(&cell, next);
    wr_release(next);
}

/* The second object is in the slot of the first, and never in the cell. */
static void emptier(void) {
    wr_cell_store(&cell, NULL);
    struct thing *next = thing_new_borrowable(3);
    thing_use(next, 3);
    wr_release(next);
}

static void back_and_forth(void) {
    wr_cell_store(&cell, b);
    wr_cell_store(&cell, a);
    wr_release(a);
    wr_release(b);
}

static void clearer(void) {
    model_check(wr_weakref_clear(a) == 0);
    wr_cell_store(&cell, NULL);
    wr_release(a);
    wr_release(b);
}

static void say(void) {
    wr_cell_store(&cell, NULL);
    things_all_dead();
    model_outcome("%u%u", found[0], found[1]);
}

MODEL(cell_load_next, .what = "a load against a store whose object has the slot of the one before",
      .setup = make, .threads = {loader, storer_of_next}, .check = say, .outcomes = "00 10 20",
      .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_load_empty, .what = "a load against another life of the slot outside the cell", .setup = make,
      .threads = {loader, emptier}, .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, 3},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_load_back, .what = "a load of a cell that goes back to the object it had", .setup = make_held,
      .threads = {loader, back_and_forth}, .check = say, .outcomes = "10 20", .quick = {UNBOUNDED, 3},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_load_clear, .what = "a load against a clear and a store", .setup = make_held,
      .threads = {loader, clearer}, .check = say, .outcomes = "00 10", .quick = {UNBOUNDED, 3},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_two_loads, .what = "two loads against another life of the slot", .setup = make,
      .threads = {loader, loader, emptier}, .check = say, .outcomes = "00 10 01 11", .quick = {3, 1},
      .deep = {4, 2});
MODEL(cell_borrow_next, .what = "a borrow against a store whose object has the slot of the one before",
      .setup = make, .threads = {borrower, storer_of_next}, .check = say, .outcomes = "00 10 20",
      .quick = {4, 2}, .deep = {8, 4});
MODEL(cell_borrow_next_without, .what = "the same without membarrier", .setup = make_without,
      .threads = {borrower, storer_of_next}, .check = say, .outcomes = "00 10 20", .quick = {4, 2},
      .deep = {8, 4});
MODEL(cell_borrow_empty, .what = "a borrow against another life of the slot outside the cell", .setup = make,
      .threads = {borrower, emptier}, .check = say, .outcomes = "00 10", .quick = {4, 2}, .deep = {8, 4});
