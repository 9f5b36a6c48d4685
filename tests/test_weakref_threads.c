/* SPDX-License-Identifier: MIT */
/* Weakrefs between threads, unforced: in batches, so that the threads meet often. What callbacks and holders write is
 * plain, so that ThreadSanitizer sees a missing order. */
#include "batches.h"

/* Everybody takes and drops the shared ref and proxy of the same objects. */
static void share_and_drop(unsigned index, void *arg) {
    struct batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            new_objects(b, false);
        step(b);
        for (unsigned i = 0; i < BATCH; i++) {
            wr_weakref *ref = new_ref(b->objs[i], NULL, NULL), *proxy = new_proxy(b->objs[i], NULL, NULL);
            CHECK_PTR_EQ(referent(ref), b->objs[i]);
            size_t count = wr_weakref_count(b->objs[i]);
            CHECK(count == 2);
            atomic_fetch_add(&b->met[wr_refcount(ref) > 1], 1);
            now_and_then_yield(index, i);
            wr_release(ref);
            wr_release(proxy);
        }
        step(b);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++) {
                CHECK_EQ(wr_weakref_count(b->objs[i]), 0);
                wr_release(b->objs[i]);
            }
    }
}

TEST(S5_shared_refs_taken_and_dropped_by_all) {
    run_batch(share_and_drop, THREADS, 1000);
}

/* One ends the objects, another drops the refs: called or not, the argument is destroyed once. */
static void end_and_drop(unsigned index, void *arg) {
    struct batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            new_objects(b, true);
        step(b);
        for (unsigned k = 0; k < BATCH; k++) {
            unsigned i = index ? k : (k + round) % BATCH;
            wr_release(index ? (void *)b->refs[i] : b->objs[i]);
            now_and_then_yield(index, k);
        }
        step(b);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++) {
                CHECK_LE(b->logs[i].calls, 1);
                CHECK_EQ(b->logs[i].dead, b->logs[i].calls);
                CHECK_EQ(b->logs[i].freed, 1);
                atomic_fetch_add(&b->met[b->logs[i].calls], 1);
            }
    }
}

TEST(S16_a_drop_against_the_death_calls_once_or_not_at_all) {
    run_batch(end_and_drop, 2, 2000);
}

/* The one that drops makes a weakref again at once, in the memory that the death just let go of. */
static void end_and_reuse(unsigned index, void *arg) {
    struct batch *b = arg;
    probe *own = probe_new(NULL);
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            new_objects(b, true);
        step(b);
        for (unsigned i = 0; i < BATCH; i++) {
            if (index == 0)
                wr_release(b->objs[i]);
            else {
                wr_release(b->refs[i]);
                b->own[0][i] = new_ref(own, logs, NULL);
            }
            now_and_then_yield(index, i);
        }
        step(b);
        for (unsigned i = 0; index == 1 && i < BATCH; i++)
            wr_release(b->own[0][i]);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++)
                atomic_fetch_add(&b->met[b->logs[i].calls], 1);
    }
    wr_release(own);
}

TEST(S17_what_a_death_let_go_of_is_reused_at_once) {
    run_batch(end_and_reuse, 2, 2000);
}

/* One ends the objects, another cancels: exactly one of both. */
static void end_and_cancel(unsigned index, void *arg) {
    struct batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            new_objects(b, true);
        step(b);
        for (unsigned k = 0; k < BATCH; k++) {
            unsigned i = index ? k : (k + round) % BATCH;
            if (index == 0 && round % 2)
                CHECK_EQ(wr_kill(b->objs[i]), 1);
            else if (index == 0)
                wr_release(b->objs[i]);
            else {
                b->cancelled[i] = wr_weakref_cancel(b->refs[i]);
                CHECK_EQ(b->logs[i].calls, 1 - b->cancelled[i]); /* seen without any other order */
                CHECK_EQ(b->logs[i].freed, 1);
            }
            now_and_then_yield(index, k);
        }
        step(b);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++) {
                CHECK_EQ(b->logs[i].calls, 1 - b->cancelled[i]);
                CHECK_EQ(b->logs[i].freed, 1);
                atomic_fetch_add(&b->met[b->cancelled[i]], 1);
                wr_release(b->refs[i]);
                if (round % 2)
                    wr_release(b->objs[i]);
            }
    }
}

TEST(S43_a_cancel_against_the_end_is_either_or) {
    run_batch(end_and_cancel, 2, 2000);
}

/* One drops the last reference while another works through proxies: pinned, or stale. */
static int reads_value(void *self, void *arg) {
    const struct number *n = self;
    CHECK_EQ(n->value, *(uint64_t *)arg);
    return 1;
}
static void end_and_call(unsigned index, void *arg) {
    struct batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            for (uint64_t i = 0; i < BATCH; i++) {
                b->objs[i] = (void *)number_new(round + i, NULL);
                b->refs[i] = new_proxy(b->objs[i], NULL, NULL);
                b->own[0][i] = new_ref(b->objs[i], NULL, NULL);
            }
        step(b);
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t expected = (uint64_t)round + i, hash = 0;
            char text[80];
            if (index == 0)
                wr_release(b->objs[i]);
            else {
                int called = 0, result = wr_call(b->refs[i], reads_value, &expected, &called);
                CHECK(result == 0 ? called == 1 : result == -ESTALE && called == 0);
                atomic_fetch_add(&b->met[result == 0], 1);
                result = wr_equal(b->refs[i], b->refs[i]);
                CHECK(result == 1 || result == -ESTALE);
                result = wr_hash(b->own[0][i], &hash);
                CHECK(result == -ESTALE || (result == 0 && hash == expected * 31 + 7));
                CHECK_GT(wr_describe(b->refs[i], text, sizeof text), 0);
            }
            now_and_then_yield(index, i);
        }
        step(b);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++) {
                CHECK_EQ(wr_call(b->refs[i], reads_value, NULL, NULL), -ESTALE);
                wr_release(b->refs[i]);
                wr_release(b->own[0][i]);
            }
    }
}

TEST(S32_S33_proxies_used_while_their_referents_die) {
    run_batch(end_and_call, THREADS, 1000);
}
