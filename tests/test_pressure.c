/* SPDX-License-Identifier: MIT */
/* When the system refuses: no address space, no memory. wr_new gives ENOMEM, and all else goes on. */
#include "word.h"

#include "common.h"

#include <sys/resource.h>
#include <unistd.h>

#define SKIP_UNDER_TOOLS()                                                                                   \
    if (watched())                                                                                           \
    SKIP("the tool itself needs the memory that this test forbids")

static struct rlimit before;

static void limit(int resource, rlim_t bytes) {
    REQUIRE(getrlimit(resource, &before) == 0);
    struct rlimit now = {bytes, before.rlim_max};
    REQUIRE(setrlimit(resource, &now) == 0);
}

static void lift(int resource) {
    REQUIRE(setrlimit(resource, &before) == 0);
}

static size_t address_space(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages;
    REQUIRE(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static const wr_type type_a = {.abi = WR_TYPE_ABI, .size = 100};
static const wr_type type_b = {.abi = WR_TYPE_ABI, .size = 3000};

TEST(no_memory_for_a_chunk_is_ENOMEM_and_passes) {
    if (emulated())
        SKIP("an emulator does not keep the limits of its process's memory");
    SKIP_UNDER_TOOLS();
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    wr_weak w = wr_weak_of(p);
    limit(RLIMIT_DATA, 1 << 20); /* what is there stays; nothing may be added */
    errno = 0;
    void *b = wr_new(&type_b); /* a class of its own needs a chunk of its own */
    int error = errno;
    CHECK(can_get(w));
    lift(RLIMIT_DATA);
    CHECK_NULL(b);
    CHECK_EQ(error, ENOMEM);
    CHECK_EQ(wr_refcount(p), 1);
    b = wr_new(&type_b);
    CHECK_NOT_NULL(b);
    wr_release(b);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK(wr_weak_is_dead(w));
}

TEST(a_class_that_has_room_goes_on_without_memory) {
    SKIP_UNDER_TOOLS();
    static void *objects[1000];
    wr_release(wr_new(&type_a));
    limit(RLIMIT_DATA, 1 << 20);
    unsigned made = 0;
    for (unsigned i = 0; i < 1000; i++)
        made += (objects[i] = wr_new(&type_a)) != NULL;
    for (unsigned i = 0; i < 1000; i++)
        wr_release(objects[i]);
    lift(RLIMIT_DATA);
    CHECK_EQ(made, 1000);
}

TEST(no_address_space_is_ENOMEM_and_passes) {
    if (emulated())
        SKIP("an emulator does not keep the limits of its process's memory");
    SKIP_UNDER_TOOLS();
    limit(RLIMIT_AS, address_space() + (1 << 20));
    errno = 0;
    void *p = wr_new(&type_a);
    int error = errno;
    wr_weak w = wr_weak_from_u64(UINT64_C(3) << 32 | 1);
    bool dead = wr_weak_is_dead(w) && wr_weak_get(w) == NULL;
    lift(RLIMIT_AS);
    CHECK_NULL(p);
    CHECK_EQ(error, ENOMEM);
    CHECK(dead);
    p = wr_new(&type_a);
    CHECK_NOT_NULL(p);
    wr_release(p);
}

static void run_in(size_t megabytes) {
    static void *objects[1 << 17];
    limit(RLIMIT_AS, address_space() + megabytes * (1 << 20));
    unsigned made = 0, wrong = 0;
    errno = ENOTTY;
    wr_release(wr_new(&type_b)); /* the reserve was tried in several sizes */
    wrong += errno != ENOTTY;
    while (made < (1 << 17) && (objects[made] = wr_new(&type_b)) != NULL) {
        wr_weak w = wr_weak_of(objects[made]);
        wrong += !can_get(w);
        made++;
    }
    int error = errno; /* of the wr_new that failed */
    size_t bytes = (size_t)made * (3000 + 32);
    unsigned again = 0;
    for (unsigned i = 0; i < made / 2; i++)
        wr_release(objects[i]);
    for (unsigned i = 0; i < made / 2; i++)
        again += (objects[i] = wr_new(&type_b)) != NULL;
    for (unsigned i = 0; i < made; i++)
        wr_release(objects[i]);
    lift(RLIMIT_AS);
    printf("with %zu MiB of address space: %u objects of 3000 bytes, %zu MiB\n", megabytes, made,
           bytes >> 20);
    CHECK_EQ(error, ENOMEM);
    CHECK_GE(bytes, megabytes * (1 << 20) / 4); /* halving may lose half, and the chunks' granularity some */
    CHECK_LE(bytes, megabytes * (1 << 20));
    CHECK_GE(again, made / 2 - (ON_DEBUG ? 256 : 0)); /* a debug build keeps that many from use */
    CHECK_EQ(wrong, 0);
}

TEST(a_small_address_space_gives_a_small_reserve) {
    SKIP_UNDER_TOOLS();
    run_in(300);
}

TEST(a_tiny_address_space_too) {
    if (emulated())
        SKIP("an emulator does not keep the limits of its process's memory");
    SKIP_UNDER_TOOLS();
    run_in(20);
}
