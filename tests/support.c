/* SPDX-License-Identifier: MIT */
/* The parts of test.h that both runners share: checks, misuse in a child process, threads, randomness. */
#include "test.h"

#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* A loop of checks on many threads would print for ever: this many lines say enough. */
enum { PRINTED_FAILURES = 20 };

test_verdict *test_this;

test_verdict *test_verdict_new(void) {
    void *memory =
        mmap(NULL, sizeof(test_verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("tests: mmap");
        exit(2);
    }
    return memory;
}

void test_timeout(unsigned seconds) {
    const char *from_environment = getenv("TEST_TIMEOUT");
    alarm(from_environment ? (unsigned)strtoul(from_environment, NULL, 10) : seconds);
}

#ifdef USE_CRITERION
static pid_t process_of_test;

static void notice_early_exit(void) {
    if (getpid() == process_of_test && !atomic_load(&test_this->finished)) {
        fputs("exit() before the body was done\n", stderr);
        abort(); /* Criterion takes a clean exit for a pass */
    }
}
#endif

void test_begin(void) {
    if (!test_this)
        test_this = test_verdict_new();
#ifdef USE_CRITERION
    process_of_test = getpid();
    atexit(notice_early_exit);
#endif
    test_timeout(TEST_TIMEOUT_DEFAULT);
}

/* ---- checks ---- */

static void fail_text(const char *file, int line, const char *text) {
    int before = atomic_fetch_add(&test_this->failures, 1);
    if (before < PRINTED_FAILURES)
        fprintf(stderr, "%s:%d: %s\n", file, line, text);
    else if (before == PRINTED_FAILURES)
        fprintf(stderr, "%s:%d: further failures are counted, not printed\n", file, line);
}

void test_fail(const char *file, int line, const char *format, ...) {
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fail_text(file, line, text);
}

_Noreturn void test_stop(const char *text, const char *file, int line) {
    test_fail(file, line, "REQUIRE(%s) failed", text);
    abort();
}

bool test_check(bool held, const char *text, const char *file, int line) {
    if (!held)
        test_fail(file, line, "CHECK(%s) failed", text);
    return held;
}

bool test_check_integers(intmax_t a, enum test_comparison op, intmax_t b, const char *a_text,
                         const char *b_text, const char *file, int line) {
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};
    bool held = op == TEST_EQ   ? a == b
                : op == TEST_NE ? a != b
                : op == TEST_LT ? a < b
                : op == TEST_LE ? a <= b
                : op == TEST_GT ? a > b
                                : a >= b;
    if (!held)
        test_fail(file, line,
                  "%s %s %s failed: %" PRIdMAX " (0x%" PRIxMAX ") and %" PRIdMAX " (0x%" PRIxMAX ")", a_text,
                  names[op], b_text, a, (uintmax_t)a, b, (uintmax_t)b);
    return held;
}

bool test_check_pointers(const void *a, bool equal, const void *b, const char *a_text, const char *b_text,
                         const char *file, int line) {
    bool held = (a == b) == equal;
    if (!held)
        test_fail(file, line, "%s %s %s failed: %p and %p", a_text, equal ? "==" : "!=", b_text, a, b);
    return held;
}

bool test_check_strings(const char *a, const char *b, bool whole, const char *a_text, const char *b_text,
                        const char *file, int line) {
    bool held = a && b && (whole ? strcmp(a, b) == 0 : strstr(a, b) != NULL);
    if (!held)
        test_fail(file, line, "%s %s %s failed: \"%s\" and \"%s\"", a_text, whole ? "is" : "contains", b_text,
                  a ? a : "(null)", b ? b : "(null)");
    return held;
}

void test_skip(const char *why) {
    snprintf(test_this->why, sizeof test_this->why, "%s", why);
    atomic_store(&test_this->skipped, true);
}

/* ---- reports of sanitizers and valgrind: files named <tool>.<pid> in TEST_LOG_DIR (tools/run-tests) ---- */

static bool print_file(const char *path, FILE *to) {
    FILE *file = fopen(path, "r");
    char buffer[4096];
    size_t length, total = 0;
    if (!file)
        return false;
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        total += length;
        fwrite(buffer, 1, length, to);
    }
    fclose(file);
    return total > 0;
}

