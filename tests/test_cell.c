/* SPDX-License-Identifier: MIT */
/* Cells: S55. */
#include "word.h"

#include "borrows.h"
#include "walker.h"

/* ---- one thread ---- */

TEST(S55_a_zeroed_cell_is_empty) {
    wr_cell c = {0};
    wr_borrowed b;
    CHECK_NULL(wr_cell_load(&c));
    CHECK_NULL(wr_cell_borrow(&c, &b));
    wr_return(&b);
    CHECK_NULL(wr_cell_exchange(&c, NULL));
    wr_cell_store(&c, NULL);
    CHECK(wr_cell_compare_exchange(&c, NULL, NULL));
}

TEST(S55_a_cell_owns_a_reference_of_its_own) {
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = probe_new(&destroyed);
    wr_cell_store(&c, p);
    CHECK_EQ(wr_refcount(p), 2);
    wr_release(p);
    CHECK_EQ(destroyed, 0);
    probe *q = wr_cell_load(&c);
    CHECK_PTR_EQ(q, p);
    CHECK_EQ(wr_refcount(q), 2);
    wr_cell_store(&c, NULL);
    CHECK_EQ(destroyed, 0);
    wr_release(q);
    CHECK_EQ(destroyed, 1);
}

TEST(S55_store_gives_up_what_was_there_and_exchange_returns_it) {
    unsigned a = 0, b = 0;
    wr_cell c = {0};
    probe *p = probe_new(&a), *q = probe_new(&b);
    wr_cell_store(&c, p);
    wr_release(p);
    wr_cell_store(&c, q);
    CHECK_EQ(a, 1);
    CHECK_EQ(wr_refcount(q), 2);
    void *old = wr_cell_exchange(&c, NULL);
    CHECK_PTR_EQ(old, q);
    CHECK_EQ(wr_refcount(q), 2);
    wr_release(old);
    wr_release(q);
    CHECK_EQ(b, 1);
}

TEST(S55_compare_exchange_changes_the_cell_only_if_the_expected_object_is_there) {
    unsigned a = 0, b = 0;
    wr_cell c = {0};
    probe *p = probe_new(&a), *q = probe_new(&b);
    CHECK(!wr_cell_compare_exchange(&c, p, q));
    CHECK(wr_cell_compare_exchange(&c, NULL, p));
    CHECK(!wr_cell_compare_exchange(&c, NULL, q));
    CHECK(!wr_cell_compare_exchange(&c, q, p));
    CHECK_EQ(wr_refcount(p), 2);
    CHECK_EQ(wr_refcount(q), 1);
    CHECK(wr_cell_compare_exchange(&c, p, q));
    CHECK_EQ(wr_refcount(p), 1);
    CHECK_EQ(wr_refcount(q), 2);
    CHECK(wr_cell_compare_exchange(&c, q, q));
    CHECK_EQ(wr_refcount(q), 2);
    wr_release(p);
    wr_release(q);
    CHECK_EQ(a, 1);
    CHECK_EQ(b, 0);
    wr_cell_store(&c, NULL);
    CHECK_EQ(b, 1);
}

TEST(S55_a_cleared_or_killed_object_stays_in_its_cell) {
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = shy_new(&destroyed);
    wr_cell_store(&c, p);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK_EQ(wr_kill(p), 1);
    wr_release(p);
    void *q = wr_cell_load(&c);
    CHECK_PTR_EQ(q, p);
    wr_release(q);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_cell_borrow(&c, &b), p);
    wr_return(&b);
    CHECK(wr_cell_compare_exchange(&c, p, NULL)); /* it is alive as long as nobody else takes it out */
    CHECK_EQ(destroyed, 1);
}

TEST(a_cell_may_hold_what_cannot_be_weakly_referenced) {
    unsigned destroyed = 0;
    wr_type type = probe_type;
    type.flags = WR_NO_WEAKREF;
    probe *p = wr_new(&type);
    p->destroyed = &destroyed;
    wr_cell c = {0};
    wr_cell_store(&c, p);
    wr_release(p);
    void *q = wr_cell_load(&c);
    CHECK_PTR_EQ(q, p);
    wr_release(q);
    CHECK_EQ(destroyed, 0);
    wr_cell_store(&c, NULL);
    CHECK_EQ(destroyed, 1);
}

