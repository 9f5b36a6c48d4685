/* SPDX-License-Identifier: MIT */
/* S54: weak values that nobody made. Nothing crashes, nothing is written, and wr_weak_check refuses what is inside an
 * object, whatever the payload says. */
#include "word.h"

#include "common.h"

static wr_weak forge(uint32_t index, uint32_t tag) {
    return wr_weak_from_u64((uint64_t)index << 32 | tag);
}

TEST(S54_an_index_past_the_end_reads_dead) {
    probe *p = probe_new(NULL);
    (void)wr_weak_of(p);
    for (uint64_t index = wr_arena.end; index <= UINT32_MAX; index += index / 100 + 1) {
        wr_weak w = forge((uint32_t)index, 1);
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        CHECK_EQ(wr_weak_check(w.bits, NULL), -EINVAL);
    }
    wr_release(p);
}

TEST(S54_an_even_tag_reads_dead_and_writes_nothing) {
    probe *p = probe_new(NULL);
    wr_weak real = wr_weak_of(p);
    uint32_t index = (uint32_t)(real.bits >> 32), tag = (uint32_t)real.bits;
    struct wr_slot before = *wr_slot_of(p);
    const uint32_t even[] = {0, 2, tag - 1, tag + 1, 0xfffffffe};
    for (unsigned i = 0; i < sizeof even / sizeof even[0]; i++) {
        wr_weak w = forge(index, even[i]), out = real;
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        CHECK_EQ(wr_weak_check(w.bits, &out), -EINVAL);
        CHECK(wr_weak_is_null(out));
        CHECK(memcmp(&before, wr_slot_of(p), sizeof before) == 0);
    }
    struct wr_slot *slot = wr_slot_of(p);
    wr_release(p);
    wr_weak of_the_dead = forge(index, (uint32_t)slot->word); /* what the slot says now */
    CHECK(wr_weak_is_dead(of_the_dead));
    CHECK_NULL(wr_weak_get(of_the_dead));
}

TEST(S54_a_tag_never_made_reads_dead_and_leaves_no_count) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak real = wr_weak_of(p);
    uint32_t index = (uint32_t)(real.bits >> 32), tag = (uint32_t)real.bits;
    const uint32_t never[] = {tag + 2, tag + 4, 0xfffffffd, 0xffffffff, tag | 0x40000000};
    for (unsigned i = 0; i < sizeof never / sizeof never[0]; i++) {
        wr_weak w = forge(index, never[i]);
        if (never[i] == tag)
            continue;
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        CHECK_EQ(wr_refcount(p), 1);
    }
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    for (unsigned i = 0; i < sizeof never / sizeof never[0]; i++)
        CHECK_NULL(wr_weak_get(forge(index, never[i]))); /* on the dead word now */
    for (unsigned i = 0; i < 600; i++) {
        p = probe_new(&destroyed);
        CHECK_EQ(wr_refcount(p), 1);
        wr_release(p);
    }
}

TEST(S54_the_right_guess_on_a_slot_never_minted_is_dead_and_writes_nothing) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    struct wr_slot *slot = wr_slot_of(p), before = *slot;
    wr_weak guess = forge(wr_index_of(slot), (uint32_t)slot->word);
    CHECK(wr_weak_is_dead(guess));
    CHECK_NULL(wr_weak_get(guess));
    CHECK(memcmp(&before, slot, sizeof before) == 0);
    wr_release(p);
    before = *slot;
    CHECK_NULL(wr_weak_get(guess));
    CHECK(memcmp(&before, slot, sizeof before) == 0);
    CHECK_EQ(destroyed, 1);
}

TEST(the_dead_are_looked_up_without_a_write) {
    for (int killed = 0; killed < 2; killed++) {
        probe *p = probe_new(NULL);
        wr_weak w = wr_weak_of(p);
        struct wr_slot *slot = wr_slot_of(p), before;
        if (killed)
            CHECK_EQ(wr_kill(p), 1);
        else
            wr_release(p);
        before = *slot;
        CHECK(wr_weak_is_dead(w));
        CHECK_NULL(wr_weak_get(w));
        CHECK(memcmp(&before, slot, sizeof before) == 0);
        if (killed)
            wr_release(p);
    }
}

/* Is the granule at `index` the header of one of the objects? They are sorted by address. */
static void *object_at(void **objects, size_t count, uint32_t index) {
    size_t low = 0, high = count;
    void *payload = wr_payload_of(wr_slot_at(index));
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)objects[middle] < (uintptr_t)payload)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && objects[low] == payload ? payload : NULL;
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t) * (void *const *)a, y = (uintptr_t) * (void *const *)b;
    return (x > y) - (x < y);
}

/* Fill a payload with granules that each look like the header of a live object with this tag. */
static void look_alive(char *payload, size_t size, uint32_t tag, const wr_type *type) {
    for (size_t at = 0; at + sizeof(struct wr_slot) <= size; at += sizeof(struct wr_slot)) {
        struct wr_slot fake = {.word = 5 * WR_ONE | WR_DONE | tag, .type = type, .below = 1};
        memcpy(payload + at, &fake, sizeof fake);
    }
}

