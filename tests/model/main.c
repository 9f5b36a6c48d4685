/* SPDX-License-Identifier: MIT */
/* wr-model: runs the models of this folder. */
#include "checker.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODEL_MAX 300
#define DEFAULT_PREEMPTIONS 3
#define DEFAULT_STALE 2

static const struct model *models[MODEL_MAX];
static int model_count;

static struct {
    const char *pattern, *replay;
    bool list, deep, trace, full;
    int preemptions, stale; /* -1: the model's */
    uint64_t random, seed;
    double seconds; /* at the most for each model; 0: as long as it takes */
    int jobs;
} options = {.preemptions = -1, .stale = -1, .seed = 1, .jobs = 1};

/* What the processes that share the models share. */
static struct shared { int next, run, failed; } * shared;

void model_register(const struct model *model) {
    if (model_count == MODEL_MAX)
        abort(); /* raise it */
    models[model_count++] = model;
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_word_of(const char *word, const char *list) {
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}

/* Tell what is wrong with the outcomes; gives false when nothing is. */
static bool bad_outcomes(const struct model *model) {
    bool bad = false;
    char list[1024];
    if (model->outcomes == NULL)
        return false;
    for (int i = 0; i < checker->outcome_count; i++) {
        if (!is_word_of(checker->outcomes[i].text, model->outcomes)) {
            printf("  the outcome %s must not be\n", checker->outcomes[i].text);
            bad = true;
        }
    }
    (void)snprintf(list, sizeof list, "%s", model->outcomes);
    for (char *save, *word = strtok_r(list, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        int i = 0;
        while (i < checker->outcome_count && strcmp(word, checker->outcomes[i].text) != 0)
            i++;
        if (i == checker->outcome_count && checker->mode != REPLAY) {
            printf("  the outcome %s was never reached\n", word);
            bad = true;
        }
    }
    return bad;
}

/* Run the failing choices again, aloud. */
static void print_failure(const struct model *model) {
    char record[DEPTH_MAX + 1];
    enum mode mode = checker->mode;
    memcpy(record, checker->record, sizeof record);
    printf("%s FAILS: %s\n", model->name, checker->failure);
    checker->mode = REPLAY;
    checker->replay = record;
    checker->tracing = true;
    (void)run_once();
    checker->tracing = false;
    checker->mode = mode;
    printf("replay: --model %s --replay %s\n", model->name, *record ? record : "-");
}

/* Gives whether all is as the model says. */
static bool run_model(const struct model *model) {
    double start = now();
    int preemptions =
        options.deep && model->deep.preemptions ? model->deep.preemptions : model->quick.preemptions;
    int stale = options.deep && model->deep.stale ? model->deep.stale : model->quick.stale;
    checker->model = model;
    checker->mode = options.replay ? REPLAY : options.random ? RANDOM : DEPTH_FIRST;
    checker->preemptions = options.preemptions >= 0 ? options.preemptions
                           : preemptions            ? preemptions
                                                    : DEFAULT_PREEMPTIONS;
    checker->stale = options.stale >= 0 ? options.stale : stale ? stale : DEFAULT_STALE;
    checker->full = options.full;
    checker->tracing = options.trace || options.replay;
    checker->length = 0;
    checker->outcome_count = 0;
    checker->executions = checker->pruned = 0;
    place_forget_all();
    enum run_end ending;
    bool stopped = false;
    do {
        checker->replay = options.replay;
        checker->random = (options.seed + checker->executions) * UINT64_C(0x2545f4914f6cdd1d);
        ending = run_once();
        *(ending == PRUNED ? &checker->pruned : &checker->executions) += 1;
        if (ending == FAILED)
            break;
        stopped = options.seconds > 0 && (checker->executions & 1023) == 0 && now() - start > options.seconds;
        if (checker->mode == RANDOM && checker->executions == options.random)
            break;
    } while (!stopped && (checker->mode == RANDOM || (checker->mode == DEPTH_FIRST && search_continue())));
    double seconds = now() - start;

    bool ok = ending != FAILED;
    if (model->fails != NULL) {
        ok = !ok && strstr(checker->failure, model->fails) != NULL;
        if (!ok)
            printf("%s: must fail with '%s'\n", model->name, model->fails);
    }
    if (ending == FAILED && !(ok && model->fails))
        print_failure(model);
    if (ending != FAILED && checker->mode != REPLAY && bad_outcomes(model))
        ok = false;
    char bounds[32] = "random";
    if (checker->mode == DEPTH_FIRST)
        (void)snprintf(bounds, sizeof bounds, "%d/%d", checker->preemptions, checker->stale);
    printf("%-4s %-34s %9llu runs %9llu cut  %6s  %7.2f s%s", ok ? "ok" : "FAIL", model->name,
           (unsigned long long)checker->executions, (unsigned long long)checker->pruned, bounds, seconds,
           stopped ? "  STOPPED by --seconds" : "");
    for (int i = 0; i < checker->outcome_count; i++)
        printf(" %s:%llu", checker->outcomes[i].text, (unsigned long long)checker->outcomes[i].count);
    printf("\n");
    (void)fflush(stdout);
    return ok;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const struct model *const *)a)->name, (*(const struct model *const *)b)->name);
}

