/* SPDX-License-Identifier: MIT */
/* What is held after death, and what wr_trim gives back. Figures are printed. */
#include "word.h"

#include "common.h"

#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 2 << 20 };

/* What wr_trim is to give back at the least: worn chunks stay. */
static size_t chunks(size_t count) {
    return ON_WEAR ? 0 : count * CHUNK;
}

static const wr_type medium_type = {.abi = WR_TYPE_ABI, .name = "medium", .size = 64};

/* Bytes of memory that this process has resident. */
static size_t resident(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long total, pages;
    REQUIRE(file != NULL && fscanf(file, "%lu %lu", &total, &pages) == 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Memory for `count` things, touched. */
static void *table(size_t count, size_t size) {
    void *memory = malloc(count * size);
    REQUIRE(memory != NULL);
    memset(memory, 1, count * size);
    return memory;
}

TEST(the_next_object_of_the_class_has_the_slot_while_a_weak_value_survives) {
    if (ON_DEBUG)
        SKIP("a debug build keeps freed slots in quarantine");
    probe *p = probe_new(NULL);
    wr_weak w = wr_weak_of(p);
    wr_release(p);
    probe *next = probe_new(NULL);
    CHECK_PTR_EQ(next, p);
    CHECK(wr_weak_is_dead(w));
    wr_release(next);
}

TEST(a_population_that_comes_and_goes_does_not_grow) {
    enum { COUNT = 20000 };
    void **objects = table(COUNT, sizeof *objects);
    uint32_t end = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            REQUIRE((objects[i] = wr_new(&medium_type)) != NULL);
            (void)wr_weak_of(objects[i]);
        }
        for (unsigned i = 0; i < COUNT; i++)
            wr_release(objects[i]);
        if (round == 0)
            end = wr_arena.end;
        CHECK_EQ(wr_arena.end, end);
    }
    free(objects);
}

static void die_and_trim(unsigned survive_every, const char *what) {
    const unsigned count = scaled(1000000);
    void **objects = table(count, sizeof *objects);
    wr_weak *values = table(count, sizeof *values);
    unsigned alive = 0, survivors = 0;

    wr_release(wr_new(&medium_type));
    size_t start = resident();
    for (unsigned i = 0; i < count; i++) {
        REQUIRE((objects[i] = wr_new(&medium_type)) != NULL);
        values[i] = wr_weak_of(objects[i]);
    }
    size_t full = resident();
    for (unsigned i = 0; i < count; i++)
        if (survive_every == 0 || i % survive_every != 0)
            wr_release(objects[i]);
    size_t dead = resident();
    size_t given = wr_trim();
    size_t end = resident();
    printf("%s of %u: resident at start %zu KiB, full %zu, dead %zu, trimmed %zu (given back %zu)\n", what,
           count, start / 1024, full / 1024, dead / 1024, end / 1024, given / 1024);
    CHECK_EQ(given % CHUNK, 0);
    if (survive_every == 0 && !watched() && !ON_WEAR) {
        CHECK_GE(given, (size_t)count * 96 / CHUNK * CHUNK);
        CHECK_LE(end, start + start / 20);
    }
    for (unsigned i = 0; i < count; i++) {
        bool survivor = survive_every != 0 && i % survive_every == 0;
        survivors += survivor;
        alive += !wr_weak_is_dead(values[i]);
        alive += can_get(values[i]);
        if (survivor)
            wr_release(objects[i]);
    }
    CHECK_EQ(alive, 2 * survivors);
    free(objects);
    free(values);
}

TEST(a_dead_population_of_a_million_is_given_back) {
    die_and_trim(0, "no survivors");
}

TEST(a_dead_population_with_survivors_spread_out) {
    die_and_trim(100, "1 % survivors");
}

TEST(S22_values_stay_dead_when_trimmed_slots_are_used_again) {
    const unsigned count = scaled(100000);
    void **objects = table(count, sizeof *objects);
    wr_weak *old = table(count, sizeof *old), *other = table(count, sizeof *other);
    uint32_t end = 0;
    for (unsigned round = 0; round < 6; round++) {
        unsigned wrong = 0;
        for (unsigned i = 0; i < count; i++) {
            REQUIRE((objects[i] = wr_new(&medium_type)) != NULL);
            other[i] = wr_weak_of(objects[i]);
            wrong += wr_refcount(objects[i]) != 1;
        }
        end = round == 0 ? wr_arena.end : end;
        CHECK_EQ(wr_arena.end, end); /* chunks given back are used again */
        for (unsigned i = 0; round > 0 && i < count; i++) {
            wrong += !wr_weak_is_dead(old[i]);
            wrong += can_get(old[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            wrong += wr_refcount(objects[i]) != 1;
            wrong += !can_get(other[i]);
            wr_release(objects[i]);
        }
        for (unsigned i = 0; i < count; i++) { /* strays on dead words, before and after the trim */
            wrong += can_get(other[i]);
            old[i] = other[i];
        }
        CHECK_GE(wr_trim(), chunks(1));
        for (unsigned i = 0; i < count; i++) {
            wrong += !wr_weak_is_dead(old[i]);
            wrong += can_get(old[i]);
        }
        CHECK_EQ(wrong, 0);
    }
    free(objects);
    free(old);
    free(other);
}

TEST(trimmed_slots_that_were_never_weak_are_like_new) {
    wr_type type = PLAIN_TYPE(5000);
    void *first = wr_new(&type);
    wr_release(first);
    CHECK_EQ(wr_trim(), chunks(1));
    CHECK_EQ(wr_trim(), 0);
    void *p = wr_new(&type);
    if (!ON_WEAR)
        CHECK_PTR_EQ(p, first);
    for (unsigned i = 0; i < 5000; i++)
        CHECK_EQ(((char *)p)[i], 0);
    wr_weak w = wr_weak_of(p);
    CHECK(can_get(w));
    wr_release(p);
    CHECK_EQ(wr_trim(), chunks(1));
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
}

TEST(a_chunk_with_one_object_is_not_given_back) {
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed), *other = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    p->value = 99;
    wr_release(other);
    CHECK_EQ(wr_trim(), 0);
    CHECK(can_get(w));
    CHECK_EQ(p->value, 99);
    CHECK_EQ(destroyed, 1);
    wr_release(p);
    CHECK_EQ(wr_trim(), chunks(1));
    CHECK_EQ(destroyed, 2);
}

/* Tell whether the system leaves memory out of core files: "dd" among its flags. -1: it does not say. */
static int is_left_out(uintptr_t address) {
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[1000];
    unsigned long from, to;
    int left_out = -1;
    for (bool here = false; file != NULL && left_out < 0 && fgets(line, sizeof line, file) != NULL;) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = from <= address && address < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            left_out = strstr(line, " dd") != NULL;
    }
    if (file != NULL)
        fclose(file);
    return left_out;
}