TEST(S54_check_refuses_the_inside_of_every_slot) {
    enum { COUNT = 600 };
    static void *objects[COUNT];
    static wr_type types[COUNT];
    static uint32_t tags[COUNT];
    size_t accepted = 0, dead = 0, refused = 0, live = 0;
    test_rng rng = rng_make(1);

    for (unsigned i = 0; i < COUNT; i++) {
        types[i] = PLAIN_TYPE(i % 20 == 0 ? 65536 : 32 + rng_below(&rng, i % 3 ? 400 : 5000));
        REQUIRE((objects[i] = wr_new(&types[i])) != NULL);
        if (i % 4 != 0)
            (void)wr_weak_of(objects[i]);
    }
    qsort(objects, COUNT, sizeof objects[0], by_address);
    for (unsigned i = 0; i < COUNT; i++) {
        tags[i] = (uint32_t)wr_slot_of(objects[i])->word;
        look_alive(objects[i], wr_type_of(objects[i])->size, tags[i], wr_type_of(objects[i]));
    }

    uint32_t step = watched() ? 3 : 1; /* 1: every index of the committed range */
    for (uint32_t index = (uint32_t)rng_below(&rng, step); index < wr_arena.end; index += step) {
        void *object = object_at(objects, COUNT, index);
        uint32_t tag = object ? (uint32_t)wr_slot_of(object)->word : tags[0];
        wr_weak w = {1};
        if (wr_weak_check((uint64_t)index << 32 | tag, &w) != 0) {
            refused++;
            if (object != NULL || !wr_weak_is_null(w))
                FAIL("index %u: refused, but it is an object, or left something", (unsigned)index);
            continue;
        }
        accepted++;
        void *got = wr_weak_get(w); /* what was accepted is safe to use */
        if (got != NULL && got != object)
            FAIL("index %u gives %p, which is no object", (unsigned)index, got);
        live += got != NULL;
        dead += got == NULL;
        wr_release(got);
    }
    CHECK_GT(refused, 0);
    CHECK_GE(accepted, COUNT / step / 2);
    CHECK_GT(dead, 0);
    if (step == 1)
        CHECK_EQ(live, COUNT * 3 / 4);

    for (unsigned i = 0; i < COUNT; i++) {
        size_t size = wr_type_of(objects[i])->size / sizeof(struct wr_slot) * sizeof(struct wr_slot);
        char *as_it_was = malloc(size);
        REQUIRE(as_it_was != NULL);
        look_alive(as_it_was, size, tags[i], wr_type_of(objects[i]));
        CHECK(memcmp(as_it_was, objects[i], size) == 0);
        CHECK_EQ(wr_refcount(objects[i]), 1);
        free(as_it_was);
        wr_release(objects[i]);
    }
}

TEST(S54_random_bits_that_pass_the_check_are_safe) {
    enum { COUNT = 500 };
    static void *objects[COUNT];
    static const wr_type odd_size = {.abi = WR_TYPE_ABI, .size = 200};
    test_rng rng = rng_make(1);
    unsigned passed = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        REQUIRE((objects[i] = wr_new(&odd_size)) != NULL);
        memset(objects[i], 0x11, 200);
        (void)wr_weak_of(objects[i]);
    }
    for (unsigned i = 0; i < scaled(2000000); i++) {
        uint64_t bits = rng_next(&rng);
        if (i % 2) /* most random bits are far past the end: half of these are not */
            bits = rng_below(&rng, wr_arena.end) << 32 | (rng_below(&rng, 16) + (ON_WEAR ? 0xffffff00u : 0));
        wr_weak w;
        if (wr_weak_check(bits, &w) != 0) {
            CHECK(wr_weak_is_null(w));
            continue;
        }
        passed++;
        CHECK_EQ(wr_weak_to_u64(w), bits);
        (void)wr_weak_is_dead(w);
        wr_release(wr_weak_get(w));
    }
    CHECK_GT(passed, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned wrong = 0;
        for (unsigned j = 0; j < 200; j++)
            wrong += ((unsigned char *)objects[i])[j] != 0x11;
        CHECK_EQ(wrong, 0);
        CHECK_EQ(wr_refcount(objects[i]), 1);
        wr_release(objects[i]);
    }
}

TEST(S54_slot_zero_is_never_an_object) {
    wr_type type = PLAIN_TYPE(32);
    for (unsigned i = 0; i < 100; i++) {
        void *p = wr_new(&type);
        CHECK_NE(wr_weak_of(p).bits >> 32, 0);
        wr_release(p);
    }
    CHECK_EQ(wr_weak_check(1, NULL), -EINVAL);
    CHECK_EQ(wr_weak_check(0, NULL), -EINVAL);
    CHECK_NULL(wr_weak_get(forge(0, 1)));
}

TEST(S54_the_tail_of_a_chunk_holds_no_slot) {
    /* 64 KiB objects leave a part of each chunk over. */
    wr_type type = PLAIN_TYPE(65536);
    void *p = wr_new(&type);
    uint32_t granules = (65536 + 32) / 32, in_chunk = (2 << 20) / 32, slots = in_chunk / granules, starts = 0;
    uint32_t chunk = wr_index_of(wr_slot_of(p)) / in_chunk * in_chunk;
    for (uint32_t i = 0; i < in_chunk; i++) {
        bool accepted = wr_weak_check((uint64_t)(chunk + i) << 32 | 1, NULL) == 0;
        starts += accepted;
        CHECK(!accepted || i % granules == 0);
        CHECK(!accepted || i / granules < slots);
    }
    CHECK_GE(starts, slots - 1); /* the very first slot of all is never used */
    wr_release(p);
}