TEST(S55_what_is_borrowed_from_a_cell_outlives_its_leaving) {
    unsigned shy_destroyed = 0, plain_destroyed = 0;
    wr_cell c = {0};
    wr_borrowed b;
    probe *p = shy_new(&shy_destroyed), *q = probe_new(&plain_destroyed);
    wr_cell_store(&c, p);
    wr_release(p);
    CHECK_PTR_EQ(wr_cell_borrow(&c, &b), p);
    CHECK_EQ(wr_refcount(p), 1);
    wr_cell_store(&c, q);
    wr_release(q);
    CHECK_EQ(shy_destroyed, 0);
    wr_return(&b);
    CHECK_EQ(shy_destroyed, 1);
    CHECK_PTR_EQ(wr_cell_borrow(&c, &b), q); /* by a reference */
    CHECK_EQ(wr_refcount(q), 2);
    wr_cell_store(&c, NULL);
    CHECK_EQ(plain_destroyed, 0);
    wr_return(&b);
    CHECK_EQ(plain_destroyed, 1);
}

TEST(S55_65_borrows_from_a_cell_at_once) {
    unsigned destroyed = 0;
    wr_cell c = {0};
    wr_borrowed b[65];
    probe *p = shy_new(&destroyed);
    wr_cell_store(&c, p);
    wr_release(p);
    for (int i = 0; i < 65; i++)
        CHECK_PTR_EQ(wr_cell_borrow(&c, &b[i]), p);
    CHECK_EQ(wr_refcount(p), 2);
    wr_cell_store(&c, NULL);
    for (int i = 0; i < 65; i++) {
        CHECK_EQ(destroyed, 0);
        wr_return(&b[i]);
    }
    CHECK_EQ(destroyed, 1);
}

TEST(storing_the_last_reference_s_owner_of_another_cell_dies_without_recursion) {
    wr_cell c = {0};
    unsigned destroyed = 0;
    for (int i = 0; i < 1000; i++) {
        probe *p = probe_new(&destroyed);
        p->child = wr_cell_load(&c);
        wr_cell_store(&c, p);
        wr_release(p);
    }
    CHECK_EQ(destroyed, 0);
    wr_cell_store(&c, NULL);
    CHECK_EQ(destroyed, 1000);
}

/* ---- weak cells ---- */

TEST(a_weak_cell_holds_a_weak_value) {
    wr_weak_cell c = {0};
    unsigned destroyed = 0;
    CHECK(wr_weak_is_null(wr_weak_cell_load(&c)));
    CHECK_NULL(wr_weak_cell_get(&c));
    probe *p = probe_new(&destroyed), *q = probe_new(&destroyed);
    wr_weak v = wr_weak_of(p), w = wr_weak_of(q);
    wr_weak_cell_store(&c, v);
    CHECK(wr_weak_equal(wr_weak_cell_load(&c), v));
    CHECK(!wr_weak_cell_compare_exchange(&c, w, v));
    CHECK(wr_weak_cell_compare_exchange(&c, v, w));
    CHECK(wr_weak_equal(wr_weak_cell_exchange(&c, v), w));
    CHECK_EQ(wr_refcount(p), 1);
    void *got = wr_weak_cell_get(&c);
    CHECK_PTR_EQ(got, p);
    wr_release(got);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_NULL(wr_weak_cell_get(&c));
    wr_release(q);
}

static void get_from_weak_cell(void *arg) {
    void *got = wr_weak_cell_get(arg);
    CHECK_NOT_NULL(got); /* at no moment was there a dead value in it */
    wr_release(got);
}

TEST(a_get_from_a_weak_cell_whose_value_was_replaced_before_it_died_finds_the_new_one) {
    NEEDS_WALKER;
    wr_weak_cell c = {0};
    probe *p = probe_new(NULL), *q = probe_new(NULL);
    wr_weak_cell_store(&c, wr_weak_of(p));
    struct walker getter;
    walker_start(&getter, get_from_weak_cell, &c);
    walker_to(&getter, "add_acquire", &wr_slot_of(p)->word, 1);
    wr_weak_cell_store(&c, wr_weak_of(q));
    wr_release(p);
    walker_end(&getter);
    wr_release(q);
}

/* ---- a load against what happens to the cell ---- */

struct loading {
    struct walker walker;
    wr_cell *cell;
    probe *got;
    wr_borrowed b;
    bool symmetric; /* read-modify-writes in place of membarrier */
};

static void load(void *arg) {
    struct loading *l = arg;
    l->got = wr_cell_load(l->cell);
}

static void borrow(void *arg) {
    struct loading *l = arg;
    probe *own = shy_new(NULL);
    CHECK_NOT_NULL(wr_borrow(wr_weak_of(own), &l->b)); /* so that it is not the thread's first */
    l->symmetric = (uintptr_t)wr_hazards != l->b.r[0];
    wr_return(&l->b);
    wr_release(own);
    walker_turn();
    l->got = wr_cell_borrow(l->cell, &l->b);
    walker_turn();
    wr_return(&l->b);
}

static void to_add(struct loading *l, probe *p) {
    walker_start(&l->walker, load, l);
    walker_to(&l->walker, "add_acquire", &wr_slot_of(p)->word, 1);
}

