/* SPDX-License-Identifier: MIT */
/* Where objects lie: headers of neighbours share no cache line, and slots cost what was promised. */
#include "word.h"

#include "common.h"

enum { LINE = 64, NEIGHBOURS = 200 };

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

/* The headers are what other threads write when they count: two on one line would slow each other down. */
static void headers_apart(void **objects, unsigned count, size_t size) {
    static uintptr_t headers[2 * NEIGHBOURS];
    for (unsigned i = 0; i < count; i++)
        headers[i] = (uintptr_t)wr_slot_of(objects[i]);
    qsort(headers, count, sizeof headers[0], by_address);
    for (unsigned i = 0; i < count; i++) {
        CHECK_EQ(headers[i] / LINE, (headers[i] + sizeof(struct wr_slot) - 1) / LINE);
        if (i > 0 && headers[i] / LINE == headers[i - 1] / LINE)
            FAIL("two headers of objects of %zu bytes share the line at %#jx", size,
                 (uintmax_t)(headers[i] / LINE * LINE));
    }
}

TEST(headers_of_neighbours_share_no_cache_line) {
    void *objects[NEIGHBOURS];
    for (size_t size = 0; size <= 1024; size += size < 256 ? 8 : 128) {
        wr_type type = PLAIN_TYPE(size);
        for (unsigned i = 0; i < NEIGHBOURS; i++)
            REQUIRE((objects[i] = wr_new(&type)) != NULL);
        headers_apart(objects, NEIGHBOURS, size);
        for (unsigned i = 0; i < NEIGHBOURS; i++)
            wr_release(objects[i]);
    }
}

static void *of_two_threads[2 * NEIGHBOURS];
static const wr_type line_type = {.abi = WR_TYPE_ABI, .size = 64};

static void make_neighbours(unsigned index, void *arg) {
    (void)arg;
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        REQUIRE((of_two_threads[index * NEIGHBOURS + i] = wr_new(&line_type)) != NULL);
}

TEST(headers_of_objects_of_two_threads_share_no_cache_line) {
    run_threads(2, make_neighbours, NULL);
    headers_apart(of_two_threads, 2 * NEIGHBOURS, 64);
    for (unsigned i = 0; i < 2 * NEIGHBOURS; i++)
        wr_release(of_two_threads[i]);
}

TEST(a_slot_is_a_header_of_32_bytes_and_the_payload) {
    CHECK_EQ(sizeof(struct wr_slot), 32);
    probe *p = probe_new(NULL);
    wr_weak w = wr_weak_of(p);
    CHECK_EQ((uintptr_t)wr_slot_at((uint32_t)(w.bits >> 32)) + 32, (uintptr_t)p);
    CHECK_EQ(w.bits & 1, 1);
    wr_release(p);
}

TEST(a_64_byte_object_and_its_weak_value_take_104_bytes_at_most) {
    enum { COUNT = 10000 };
    static void *objects[COUNT];
    static uintptr_t at[COUNT];
    wr_weak last = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        REQUIRE((objects[i] = wr_new(&line_type)) != NULL);
        last = wr_weak_of(objects[i]);
        at[i] = (uintptr_t)objects[i];
    }
    qsort(at, COUNT, sizeof at[0], by_address);
    CHECK_LE((at[COUNT - 1] - at[0]) / (COUNT - 1) + sizeof last, 104);
    for (unsigned i = 0; i < COUNT; i++)
        wr_release(objects[i]);
}