bool test_reports(long pid, FILE *to) {
    const char *folder = getenv("TEST_LOG_DIR");
    char pattern[4096];
    glob_t found;
    bool any = false;
    if (!folder)
        return false;
    snprintf(pattern, sizeof pattern, "%s/*.%ld", folder, pid);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            any |= print_file(found.gl_pathv[i], to);
        globfree(&found);
    }
    return any;
}

/* ---- misuse ---- */

static void die_here(void (*fn)(void *arg), void *arg, int errors) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(errors, STDERR_FILENO);
    alarm((unsigned)TEST_TIMEOUT_DEFAULT);
#ifdef VALGRIND_CLO_CHANGE
    VALGRIND_CLO_CHANGE(
        "--leak-check=no"); /* a process that dies half-way owns what it owns; errors still count */
#endif
    fn(arg);
    exit(0);
}

void test_aborts(void (*fn)(void *arg), void *arg, const char *expected) {
    FILE *errors = tmpfile();
    char text[8192];
    size_t length;
    int status, failures = atomic_load(&test_this->failures);
    pid_t child;

    REQUIRE(errors != NULL);
    fflush(NULL);
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        die_here(fn, arg, fileno(errors));
    REQUIRE(waitpid(child, &status, 0) == child);

    rewind(errors);
    length = fread(text, 1, sizeof text - 1, errors);
    text[length] = '\0';
    fclose(errors);

    if (WIFEXITED(status))
        FAIL("the body was to abort, but ended with exit status %d", WEXITSTATUS(status));
    else if (WTERMSIG(status) != SIGABRT)
        FAIL("the body was to abort, but died by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    else if (!strstr(text, expected))
        FAIL("the body aborted as it should, but without saying \"%s\"", expected);
    if (test_reports((long)child, stderr))
        FAIL("the aborting process left the report above");
    if (atomic_load(&test_this->failures) != failures)
        fprintf(stderr, "--- what the aborting process wrote:\n%s---\n", text);
}

/* ---- threads ---- */

struct crew {
    pthread_barrier_t start;
    test_thread fn;
    void *arg;
};
struct member {
    struct crew *crew;
    unsigned index;
};

static void *run_member(void *arg) {
    const struct member *member = arg;
    pthread_barrier_wait(&member->crew->start);
    member->crew->fn(member->index, member->crew->arg);
    return NULL;
}

void run_threads(unsigned n, test_thread fn, void *arg) {
    struct crew crew = {.fn = fn, .arg = arg};
    pthread_t *threads = calloc(n, sizeof *threads);
    struct member *members = calloc(n, sizeof *members);

    REQUIRE(threads && members);
    REQUIRE(pthread_barrier_init(&crew.start, NULL, n) == 0);
    for (unsigned i = 0; i < n; i++) {
        members[i] = (struct member){&crew, i};
        REQUIRE(pthread_create(&threads[i], NULL, run_member, &members[i]) == 0);
    }
    for (unsigned i = 0; i < n; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&crew.start);
    free(members);
    free(threads);
}

/* ---- randomness: splitmix64 ---- */

uint64_t test_seed(void) {
    const char *text = getenv("TEST_SEED"); /* both runners set it, so that a failure can print it */
    return text ? strtoull(text, NULL, 0) : 1;
}

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

test_rng rng_make(uint64_t stream) {
    return (test_rng){mix(test_seed()) ^ mix(stream + UINT64_C(0x9e3779b97f4a7c15))};
}

uint64_t rng_next(test_rng *rng) {
    return mix(rng->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t rng_below(test_rng *rng, uint64_t limit) {
    return rng_next(rng) % limit; /* the bias is below 2^-32 for the limits of tests */
}

/* ---- Criterion ---- */

#ifdef USE_CRITERION
void test_finish_under_criterion(void) {
    atomic_store(&test_this->finished, true);
    if (atomic_load(&test_this->failures) > 0)
        cr_assert_fail("%d checks failed", atomic_load(&test_this->failures));
    if (atomic_load(&test_this->skipped)) {
        fprintf(stderr, "SKIP %s/%s: %s\n", criterion_current_test->category, criterion_current_test->name,
                test_this->why); /* Criterion itself would not say it */
        cr_skip_test("%s", test_this->why);
    }
}
#endif

#ifdef TEST_COVERAGE /* linked with --wrap: a process that ends at once is to say what it ran, too */
void __gcov_dump(void);
_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
void __wrap_abort(void) {
    __gcov_dump();
    __real_abort();
}
void __wrap__exit(int status) {
    __gcov_dump();
    __real__exit(status);
}
#endif
