/* SPDX-License-Identifier: MIT */
/* Objects between threads: who sees what, and that each thing happens once. The payloads are written and read
 * without atomics, so that ThreadSanitizer sees a missing order. */
#include "common.h"

#include <sched.h>

enum { BATCH = 64, WRITERS = 3 };

/* An object whose holders each write a field of their own; destroy reads them all. */
struct shared {
    unsigned *destroyed;
    uint64_t written[WRITERS];
    bool expected[WRITERS];
};

static void shared_destroy(void *self) {
    struct shared *s = self;
    for (unsigned i = 0; i < WRITERS; i++)
        if (s->expected[i])
            CHECK_EQ(s->written[i], i + 1);
    ++*s->destroyed;
}

static const wr_type shared_type = {
    .abi = WR_TYPE_ABI, .name = "shared", .size = sizeof(struct shared), .destroy = shared_destroy};

struct arena_of_batch {
    pthread_barrier_t step;
    struct shared *objects[BATCH];
    wr_weak values[BATCH];
    unsigned destroyed[BATCH];
    unsigned rounds;
    bool weak;
    atomic_uint won, lost;
};

static void fill(struct arena_of_batch *b) {
    for (unsigned i = 0; i < BATCH; i++) {
        struct shared *s = wr_new(&shared_type);
        REQUIRE(s != NULL);
        b->destroyed[i] = 0;
        s->destroyed = &b->destroyed[i];
        b->objects[i] = s;
        b->values[i] = (wr_weak){0};
        if (b->weak)
            b->values[i] = wr_weak_of(s);
        for (unsigned w = 0; w < WRITERS; w++)
            s->expected[w] = true;
        for (unsigned w = 1; w < WRITERS; w++)
            wr_retain(s);
    }
}

static void write_and_release(unsigned index, void *arg) {
    struct arena_of_batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0)
            fill(b);
        pthread_barrier_wait(&b->step);
        for (unsigned i = 0; i < BATCH; i++) {
            struct shared *s = b->objects[i];
            s->written[index] = index + 1;
            wr_release(s);
            if (i % 8 == index)
                sched_yield();
        }
        pthread_barrier_wait(&b->step);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++)
                CHECK_EQ(b->destroyed[i], 1);
    }
}

static void run_batches(struct arena_of_batch *b, unsigned threads, test_thread fn) {
    REQUIRE(pthread_barrier_init(&b->step, NULL, threads) == 0);
    run_threads(threads, fn, b);
    pthread_barrier_destroy(&b->step);
}

TEST(S57_destroy_sees_what_every_holder_wrote) {
    struct arena_of_batch b = {.rounds = scaled(3000), .weak = true};
    run_batches(&b, WRITERS, write_and_release);
}

TEST(S57_destroy_of_a_never_weak_object_too) {
    struct arena_of_batch b = {.rounds = scaled(3000), .weak = false};
    run_batches(&b, WRITERS, write_and_release);
}

/* Thread 0 owns the objects and drops them; the others look them up meanwhile. */
static void get_or_lose(unsigned index, void *arg) {
    struct arena_of_batch *b = arg;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0) {
            fill(b);
            for (unsigned i = 0; i < BATCH; i++) {
                for (unsigned w = 1; w < WRITERS; w++) {
                    wr_release(b->objects[i]);
                    b->objects[i]->expected[w] = false;
                }
            }
        }
        pthread_barrier_wait(&b->step);
        for (unsigned i = 0; i < BATCH; i++) {
            if (index == 0) {
                b->objects[i]->written[0] = 1;
                wr_release(b->objects[i]);
            } else {
                struct shared *s = wr_weak_get(b->values[i]);
                bool dead_before = s == NULL;
                atomic_fetch_add_explicit(s ? &b->won : &b->lost, 1, memory_order_relaxed);
                if (s) {
                    CHECK(s->expected[0]);
                    s->written[index] = index + 1;
                    s->expected[index] = true;
                    wr_release(s);
                }
                s = wr_weak_get(b->values[i]);
                CHECK(!(dead_before && s != NULL)); /* S22 */
                wr_release(s);
                if (wr_weak_is_dead(b->values[i]))
                    CHECK_NULL(wr_weak_get(b->values[i]));
            }
            if (i % 8 == index)
                sched_yield();
        }
        pthread_barrier_wait(&b->step);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++)
                CHECK_EQ(b->destroyed[i], 1);
    }
}

