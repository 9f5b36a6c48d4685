/* SPDX-License-Identifier: MIT */
/* Python's own tests of weakrefs in its free-threaded build (test_free_threading/test_weakref.py), translated: the
 * first of the list is read while refs come and go. docs/python.md has the whole table. */
#include "weakrefs.h"

struct racing {
    probe *o;
    unsigned readers, rounds;
    atomic_uint reading;
    atomic_uint seen;
};
static void read_or_change(unsigned index, void *arg) {
    struct racing *r = arg;
    if (index < r->readers) {
        for (unsigned i = 0; i < r->rounds; i++) {
            wr_weakref *head = NULL;
            size_t count = wr_weakref_list(r->o, &head, 1);
            CHECK_EQ(head != NULL, count > 0);
            if (head) {
                CHECK(wr_weakref_check_ref_exact(head));
                CHECK_PTR_EQ(referent(head), r->o);
                wr_release(head);
                atomic_fetch_add(&r->seen, 1);
            }
        }
        atomic_fetch_sub(&r->reading, 1);
    } else {
        while (atomic_load(&r->reading) > 0)
            wr_release(new_ref(r->o, logs, NULL));
    }
}
static void check_race(unsigned readers, unsigned changers) {
    struct racing r = {.o = probe_new(NULL), .readers = readers, .rounds = scaled(5000), .reading = readers};
    run_threads(readers + changers, read_or_change, &r);
    CHECK_EQ(wr_weakref_count(r.o), 0);
    CHECK_EQ(wr_refcount(r.o), 1);
    wr_release(r.o);
}
TEST(test_getweakref_no_crash) {
    check_race(1, 1);
}
TEST(test_getweakref_many_readers) {
    check_race(3, 3);
}

TEST(test_getweakref_return_type) {
    wr_weakref *head = NULL;
    probe *o = probe_new(NULL);
    CHECK_EQ(wr_weakref_list(o, &head, 1), 0);
    CHECK_NULL(head);
    wr_weakref *ref = new_ref(o, NULL, NULL);
    CHECK_EQ(wr_weakref_list(o, &head, 1), 1);
    CHECK_PTR_EQ(head, ref);
    wr_release(head);
    wr_release(ref);
    CHECK_EQ(wr_weakref_list(o, &head, 1), 0);
    wr_release(o);
}

TEST(test_getweakref_no_refcount_leak) {
    probe *o = probe_new(NULL);
    wr_weakref *ref = new_ref(o, NULL, NULL), *head;
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(wr_weakref_list(o, &head, 1), 1);
        wr_release(head);
    }
    CHECK_EQ(wr_refcount(ref), 1);
    wr_release(ref);
    wr_release(o);
}
