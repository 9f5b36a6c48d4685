/* SPDX-License-Identifier: MIT */
/* What a test file needs, and nothing else. The same bodies run in two runners:
 *
 *   Criterion (USE_CRITERION)   the unit tests of `make check`
 *   tests/runner.c              where Criterion does not work: ThreadSanitizer, leak reports, valgrind
 *
 * Both run each test in a process of its own. A test file is found by its name, tests/test_<suite>.c; a test
 * is found by being written:
 *
 *   TEST(S22_dead_stays_dead) { ... CHECK(wr_weak_is_dead(w)); ... }
 *   TEST_ABORTS(double_release_is_named, "wr_release") { ... }
 */
#ifndef WR_TESTS_TEST_H
#define WR_TESTS_TEST_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hang guard only: no test may depend on how fast the machine is. In seconds; TEST_TIMEOUT in the
 * environment overrides it (valgrind needs more). */
enum { TEST_TIMEOUT_DEFAULT = 120 };

/* Checks, usable on any thread. A failed CHECK is printed and fails the test, which goes on; each gives
 * whether it held, so that `if (!CHECK(p)) return;` works. A failed REQUIRE ends the test's process at once.
 */
#define CHECK(cond) test_check((cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(a, b) TEST_COMPARE(a, TEST_EQ, b)
#define CHECK_NE(a, b) TEST_COMPARE(a, TEST_NE, b)
#define CHECK_LT(a, b) TEST_COMPARE(a, TEST_LT, b)
#define CHECK_LE(a, b) TEST_COMPARE(a, TEST_LE, b)
#define CHECK_GT(a, b) TEST_COMPARE(a, TEST_GT, b)
#define CHECK_GE(a, b) TEST_COMPARE(a, TEST_GE, b)
#define CHECK_PTR_EQ(a, b) test_check_pointers((a), true, (b), #a, #b, __FILE__, __LINE__)
#define CHECK_PTR_NE(a, b) test_check_pointers((a), false, (b), #a, #b, __FILE__, __LINE__)
#define CHECK_NULL(a) CHECK_PTR_EQ(a, NULL)
#define CHECK_NOT_NULL(a) CHECK_PTR_NE(a, NULL)
#define CHECK_STR_EQ(a, b) test_check_strings((a), (b), true, #a, #b, __FILE__, __LINE__)
#define CHECK_STR_HAS(text, part) test_check_strings((text), (part), false, #text, #part, __FILE__, __LINE__)
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define REQUIRE(cond) ((cond) ? (void)0 : test_stop(#cond, __FILE__, __LINE__))

/* In the body of a TEST only: ends it as skipped, which both runners say aloud. */
#define SKIP(why)                                                                                            \
    do {                                                                                                     \
        test_skip(why);                                                                                      \
        return;                                                                                              \
    } while (0)

/* Misuse: runs fn(arg) in a process of its own, which must die by SIGABRT after writing a text that contains
 * `expected` to standard error. Call it before the test starts threads. TEST_ABORTS is a whole test of this
 * kind. */
void test_aborts(void (*fn)(void *arg), void *arg, const char *expected);

/* Threads: runs fn(0, arg) ... fn(n - 1, arg) on n threads that start together at a barrier, and joins them.
 */
typedef void (*test_thread)(unsigned index, void *arg);
void run_threads(unsigned n, test_thread fn, void *arg);

/* Randomness: one seed for a run, printed when a test fails, taken from TEST_SEED if set. Give each thread a
 * stream of its own. */
typedef struct test_rng {
    uint64_t state;
} test_rng;
uint64_t test_seed(void);
test_rng rng_make(uint64_t stream);
uint64_t rng_next(test_rng *rng);
uint64_t rng_below(test_rng *rng, uint64_t limit); /* 0 <= result < limit; limit > 0 */

/* Seconds until the hang guard ends this test, counted from the call. For tests that are known to be long. */
void test_timeout(unsigned seconds);

/* The rest is what the macros and the runners are made of. */
enum test_comparison { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };
#define TEST_COMPARE(a, op, b)                                                                               \
    test_check_integers((intmax_t)(a), op, (intmax_t)(b), #a, #b, __FILE__, __LINE__)

bool test_check(bool held, const char *text, const char *file, int line);
bool test_check_integers(intmax_t a, enum test_comparison op, intmax_t b, const char *a_text,
                         const char *b_text, const char *file, int line);
bool test_check_pointers(const void *a, bool equal, const void *b, const char *a_text, const char *b_text,
                         const char *file, int line);
bool test_check_strings(const char *a, const char *b, bool whole, const char *a_text, const char *b_text,
                        const char *file, int line);
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void test_stop(const char *text, const char *file, int line);
void test_skip(const char *why);

/* What a test's process tells the runner: in memory that both share, so that it survives any kind of
 * death. */
typedef struct test_verdict {
    atomic_int failures;
    atomic_bool finished; /* the body returned; a test that called exit() has not passed */
    atomic_bool skipped;
    char why[200]; /* of the skip */
} test_verdict;
extern test_verdict *test_this; /* the verdict of the test that this process runs */

test_verdict *test_verdict_new(void);   /* shared with children forked later */
void test_begin(void);                  /* in the test's process, before the body */
void test_finish_under_criterion(void); /* tells Criterion about failures and skips */

/* Prints the sanitizer or valgrind reports of a process. Were there any? */
bool test_reports(long pid, FILE *to);

typedef struct test_case {
    const char *suite;
    const char *name;
    void (*body)(void);
    struct test_case *next;
} test_case;
void test_register(test_case *test);

#define TEST(name) TEST_EXPAND(TEST_SUITE, name)
#define TEST_EXPAND(suite, name) TEST_DEFINE(suite, name)
#define TEST_STRING(x) TEST_STRING_(x)
#define TEST_STRING_(x) #x

#ifdef USE_CRITERION
#include <criterion/criterion.h>
#define TEST_DEFINE(suite, name)                                                                             \
    static void test_body_##name(void);                                                                      \
    Test(suite, name) {                                                                                      \
        test_begin();                                                                                        \
        test_body_##name();                                                                                  \
        test_finish_under_criterion();                                                                       \
    }                                                                                                        \
    static void test_body_##name(void)
#else
#define TEST_DEFINE(suite, name)                                                                             \
    static void test_body_##name(void);                                                                      \
    static test_case test_case_##name = {TEST_STRING(suite), #name, test_body_##name, NULL};                 \
    __attribute__((constructor)) static void test_add_##name(void) {                                         \
        test_register(&test_case_##name);                                                                    \
    }                                                                                                        \
    static void test_body_##name(void)
#endif

#define TEST_ABORTS(name, expected)                                                                          \
    static void test_misuse_##name(void *unused);                                                            \
    TEST(name) {                                                                                             \
        test_aborts(test_misuse_##name, NULL, expected);                                                     \
    }                                                                                                        \
    static void test_misuse_##name(void *unused __attribute__((unused)))

#endif