TEST(S22_get_against_the_last_release) {
    struct arena_of_batch b = {.rounds = scaled(3000), .weak = true};
    run_batches(&b, WRITERS, get_or_lose);
    CHECK_GT(atomic_load(&b.won), 0);
    CHECK_GT(atomic_load(&b.lost), 0);
}

/* Of all threads exactly one kills each object, and the others see what it wrote before. */
struct killing {
    struct arena_of_batch batch;
    unsigned by[BATCH];
    atomic_uint winners[BATCH];
};

static void kill_all(unsigned index, void *arg) {
    struct killing *k = arg;
    struct arena_of_batch *b = &k->batch;
    for (unsigned round = 0; round < b->rounds; round++) {
        if (index == 0) {
            fill(b);
            for (unsigned i = 0; i < BATCH; i++)
                atomic_store(&k->winners[i], 0);
        }
        pthread_barrier_wait(&b->step);
        for (unsigned i = 0; i < BATCH; i++) {
            struct shared *s = b->objects[i];
            s->written[index] = index + 1;
            int killed = wr_kill(s);
            if (killed == 1)
                atomic_fetch_add_explicit(&k->winners[i], 1, memory_order_relaxed);
            CHECK(killed == 0 || killed == 1);
            CHECK(wr_weak_is_dead(b->values[i]));
            CHECK_NULL(wr_weak_get(b->values[i]));
            CHECK(wr_weak_is_null(wr_weak_of(s)));
            if (i % 8 == index)
                sched_yield();
        }
        pthread_barrier_wait(&b->step);
        for (unsigned i = 0; i < BATCH; i++) {
            CHECK_EQ(atomic_load(&k->winners[i]), 1);
            wr_release(b->objects[i]);
        }
        pthread_barrier_wait(&b->step);
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++)
                CHECK_EQ(b->destroyed[i], 1);
    }
}

TEST(S41_of_many_killers_one_wins) {
    static struct killing k;
    k.batch = (struct arena_of_batch){.rounds = scaled(2000), .weak = true};
    run_batches(&k.batch, WRITERS, kill_all);
}

/* S57: each thread leaves word for whoever finds the object killed already. */
struct testament {
    pthread_barrier_t step;
    void *objects[BATCH];
    uint64_t notes[2][BATCH]; /* written before kill by thread 0 and 1, not atomic */
    unsigned rounds;
};

static void kill_and_tell(unsigned index, void *arg) {
    struct testament *t = arg;
    for (unsigned round = 1; round <= t->rounds; round++) {
        if (index == 0)
            for (unsigned i = 0; i < BATCH; i++)
                t->objects[i] = wr_retain(probe_new(NULL));
        pthread_barrier_wait(&t->step);
        for (unsigned i = 0; i < BATCH; i++) {
            t->notes[index][i] = round;
            if (wr_kill(t->objects[i]) == 0)
                CHECK_EQ(t->notes[1 - index][i], round); /* the loser reads what the winner wrote */
            if (i % 8 == index)
                sched_yield();
        }
        pthread_barrier_wait(&t->step);
        for (unsigned i = 0; i < BATCH; i++)
            wr_release(t->objects[i]);
        pthread_barrier_wait(&t->step);
    }
}

TEST(S57_what_the_killer_wrote_is_seen_by_the_loser) {
    static struct testament t;
    t.rounds = scaled(2000);
    REQUIRE(pthread_barrier_init(&t.step, NULL, 2) == 0);
    run_threads(2, kill_and_tell, &t);
}
