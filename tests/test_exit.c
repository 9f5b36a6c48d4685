/* SPDX-License-Identifier: MIT */
/* Threads that come and go: what they had in their caches serves others, also when weakrt is used in their last
 * moments. */
#include "word.h"

#include "common.h"

#include <limits.h>

static const wr_type sizes[] = {{.abi = WR_TYPE_ABI, .size = 16},
                                {.abi = WR_TYPE_ABI, .size = 200},
                                {.abi = WR_TYPE_ABI, .size = 1000},
                                {.abi = WR_TYPE_ABI, .size = 9000},
                                {.abi = WR_TYPE_ABI, .size = 60000}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void use_all_sizes(unsigned index, void *arg) {
    (void)index;
    (void)arg;
    for (unsigned i = 0; i < SIZES; i++) {
        void *a = wr_new(&sizes[i]), *b = wr_new(&sizes[i]);
        wr_weak w = wr_weak_of(a);
        wr_release(a);
        wr_release(b);
        CHECK(wr_weak_is_dead(w));
    }
}

TEST(the_caches_of_threads_that_ended_serve_others) {
    run_threads(2, use_all_sizes, NULL);
    uint32_t end = wr_arena.end;
    for (unsigned i = 0; i < scaled(2000); i++)
        run_threads(2, use_all_sizes, NULL);
    if (!ON_WEAR)
        CHECK_EQ(wr_arena.end, end);
}

TEST(the_caches_of_threads_that_ended_can_be_trimmed) {
    run_threads(3, use_all_sizes, NULL);
    CHECK_EQ(wr_trim(), ON_WEAR ? 0 : (size_t)SIZES * (2 << 20));
}

/* Objects made here, released there: the slots must find their way back. */
struct belt {
    pthread_barrier_t step;
    void *objects[1000];
    unsigned rounds;
    unsigned destroyed;
};

static void make_or_release(unsigned index, void *arg) {
    struct belt *belt = arg;
    for (unsigned round = 0; round < belt->rounds; round++) {
        for (unsigned i = 0; index == 0 && i < 1000; i++) {
            belt->objects[i] = probe_new(&belt->destroyed);
            if (i % 2)
                (void)wr_weak_of(belt->objects[i]);
        }
        pthread_barrier_wait(&belt->step);
        for (unsigned i = 0; index == 1 && i < 1000; i++)
            wr_release(belt->objects[i]);
        pthread_barrier_wait(&belt->step);
    }
}

TEST(objects_freed_on_another_thread_for_many_rounds_do_not_grow) {
    static struct belt belt;
    REQUIRE(pthread_barrier_init(&belt.step, NULL, 2) == 0);
    belt.rounds = 3;
    run_threads(2, make_or_release, &belt);
    uint32_t end = wr_arena.end;
    belt.rounds = scaled(3000);
    run_threads(2, make_or_release, &belt);
    CHECK_EQ(belt.destroyed, (3 + belt.rounds) * 1000);
    if (!ON_WEAR)
        CHECK_EQ(wr_arena.end, end);
}

/* ---- TLS destructors of the user's that run before and after the library's ---- */

/* ThreadSanitizer itself leaves in the last pass. */
enum { PASSES = ON_TSAN ? PTHREAD_DESTRUCTOR_ITERATIONS - 1 : PTHREAD_DESTRUCTOR_ITERATIONS };

static pthread_key_t late_key;
struct late {
    void *object;  /* a chain that the destructor drops */
    wr_weak value; /* of somebody else's object */
    unsigned passes;
    unsigned destroyed;
};

static void *chain(unsigned length, unsigned *destroyed) {
    probe *head = NULL;
    for (unsigned i = 0; i < length; i++) {
        probe *p = probe_new(destroyed);
        p->child = head;
        (void)wr_weak_of(p);
        head = p;
    }
    return head;
}

static void use_late(void *arg) {
    struct late *late = arg;
    void *got = wr_weak_get(late->value);
    CHECK_NOT_NULL(got);
    wr_release(got);
    wr_release(late->object);
    late->object = chain(50, &late->destroyed);
    wr_weak w = wr_weak_of(late->object);
    CHECK(can_get(w));
    use_all_sizes(0, NULL);
    if (++late->passes < PASSES) {
        REQUIRE(pthread_setspecific(late_key, late) == 0);
    } else {
        wr_release(late->object);
        CHECK(wr_weak_is_dead(w));
    }
}

static void end_with_late_use(unsigned index, void *arg) {
    struct late *late = (struct late *)arg + index;
    late->object = chain(50, &late->destroyed);
    REQUIRE(pthread_setspecific(late_key, late) == 0);
}

TEST(thread_exit_destructors_may_use_weakrt_after_it_has_left) {
    static struct late late[4];
    uint32_t end = 0;
    probe *other = probe_new(NULL);
    REQUIRE(pthread_key_create(&late_key, use_late) == 0);
    for (unsigned round = 0; round < scaled(300); round++) {
        for (unsigned i = 0; i < 4; i++)
            late[i] = (struct late){.value = wr_weak_of(other)};
        run_threads(4, end_with_late_use, late);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_EQ(late[i].passes, PASSES);
            CHECK_EQ(late[i].destroyed, 50 * (PASSES + 1));
        }
        if (round == 0 || ON_WEAR)
            end = wr_arena.end;
        CHECK_EQ(wr_arena.end, end);
    }
    wr_release(other);
}

static void first_use_is_late(unsigned index, void *arg) {
    struct late *late = (struct late *)arg + index;
    REQUIRE(pthread_setspecific(late_key, late) == 0); /* the thread itself never calls weakrt */
}

TEST(the_first_use_of_weakrt_may_be_in_a_thread_exit_destructor) {
    static struct late late[4];
    probe *other = probe_new(NULL);
    REQUIRE(pthread_key_create(&late_key, use_late) == 0);
    for (unsigned i = 0; i < 4; i++)
        late[i] = (struct late){.value = wr_weak_of(other)};
    run_threads(4, first_use_is_late, late);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(late[i].destroyed, 50 * PASSES);
    wr_release(other);
}
