/* SPDX-License-Identifier: MIT */
/* The in-process runner: one forked process for each test, so that it works where Criterion does not. The
 * runner itself never has a second thread, which is what makes fork safe under ThreadSanitizer. */
#include "test.h"

#include <fnmatch.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_JOBS = 64, SLOW_SECONDS = 10 };

static test_case *first, **last = &first;

static struct {
    unsigned jobs;
    unsigned repeat;
    bool verbose;
    char **globs;
    int glob_count;
} options = {.jobs = 1, .repeat = 1};

static struct { unsigned passed, failed, skipped; } totals;

typedef struct running {
    const test_case *test;
    pid_t pid; /* 0: this place is free */
    FILE *output;
    test_verdict *verdict;
    time_t started;
} running;

static running places[MAX_JOBS];

void test_register(test_case *test) {
    *last = test;
    last = &test->next;
}

static bool selected(const test_case *test) {
    char full[300];
    if (options.glob_count == 0)
        return true;
    snprintf(full, sizeof full, "%s/%s", test->suite, test->name);
    for (int i = 0; i < options.glob_count; i++)
        if (fnmatch(options.globs[i], full, 0) == 0 || fnmatch(options.globs[i], test->name, 0) == 0)
            return true;
    return false;
}

/* Ends the test's process through exit(), so that LeakSanitizer and valgrind look at what is left. */
static _Noreturn void be_the_test(running *place) {
    dup2(fileno(place->output), STDOUT_FILENO);
    dup2(fileno(place->output), STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_this = place->verdict;
    test_begin();
    place->test->body();
    atomic_store(&test_this->finished, true);
    exit(atomic_load(&test_this->failures) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void start(running *place, const test_case *test) {
    place->test = test;
    place->started = time(NULL);
    place->output = tmpfile();
    if (!place->verdict)
        place->verdict = test_verdict_new();
    memset(place->verdict, 0, sizeof *place->verdict);
    if (!place->output) {
        perror("runner: tmpfile");
        exit(2);
    }
    fflush(NULL);
    place->pid = fork();
    if (place->pid < 0) {
        perror("runner: fork");
        exit(2);
    }
    if (place->pid == 0)
        be_the_test(place);
}

static void print_output(FILE *output) {
    char buffer[4096];
    size_t length;
    rewind(output);
    while ((length = fread(buffer, 1, sizeof buffer, output)) > 0)
        fwrite(buffer, 1, length, stdout);
}

/* Why the test did not pass, or NULL. Everything that is not a clean end of the body is a failure. */
static const char *complaint(const running *place, int status, bool reports, char *text, size_t length) {
    int failures = atomic_load(&place->verdict->failures);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(text, length, "hung: the hang guard ended it");
    else if (WIFSIGNALED(status))
        snprintf(text, length, "died by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (failures)
        snprintf(text, length, "%d checks failed", failures);
    else if (reports)
        snprintf(text, length, "report of a sanitizer or valgrind");
    else if (WEXITSTATUS(status) != 0)
        snprintf(text, length, "exit status %d", WEXITSTATUS(status));
    else if (!atomic_load(&place->verdict->finished))
        snprintf(text, length, "exit() before the body was done");
    else
        return NULL;
    return text;
}

static void finish(running *place, int status) {
    char text[200];
    bool reports = test_reports((long)place->pid, place->output);
    const char *wrong = complaint(place, status, reports, text, sizeof text);
    const char *suite = place->test->suite, *name = place->test->name;
    long seconds = (long)(time(NULL) - place->started);

    if (wrong) {
        totals.failed++;
        printf("FAIL %s/%s: %s (seed %#llx)\n", suite, name, wrong, (unsigned long long)test_seed());
    } else if (atomic_load(&place->verdict->skipped)) {
        totals.skipped++;
        printf("SKIP %s/%s: %s\n", suite, name, place->verdict->why);
    } else {
        totals.passed++;
        if (options.verbose || seconds >= SLOW_SECONDS)
            printf("ok   %s/%s (%ld s)\n", suite, name, seconds);
    }
    if (wrong || options.verbose)
        print_output(place->output);
    fclose(place->output);
    place->pid = 0;
    fflush(stdout);
}

static void wait_for_one(void) {
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    for (unsigned i = 0; i < options.jobs; i++)
        if (pid > 0 && places[i].pid == pid) {
            finish(&places[i], status);
            return;
        }
    if (pid < 0 && errno != EINTR) {
        perror("runner: waitpid");
        exit(2);
    }
}

static running *free_place(void) {
    for (;;) {
        for (unsigned i = 0; i < options.jobs; i++)
            if (places[i].pid == 0)
                return &places[i];
        wait_for_one();
    }
}

static bool busy(void) {
    for (unsigned i = 0; i < options.jobs; i++)
        if (places[i].pid != 0)
            return true;
    return false;
}

static void choose_seed(void) {
    char text[32];
    struct timespec now;
    if (getenv("TEST_SEED"))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof text, "%#llx",
             (unsigned long long)now.tv_sec * 1000003ULL ^ (unsigned long long)now.tv_nsec);
    setenv("TEST_SEED", text, 1);
}

static void usage(FILE *to) {
    fputs("usage: tests [--list] [-v] [-j JOBS] [--repeat N] [GLOB ...]\n"
          "GLOB selects by suite/name or by name. Environment: TEST_SEED, TEST_TIMEOUT (seconds), "
          "TEST_LOG_DIR.\n",
          to);
}

static unsigned number(const char *text, unsigned most) {
    char *end;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (!text || *end || value < 1 || value > most) {
        usage(stderr);
        exit(2);
    }
    return (unsigned)value;
}

/* Gives whether the tests are to be listed only. */
static bool read_options(int argc, char **argv) {
    bool list = false;
    int i;
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strcmp(argv[i], "-v") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "-j") == 0)
            options.jobs = number(argv[++i], MAX_JOBS);
        else if (strcmp(argv[i], "--repeat") == 0)
            options.repeat = number(argv[++i], 1000000);
        else {
            usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
            exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
        }
    }
    options.globs = argv + i;
    options.glob_count = argc - i;
    return list;
}

int main(int argc, char **argv) {
    bool list = read_options(argc, argv);
    choose_seed();
    for (unsigned round = 0; round < (list ? 1 : options.repeat); round++)
        for (const test_case *test = first; test; test = test->next) {
            if (!selected(test))
                continue;
            if (list)
                printf("%s/%s\n", test->suite, test->name);
            else
                start(free_place(), test);
        }
    if (list)
        return 0;
    while (busy())
        wait_for_one();
    printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
    if (totals.passed + totals.failed == 0) {
        fputs("runner: no test was executed\n", stderr);
        return 1;
    }
    return totals.failed ? 1 : 0;
}