static void to_second_look(struct loading *l, probe *p) {
    to_add(l, p);
    walker_to(&l->walker, "load_acquire", &l->cell->bits, 1);
}

TEST(S55_a_load_that_adds_to_a_dead_word_starts_again) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = probe_new(&destroyed), *q = probe_new(NULL);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    to_add(&l, p);
    wr_cell_store(&c, q);
    CHECK_EQ(destroyed, 1);
    walker_end(&l.walker);
    CHECK_PTR_EQ(l.got, q);
    CHECK_EQ(wr_refcount(q), 3);
    wr_release(l.got);
    wr_cell_store(&c, NULL);
    wr_release(q);
}

TEST(S55_a_load_that_adds_to_another_object_in_the_slot_gives_its_unit_back) {
    NEEDS_WALKER;
    unsigned destroyed = 0, later = 0;
    wr_cell c = {0};
    probe *p = probe_new(&destroyed);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    to_add(&l, p);
    wr_cell_store(&c, NULL);
    probe *q = probe_new(&later);
    if (q != p)
        SKIP("slots are not reused at once in this build");
    walker_to(&l.walker, "load_acquire", &c.bits, 1);
    CHECK_EQ(wr_refcount(q), 2);
    walker_end(&l.walker);
    CHECK_NULL(l.got);
    CHECK_EQ(wr_refcount(q), 1);
    wr_release(q);
    CHECK_EQ(later, 1);
}

TEST(S55_a_load_whose_unit_is_the_last_of_another_object_runs_no_user_code) {
    NEEDS_WALKER;
    unsigned later = 0;
    wr_cell c = {0};
    probe *p = probe_new(NULL);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    to_add(&l, p);
    wr_cell_store(&c, NULL);
    probe *q = probe_new(&later);
    if (q != p)
        SKIP("slots are not reused at once in this build");
    walker_to(&l.walker, "load_acquire", &c.bits, 1);
    wr_release(q);
    walker_end(&l.walker);
    CHECK_NULL(l.got);
    CHECK_EQ(later, 0);
    wr_release(probe_new(NULL)); /* any death */
    CHECK_EQ(later, 1);
}

TEST(S55_a_load_whose_cell_changed_gives_the_new_object) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = probe_new(&destroyed), *q = probe_new(NULL);
    wr_cell_store(&c, p);
    struct loading l = {.cell = &c};
    to_second_look(&l, p);
    wr_cell_store(&c, q);
    CHECK_EQ(wr_refcount(p), 2);
    walker_end(&l.walker);
    CHECK_PTR_EQ(l.got, q);
    CHECK_EQ(wr_refcount(p), 1);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    wr_release(l.got);
    wr_cell_store(&c, NULL);
    wr_release(q);
}

TEST(S55_a_load_whose_cell_changed_and_changed_back_has_one_reference) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = probe_new(&destroyed), *q = probe_new(NULL);
    wr_cell_store(&c, p);
    struct loading l = {.cell = &c};
    to_second_look(&l, p);
    wr_cell_store(&c, q);
    wr_cell_store(&c, p);
    walker_end(&l.walker);
    CHECK_PTR_EQ(l.got, p);
    CHECK_EQ(wr_refcount(p), 3);
    wr_cell_store(&c, NULL);
    wr_release(l.got);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    wr_release(q);
}

TEST(S55_a_load_is_not_disturbed_by_clear_or_kill) {
    NEEDS_WALKER;
    for (int kill = 0; kill < 2; kill++) {
        unsigned destroyed = 0;
        wr_cell c = {0};
        probe *p = probe_new(&destroyed);
        wr_cell_store(&c, p);
        struct loading l = {.cell = &c};
        to_add(&l, p);
        CHECK_EQ(kill ? wr_kill(p) : wr_weakref_clear(p), kill);
        walker_end(&l.walker);
        CHECK_PTR_EQ(l.got, p);
        wr_release(p);
        wr_cell_store(&c, NULL);
        CHECK_EQ(destroyed, 0);
        wr_release(l.got);
        CHECK_EQ(destroyed, 1);
    }
}

/* ---- a borrow from a cell against the same ---- */

static void start_borrow(struct loading *l) {
    walker_start(&l->walker, borrow, l);
    walker_to_turn(&l->walker);
}

TEST(S55_a_borrow_from_a_cell_that_was_emptied_before_the_word_was_seen_fails) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = shy_new(&destroyed);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    start_borrow(&l);
    walker_to(&l.walker, "load_acquire", &wr_slot_of(p)->word, 1);
    wr_cell_store(&c, NULL);
    CHECK_EQ(destroyed, 0); /* left to the borrower */
    walker_to_turn(&l.walker);
    CHECK_NULL(l.got);
    CHECK_EQ(destroyed, 1);
    walker_end(&l.walker);
    CHECK_EQ(destroyed, 1);
}

