/* SPDX-License-Identifier: MIT */
/* Clear against registration between threads, unforced: S39. */
#include "batches.h"

/* One clears while others register: each callback runs once, in a clear or at the death. */
static void clear_and_register(unsigned index, void *arg) {
    struct batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            new_objects(b, round % 2);
        step(b);
        for (unsigned i = 0; i < BATCH; i++) {
            if (index == 0)
                CHECK_EQ(wr_weakref_clear(b->objs[i]), 0);
            else
                b->own[index][i] = new_ref(b->objs[i], NULL, NULL);
            now_and_then_yield(index, i);
        }
        step(b);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++) {
                size_t alive = 0;
                for (unsigned t = 1; t < THREADS; t++) {
                    bool dead = wr_weakref_is_dead(b->own[t][i]) == 1;
                    alive += !dead && (t == 1 || b->own[t][i] != b->own[1][i]);
                    atomic_fetch_add(&b->met[dead], 1);
                    CHECK_PTR_EQ(referent(b->own[t][i]), dead ? NULL : b->objs[i]);
                }
                CHECK_EQ(wr_weakref_count(b->objs[i]),
                         alive); /* on the list exactly while its tag is alive */
                CHECK_EQ(b->logs[i].calls, round % 2);
                wr_release(b->objs[i]);
                for (unsigned t = 1; t < THREADS; t++)
                    wr_release(b->own[t][i]);
                CHECK_EQ(b->logs[i].calls, round % 2);
                wr_release(b->refs[i]);
            }
    }
}

TEST(S39_clear_against_registration) {
    run_batch(clear_and_register, THREADS, 1000);
}

static void nothing(wr_weakref *ref, void *arg) {
    (void)ref, (void)arg;
}

/* One clears an object again and again; what the others registered on it is listed as long as it is alive. */
static void clear_or_list(unsigned index, void *arg) {
    struct batch *b = arg;
    while (index == 0 && atomic_load(&b->done) < THREADS - 1) {
        CHECK_EQ(wr_weakref_clear(b->objs[0]), 0);
        sched_yield();
    }
    for (unsigned round = 0; index > 0 && round < b->rounds; round++) {
        wr_weakref *out[64], *ref = new_ref(b->objs[0], nothing, NULL);
        now_and_then_yield(index, round); /* so that clears come in between */
        size_t count = wr_weakref_list(b->objs[0], out, 64);
        bool listed = false;
        for (size_t i = 0; i < count; i++) {
            listed |= out[i] == ref;
            wr_release(out[i]);
        }
        CHECK(listed || wr_weakref_is_dead(ref) == 1);
        CHECK_LE(count, 64); /* those of the others, and old ones that somebody who listed them still holds */
        atomic_fetch_add(&b->met[listed], 1);
        wr_weakref_cancel(ref);
        wr_release(ref);
    }
    atomic_fetch_add(&b->done, 1);
}

static void clear_or_list_one(unsigned index, void *arg) {
    struct batch *b = arg;
    if (index == 0) {
        b->objs[0] = probe_new(NULL);
        b->refs[0] = new_ref(b->objs[0], nothing, NULL);
    }
    step(b);
    clear_or_list(index, arg);
    step(b);
    if (index == 0) {
        CHECK_EQ(wr_weakref_count(b->objs[0]), 0);
        wr_release(b->objs[0]);
        wr_release(b->refs[0]);
    }
}

TEST(S39_a_weakref_is_listed_exactly_while_it_is_alive) {
    if (ON_WEAR)
        SKIP("tags that are nearly used up allow some hundred clears only");
    run_batch(clear_or_list_one, THREADS, 50000);
}
