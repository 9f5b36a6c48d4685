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

/* Of a type whose end does not wait for borrowers. */
static void make_plain(void) {
    a = thing_new(1);
    wr_cell_store(&cell, a);
    wr_release(a);
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

/* By a hazard that this thread has used, so that nothing is called. */
static void borrower_again(void) {
    wr_borrowed borrowed;
    (void)wr_borrow(wr_weak_of(b), &borrowed);
    wr_return(&borrowed);
    borrower();
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

static void putter(void) {
    struct thing *next = thing_new(2);
    wr_cell_store(&cell, next);
    wr_release(next);
}

static void taker(void) {
    struct thing *thing = wr_cell_exchange(&cell, NULL);
    use(thing);
    wr_release(thing);
}

/* Only one of two gets from empty to its own. */
static void contender(void) {
    uint32_t number = 2 + (uint32_t)model_thread();
    struct thing *next = thing_new(number);
    if (wr_cell_compare_exchange(&cell, a, next))
        found[model_thread()] = 1;
    wr_release(next);
}

static void say(void) {
    wr_cell_store(&cell, NULL);
    things_all_dead();
    model_outcome("%u%u", found[0], found[1]);
}

/* ---- weak cells ---- */

static wr_weak_cell weak_cell;

static void weak_putter(void) {
    struct thing *next = thing_new(2);
    wr_weak_cell_store(&weak_cell, wr_weak_of(next));
    wr_release(next);
}

static void weak_getter(void) {
    struct thing *thing = wr_weak_cell_get(&weak_cell);
    use(thing);
    wr_release(thing);
}

static void weak_taker(void) {
    struct thing *thing = wr_weak_get(wr_weak_cell_exchange(&weak_cell, wr_weak_from_u64(0)));
    use(thing);
    wr_release(thing);
}

/* The object lives on: a value that is seen is alive (S22). */
static struct thing *kept;

static void weak_putter_keeps(void) {
    kept = thing_new(2);
    wr_weak_cell_store(&weak_cell, wr_weak_of(kept));
}

static void weak_putter_keeps_by_exchange(void) {
    kept = thing_new(2);
    (void)wr_weak_cell_exchange(&weak_cell, wr_weak_of(kept));
}

static void weak_putter_keeps_by_cas(void) {
    kept = thing_new(2);
    model_check(wr_weak_cell_compare_exchange(&weak_cell, wr_weak_from_u64(0), wr_weak_of(kept)));
}

static void check_alive(wr_weak weak) {
    struct thing *thing = wr_weak_get(weak);
    model_check(wr_weak_is_null(weak) || thing != NULL);
    use(thing);
    wr_release(thing);
}

static void weak_loader(void) {
    check_alive(wr_weak_cell_load(&weak_cell));
}

static void weak_exchanger(void) {
    check_alive(wr_weak_cell_exchange(&weak_cell, wr_weak_from_u64(0)));
}

static void say_and_drop_kept(void) {
    wr_release(kept);
    say();
}

static void say_and_drop(void) {
    wr_release(a);
    wr_cell_store(&cell, NULL);
    things_all_dead();
    model_outcome("%u%u", found[0], found[1]);
}

/* The cell has b; the object that replaces it is the first of its size, for which the range grows. */
static void make_small(void) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .flags = WR_BORROWABLE, .size = 2 * WR_GRANULE};
    b = wr_new(&type);
    (void)wr_weak_of(b);
    wr_cell_store(&cell, b);
}

static void make_again(void) {
    make();
    b = thing_new_borrowable(4);
    (void)wr_weak_of(b);
}

static void make_plain_again(void) {
    make_plain();
    b = thing_new_borrowable(4);
    (void)wr_weak_of(b);
}

static void use_next(const struct thing *thing) {
    found[0] = thing == NULL ? 0 : thing == b ? 1 : 2;
    if (thing != NULL && thing != b)
        model_check(model_read(&thing->number) == 2);
}

static void borrower_of_grown(void) {
    wr_borrowed borrowed;
    use_next(wr_cell_borrow(&cell, &borrowed));
    wr_return(&borrowed);
}