TEST(S55_a_borrow_from_a_cell_that_was_emptied_before_the_second_look_fails) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = shy_new(&destroyed), *q = shy_new(NULL);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    start_borrow(&l);
    walker_to(&l.walker, "load_acquire", &wr_slot_of(p)->word, 1);
    walker_to(&l.walker, "load_acquire", &c.bits, 1);
    wr_cell_store(&c, q);
    CHECK_EQ(destroyed, 0);
    walker_to_turn(&l.walker);
    CHECK_PTR_EQ(l.got, q);
    CHECK_EQ(destroyed, 1);
    walker_end(&l.walker);
    wr_cell_store(&c, NULL);
    CHECK_EQ(wr_refcount(q), 1);
    wr_release(q);
}

TEST(S55_a_borrow_from_a_cell_does_not_give_another_object_in_the_slot) {
    NEEDS_WALKER;
    unsigned destroyed = 0;
    wr_cell c = {0};
    probe *p = shy_new(&destroyed), *q = shy_new(NULL);
    wr_cell_store(&c, p);
    wr_release(p);
    struct loading l = {.cell = &c};
    start_borrow(&l);
    walker_to(&l.walker, l.symmetric ? "exchange_acq_rel" : "store_release", NULL, 1);
    wr_cell_store(&c, q);
    CHECK_EQ(destroyed, 1);
    probe *r = shy_new(NULL);
    if (r != p)
        SKIP("slots are not reused at once in this build");
    CHECK(!wr_weak_is_null(wr_weak_of(r)));
    walker_to_turn(&l.walker);
    CHECK_PTR_EQ(l.got, q);
    walker_end(&l.walker);
    wr_cell_store(&c, NULL);
    CHECK_EQ(wr_refcount(q), 1);
    CHECK_EQ(wr_refcount(r), 1);
    wr_release(q);
    wr_release(r);
}

/* ---- many threads ---- */

struct swapping {
    wr_cell cells[4];
    wr_weak_cell weak[4];
};

static atomic_uint swapped_made;
static unsigned swapped_destroyed;
static pthread_mutex_t swapped_lock = PTHREAD_MUTEX_INITIALIZER;
static void destroy_swapped(void *self) {
    CHECK_EQ(((probe *)self)->value, 42);
    ((probe *)self)->value = 0;
    pthread_mutex_lock(&swapped_lock);
    swapped_destroyed++;
    pthread_mutex_unlock(&swapped_lock);
}
static const wr_type swapped_types[2] = {
    {.abi = WR_TYPE_ABI, .name = "swapped", .size = sizeof(probe), .destroy = destroy_swapped},
    {.abi = WR_TYPE_ABI,
     .flags = WR_BORROWABLE,
     .name = "shy swapped",
     .size = sizeof(probe),
     .destroy = destroy_swapped}};

static void swap_and_read(unsigned index, void *arg) {
    struct swapping *s = arg;
    test_rng rng = rng_make(index);
    for (unsigned i = 0; i < scaled(20000); i++) {
        unsigned k = (unsigned)rng_below(&rng, 4), what = (unsigned)rng_below(&rng, 8);
        probe *p = NULL;
        wr_borrowed b = {{0}};
        switch (what) {
        case 0:
        case 1:
            p = wr_new(&swapped_types[what]);
            p->value = 42;
            atomic_fetch_add(&swapped_made, 1);
            wr_cell_store(&s->cells[k], p);
            wr_weak_cell_store(&s->weak[k], wr_weak_of(p));
            break;
        case 2:
            p = wr_cell_exchange(&s->cells[k], NULL);
            break;
        case 3:
            p = wr_weak_cell_get(&s->weak[k]);
            break;
        case 4:
            p = wr_cell_load(&s->cells[k]);
            (void)wr_cell_compare_exchange(&s->cells[(k + 1) % 4], NULL, p);
            break;
        case 5:
            p = wr_cell_load(&s->cells[k]);
            break;
        default:
            p = wr_cell_borrow(&s->cells[k], &b);
        }
        if (p != NULL)
            CHECK_EQ(p->value, 42);
        if (what > 5)
            wr_return(&b);
        else
            wr_release(p);
    }
}

TEST(S55_cells_swapped_under_readers) {
    static struct swapping s;
    run_threads(4, swap_and_read, &s);
    for (int i = 0; i < 4; i++)
        wr_cell_store(&s.cells[i], NULL);
    (void)wr_trim(); /* and what the last loads orphaned */
    CHECK_EQ(swapped_destroyed, atomic_load(&swapped_made));
    for (int i = 0; i < 4; i++)
        CHECK(wr_weak_is_dead(wr_weak_cell_load(&s.weak[i])));
}
