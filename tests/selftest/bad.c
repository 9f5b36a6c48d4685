/* SPDX-License-Identifier: MIT */
/* Tests that must not pass, to show that the runners mean something. tests/selftest/run knows what each must
 * come to: good_* pass, bad_* fail in every build, leak_*, race_*, overrun_* and overflow_* where a tool can
 * see them. */
#include "../test.h"

#include <signal.h>
#include <unistd.h>

static int shared;
static int *volatile kept;

TEST(good_passes) {
    CHECK_EQ(1 + 1, 2);
    CHECK_NE(1, 2);
    CHECK_LT(-1, 1);
    CHECK_NULL(NULL);
    CHECK_PTR_EQ(&shared, &shared);
    CHECK_STR_EQ("same", "same");
    CHECK_STR_HAS("needle in hay", "in");
}

static void take_turns(unsigned index, void *arg) {
    atomic_fetch_add((atomic_uint *)arg, index + 1);
}

TEST(good_threads) {
    atomic_uint sum = 0;
    run_threads(4, take_turns, &sum);
    CHECK_EQ(atomic_load(&sum), 1 + 2 + 3 + 4);
}

TEST(good_random) {
    test_rng a = rng_make(1), b = rng_make(1), c = rng_make(2);
    uint64_t first = rng_next(&a);
    CHECK(first == rng_next(&b));
    CHECK(first != rng_next(&c));
    CHECK_LT(rng_below(&a, 10), 10);
}

TEST_ABORTS(good_abort, "the words") {
    kept = malloc(sizeof *kept); /* no leak: this process dies */
    kept = NULL;
    fputs("these are the words\n", stderr);
    abort();
}

TEST(skip_says_why) {
    SKIP("the reason");
}

TEST(bad_check) {
    CHECK(1 > 2);
}

TEST(bad_integers) {
    CHECK_EQ(1, 2);
}

TEST(bad_pointers) {
    CHECK_NOT_NULL(NULL);
}

TEST(bad_strings) {
    CHECK_STR_HAS("hay", "needle");
}

TEST(bad_require) {
    REQUIRE(1 > 2);
}

static void fail_on_third(unsigned index, void *arg) {
    (void)arg;
    CHECK_NE(index, 3);
}

TEST(bad_check_on_another_thread) {
    run_threads(4, fail_on_third, NULL);
}

TEST(bad_skip_after_failure) {
    CHECK(false);
    SKIP("too late");
}

TEST(bad_abort_by_itself) {
    abort();
}

TEST(bad_segmentation_fault) {
    raise(SIGSEGV);
}

TEST(bad_exit_before_the_end) {
    exit(0);
}

TEST(bad_hang) {
    for (;;)
        pause();
}

TEST(bad_spin) {
    static atomic_bool never;
    while (!atomic_load(&never))
        continue;
}

TEST_ABORTS(bad_abort_without_words, "the words") {
    fputs("something else\n", stderr);
    abort();
}

TEST_ABORTS(bad_abort_that_returns, "the words") {
    fputs("the words\n", stderr);
}

TEST_ABORTS(bad_abort_by_another_signal, "the words") {
    fputs("the words\n", stderr);
    raise(SIGKILL);
}

TEST_ABORTS(bad_abort_after_failure, "the words") {
    CHECK(false);
    fputs("the words\n", stderr);
    abort();
}

TEST(leak_of_memory) {
    kept = malloc(100);
    kept = NULL;
}

static void race(unsigned index, void *arg) {
    (void)arg;
    shared += (int)index;
}

TEST(race_of_two_threads) {
    run_threads(2, race, NULL);
}

TEST(overrun_of_memory) {
    char *volatile text = malloc(10);
    CHECK_NE(text[10], 'x' + 1000);
    free(text);
}

TEST_ABORTS(overrun_before_abort, "the words") {
    char *volatile text = malloc(10);
    if (text[10] == 'x')
        fputs("more than ", stderr);
    fputs("the words\n", stderr);
    abort();
}

TEST(overflow_of_an_integer) {
    volatile int number = INT32_MAX;
    number = number + 1;
}