static void borrower_of_grown_again(void) {
    wr_borrowed borrowed;
    (void)wr_borrow(wr_weak_of(b), &borrowed);
    wr_return(&borrowed);
    borrower_of_grown();
}

static void storer_that_grows(void) {
    struct thing *next = thing_new_borrowable(2);
    wr_cell_store(&cell, next);
    wr_release(next);
}

static void storer_by_cas(void) {
    struct thing *next = thing_new(2);
    model_check(wr_cell_compare_exchange(&cell, NULL, next));
    wr_release(next);
}

static void say_without_b(void) {
    wr_release(b);
    say();
}

static void make_one_held(void) {
    a = thing_new(1);
    wr_cell_store(&cell, a);
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
MODEL(cell_exchange, .what = "who takes an object out sees what it is", .setup = make,
      .threads = {taker, putter}, .check = say, .outcomes = "10 20", .quick = {UNBOUNDED, 3},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_contend, .what = "of two who expect the same one wins", .setup = make_one_held,
      .threads = {contender, contender}, .check = say_and_drop, .outcomes = "10 01", .quick = {4, 3},
      .deep = {8, 4});
MODEL(weak_cell, .what = "a get from a weak cell against a store and the death",
      .threads = {weak_getter, weak_putter}, .check = say, .outcomes = "00 20", .quick = {UNBOUNDED, 3},
      .deep = {UNBOUNDED, UNBOUNDED});
MODEL(weak_cell_exchange, .what = "the same by an exchange", .threads = {weak_taker, weak_putter},
      .check = say, .outcomes = "00 20", .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(weak_cell_alive, .what = "a live object's value that is loaded is alive",
      .threads = {weak_loader, weak_putter_keeps}, .check = say_and_drop_kept, .outcomes = "00 20",
      .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(weak_cell_exchange_alive, .what = "and so is one that is exchanged out",
      .threads = {weak_exchanger, weak_putter_keeps_by_exchange}, .check = say_and_drop_kept,
      .outcomes = "00 20", .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(weak_cell_compare_alive, .what = "and one that was put in by a compare-exchange",
      .threads = {weak_loader, weak_putter_keeps_by_cas}, .check = say_and_drop_kept, .outcomes = "00 20",
      .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_borrow_next_again, .what = "a borrow by a hazard in use before, against such a store",
      .setup = make_again, .threads = {borrower_again, storer_of_next}, .check = say_without_b,
      .outcomes = "00 10 20", .quick = {3, 2}, .deep = {6, 3});
MODEL(cell_borrow_empty_again, .what = "and against another life of the slot outside the cell",
      .setup = make_again, .threads = {borrower_again, emptier}, .check = say_without_b, .outcomes = "00 10",
      .quick = {3, 2}, .deep = {6, 3});
MODEL(cell_borrow_grown, .what = "a borrow against a store for whose object the range grew",
      .setup = make_small, .threads = {borrower_of_grown, storer_that_grows}, .check = say_without_b,
      .outcomes = "10 20", .quick = {3, 2}, .deep = {6, 3});
MODEL(cell_borrow_grown_again, .what = "the same by a hazard in use before", .setup = make_small,
      .threads = {borrower_of_grown_again, storer_that_grows}, .check = say_without_b, .outcomes = "10 20",
      .quick = {3, 2}, .deep = {6, 3});
MODEL(cell_compare_load, .what = "a load against a compare-exchange", .threads = {loader, storer_by_cas},
      .check = say, .outcomes = "00 20", .quick = {UNBOUNDED, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cell_borrow_plain, .what = "a borrow against a borrowable life of the slot after one that is not",
      .setup = make_plain, .threads = {borrower, emptier}, .check = say, .outcomes = "00 10", .quick = {4, 2},
      .deep = {8, 4});
MODEL(cell_borrow_plain_again, .what = "the same by a hazard in use before", .setup = make_plain_again,
      .threads = {borrower_again, emptier}, .check = say_without_b, .outcomes = "00 10", .quick = {3, 2},
      .deep = {6, 3});
