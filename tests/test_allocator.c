/* SPDX-License-Identifier: MIT */
/* The allocator of everything that is not an object: which one is used, and that every failure of it is survived. */
#include "word.h"

#include "common.h"

static struct {
    atomic_uint calls; /* that ask for memory */
    unsigned fail_at;  /* the call that fails, from 1; 0: none */
    bool fail_all;
    void *blocks[64];
    atomic_uint block_count;
} allocator;

static void *allocate(void *ctx, void *ptr, size_t size) {
    CHECK_PTR_EQ(ctx, &allocator);
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    unsigned call = atomic_fetch_add(&allocator.calls, 1) + 1;
    if (allocator.fail_all || call == allocator.fail_at) {
        errno = ENOMEM;
        return NULL;
    }
    CHECK_NULL(ptr);
    void *memory = malloc(size);
    REQUIRE(memory != NULL);
    memset(memory, 0xa5, size); /* it need not be zero */
    return memory;
}

static atomic_uint finalized;
static void count_finalize(void *self) {
    (void)self;
    finalized++;
}

/* Some of everything, which must work whatever the allocator does. */
static void use_core(unsigned index, void *arg) {
    (void)index;
    (void)arg;
    static const wr_type final = {.abi = WR_TYPE_ABI, .size = 40, .finalize = count_finalize};
    unsigned destroyed = 0;
    errno = ENOTTY;
    for (unsigned i = 0; i < 200; i++) {
        probe *p = probe_new(&destroyed);
        wr_weak w = wr_weak_of(p);
        p->child = probe_new(&destroyed);
        CHECK(can_get(w));
        if (i % 2)
            CHECK_EQ(wr_kill(p), 1);
        wr_release(p);
        CHECK_EQ(destroyed, 2 * (i + 1));
        CHECK(wr_weak_is_dead(w));
        wr_release(wr_box_new(NULL, NULL));
        void *f = wr_new(&final);
        CHECK_NOT_NULL(f);
        wr_release(f);
    }
    (void)wr_trim();
    CHECK_EQ(errno, ENOTTY);
}

static void use_core_twice(void) {
    use_core(0, NULL);
    run_threads(1, use_core, NULL);
    CHECK_EQ(atomic_load(&finalized), 400);
}

TEST(the_allocator_is_asked_with_its_context) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    use_core_twice();
    CHECK_GT(atomic_load(&allocator.calls), 0);
}

TEST(the_allocator_may_be_chosen_again_until_it_is_used) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    CHECK_EQ(wr_set_allocator(NULL, &allocator), 0); /* the C library's */
    use_core_twice();
    CHECK_EQ(atomic_load(&allocator.calls), 0);
}

TEST(the_allocator_cannot_be_changed_once_it_was_used) {
    wr_release(probe_new(NULL));
    CHECK_EQ(wr_set_allocator(allocate, &allocator), -EBUSY);
    run_threads(2, use_core, NULL);
    CHECK_EQ(atomic_load(&allocator.calls), 0);
}

TEST(each_allocation_may_fail_in_turn) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    do {
        allocator.fail_at++;
        atomic_store(&allocator.calls, 0);
        atomic_store(&finalized, 0);
        use_core_twice();
    } while (atomic_load(&allocator.calls) >= allocator.fail_at); /* there was such a call */
    CHECK_GT(allocator.fail_at, 1);
}

TEST(S19_nothing_needs_an_allocation) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    allocator.fail_all = true;
    use_core_twice();
    CHECK_GT(atomic_load(&allocator.calls), 0);
}

static void chain_of(unsigned length, unsigned *destroyed) {
    probe *head = NULL;
    for (unsigned i = 0; i < length; i++) {
        probe *p = probe_new(destroyed);
        (void)wr_weak_of(p);
        p->child = head;
        head = p;
    }
    wr_release(head);
}

TEST(S21_chains_die_without_recursion_when_no_record_can_be_had) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    allocator.fail_all = true;
    unsigned destroyed = 0, length = scaled(100000);
    chain_of(length, &destroyed);
    CHECK_EQ(destroyed, length);
}

TEST(a_thread_gets_its_record_when_memory_is_back) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    allocator.fail_all = true;
    use_core(0, NULL);
    unsigned failures = atomic_load(&allocator.calls);
    CHECK_GT(failures, 1); /* each use asks again */
    allocator.fail_all = false;
    use_core(0, NULL);
    CHECK_GT(atomic_load(&allocator.calls), failures);
    failures = atomic_load(&allocator.calls);
    use_core(0, NULL);
    CHECK_EQ(atomic_load(&allocator.calls), failures); /* and then no more */
}

TEST(without_a_record_the_slots_of_a_batch_are_not_lost) {
    enum { COUNT = 20000 };
    static void *objects[COUNT];
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    allocator.fail_all = true;
    for (unsigned i = 0; i < COUNT; i++)
        objects[i] = probe_new(NULL);
    CHECK_LE(wr_arena.end, 2 * (2 << 20) / WR_GRANULE); /* 64 bytes each */
    for (unsigned i = 0; i < COUNT; i++)
        wr_release(objects[i]);
}

static void die_quietly(unsigned index, void *arg) {
    (void)index;
    (void)arg;
    wr_release(probe_new(NULL));
}

TEST(the_records_of_threads_that_ended_serve_others) {
    CHECK_EQ(wr_set_allocator(allocate, &allocator), 0);
    run_threads(3, die_quietly, NULL);
    CHECK_LE(atomic_load(&allocator.calls), 3);
    for (unsigned i = 0; i < 100; i++)
        run_threads(3, die_quietly, NULL);
    CHECK_LE(atomic_load(&allocator.calls), 3);
}

static void choose_or_use(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) {
        int result = wr_set_allocator(allocate, &allocator);
        CHECK(result == 0 || result == -EBUSY);
    } else {
        wr_release(probe_new(NULL));
    }
}

TEST(the_allocator_is_chosen_while_threads_begin) {
    run_threads(4, choose_or_use, NULL);
    CHECK_EQ(wr_set_allocator(NULL, NULL), -EBUSY);
}