static void usage(FILE *to) {
    (void)fputs("usage: wr-model [OPTION ...]\n"
                "  --model PATTERN   only models whose name matches, as 'litmus_*'\n"
                "  --list            their names and what they are\n"
                "  --long            with the bounds of the long search\n"
                "  --preemptions N   bound of pre-emptions in a run; 99: none\n"
                "  --stale N         bound of operations that do not act on the last store; 99: none\n"
                "  --random N        N random runs instead, without bounds\n"
                "  --seed S          where the random runs start\n"
                "  --seconds T       stop a model after this time\n"
                "  --jobs N          N models at a time\n"
                "  --replay STRING   the run that a failure printed\n"
                "  --full            without the reductions that save equal runs\n"
                "  --trace           print every run\n",
                to);
}

static void parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--list") == 0) {
            options.list = true;
        } else if (strcmp(option, "--long") == 0) {
            options.deep = true;
        } else if (strcmp(option, "--full") == 0) {
            options.full = true;
        } else if (strcmp(option, "--trace") == 0) {
            options.trace = true;
        } else if (strcmp(option, "--help") == 0) {
            usage(stdout);
            exit(0);
        } else if (i + 1 == argc) {
            usage(stderr);
            exit(2);
        } else if (strcmp(option, "--model") == 0) {
            options.pattern = argv[++i];
        } else if (strcmp(option, "--replay") == 0) {
            options.replay = strcmp(argv[++i], "-") == 0 ? "" : argv[i];
        } else if (strcmp(option, "--preemptions") == 0) {
            options.preemptions = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(option, "--stale") == 0) {
            options.stale = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(option, "--random") == 0) {
            options.random = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(option, "--seed") == 0) {
            options.seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(option, "--seconds") == 0) {
            options.seconds = strtod(argv[++i], NULL);
        } else if (strcmp(option, "--jobs") == 0) {
            options.jobs = (int)strtol(argv[++i], NULL, 10);
        } else {
            usage(stderr);
            exit(2);
        }
    }
}

/* Run models that no other process has begun, until there are none left. */
static void work(void) {
    run_prepare();
    for (int i; (i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < model_count;) {
        if (options.pattern != NULL && fnmatch(options.pattern, models[i]->name, 0) != 0)
            continue;
        (void)__atomic_fetch_add(&shared->run, 1, __ATOMIC_RELAXED);
        if (options.list)
            printf("%-34s %s\n", models[i]->name, models[i]->what);
        else if (!run_model(models[i]))
            (void)__atomic_fetch_add(&shared->failed, 1, __ATOMIC_RELAXED);
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    parse(argc, argv);
    qsort(models, (size_t)model_count, sizeof models[0], by_name);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* What is said of one model stays together. */
    if (shared == MAP_FAILED || setvbuf(stdout, NULL, _IOFBF, 1 << 16) != 0) {
        perror("wr-model");
        return 1;
    }
    double start = now();
    for (int i = 1; i < options.jobs; i++) {
        pid_t child = fork();
        if (child == 0) {
            work();
            return 0;
        }
        if (child < 0)
            perror("wr-model: fork"); /* fewer at a time */
    }
    work();
    for (int status; wait(&status) > 0;)
        shared->failed += status != 0;
    if (!options.list)
        printf("%d models, %d failed, %.1f s\n", shared->run, shared->failed, now() - start);
    return shared->failed != 0 || shared->run == 0;
}