TEST(a_core_file_has_the_chunks_and_not_the_reserve) {
    probe *p = probe_new(NULL);
    int of_object = is_left_out((uintptr_t)p);
    int of_reserve = is_left_out((uintptr_t)wr_arena.base + (uintptr_t)wr_arena.end * WR_GRANULE);
    wr_release(p);
    if (of_object < 0 || RUNNING_ON_VALGRIND || emulated())
        SKIP("the system does not say what it leaves out of core files");
    CHECK_EQ(of_object, 0);
    CHECK_EQ(of_reserve, 1);
}

TEST(a_chunk_that_the_system_does_not_take_back_stays_in_use) {
    enum { COUNT = 100 };
    void *objects[COUNT];
    wr_weak old[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        REQUIRE((objects[i] = wr_new(&medium_type)) != NULL);
        old[i] = wr_weak_of(objects[i]);
    }
    uintptr_t page = (uintptr_t)objects[0] & ~(uintptr_t)4095;
    if (ON_ASAN || ON_TSAN || mlock((void *)page, 4096) != 0) /* sanitizers ignore it */
        SKIP("no memory may be locked here");
    for (unsigned i = 0; i < COUNT; i++)
        wr_release(objects[i]);
    errno = ENOTTY;
    CHECK_EQ(wr_trim(), 0);
    CHECK_EQ(errno, ENOTTY);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(wr_weak_is_dead(old[i]) && wr_weak_get(old[i]) == NULL);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            REQUIRE((objects[i] = wr_new(&medium_type)) != NULL);
            CHECK_EQ(wr_refcount(objects[i]), 1);
            memset(objects[i], (int)i, 64);
            CHECK(can_get(wr_weak_of(objects[i])));
        }
        for (unsigned i = 0; i < COUNT; i++) {
            CHECK_EQ(((unsigned char *)objects[i])[63], i);
            CHECK(wr_weak_is_dead(old[i]));
            wr_release(objects[i]);
        }
        CHECK_EQ(wr_trim(), 0);
    }
    munlock((void *)page, 4096);
    CHECK_EQ(wr_trim(), chunks(1));
}

TEST(every_size_can_be_trimmed_and_used_again) {
    for (unsigned round = 0; round < 3; round++) {
        size_t sizes = 0, given;
        for (size_t size = 1; size <= WR_MAX_SIZE; size += size / 5 + 1) {
            wr_type type = PLAIN_TYPE(size);
            unsigned char *a = wr_new(&type), *b = wr_new(&type);
            REQUIRE(a != NULL && b != NULL);
            memset(a, 0xff, size);
            CHECK_EQ(b[size - 1], 0);
            wr_weak w = wr_weak_of(a);
            wr_release(a);
            wr_release(b);
            CHECK(wr_weak_is_dead(w));
            sizes++;
        }
        given = wr_trim();
        CHECK_GE(given, chunks(30));
        CHECK_GE(sizes, 30);
    }
}

TEST(ten_million_live_objects) {
    const unsigned count = watched() || ON_DEBUG || ON_SMALL ? scaled(1000000) : 10000000;
    wr_weak *values = table(count, sizeof *values);
    unsigned wrong = 0;
    size_t before = resident();
    for (unsigned i = 0; i < count; i++) {
        uint64_t *p = wr_new(&medium_type);
        REQUIRE(p != NULL);
        *p = i;
        values[i] = wr_weak_of(p);
    }
    double each = (double)(resident() - before) / count + sizeof(wr_weak);
    printf("%u live objects of 64 bytes: %.1f bytes each with a weak value\n", count, each);
    if (!watched() && !emulated()) /* an emulator's own memory is counted too */
        CHECK_LE(each, 104);
    for (unsigned i = 0; i < count; i++) {
        uint64_t *p = wr_weak_get(values[i]);
        wrong += p == NULL || *p != i;
        wr_release(p);
        wr_release(p); /* the first reference too */
        wrong += !wr_weak_is_dead(values[i]);
    }
    CHECK_EQ(wrong, 0);
    free(values);
}
