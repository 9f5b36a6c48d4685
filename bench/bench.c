/* SPDX-License-Identifier: MIT */
/* The main program of every benchmark: `program --list`, or `program [options] ROW`. */
#include "measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bench_row *rows;
struct bench_settings bench_settings = {.row = "", .budget = 0.1, .values = 1, .threads = 1};

void bench_register(struct bench_row *row) {
    row->next = rows;
    rows = row;
}

static void list_rows(void) {
    printf("peer\t%s\n", bench_peer);
    if (bench_missing)
        printf("missing\t%s\n", bench_missing);
    for (struct bench_row *row = rows; row != NULL; row = row->next)
        printf("row\t%s\n", row->name);
}

void bench_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s: %s:%d: the check failed: %s\n", bench_settings.row, file, line, condition);
    exit(1);
}

void bench_report(double value, const char *unit) {
    printf("%s\t%.3f\t%s\n", bench_settings.row, value, unit);
}

static void *keep_company(void *arg) {
    pause();
    return arg;
}

static int usage(void) {
    fprintf(stderr,
            "usage: program --list | [--ms N] [--values N] [--threads N] [--size N] [--batches N] [--tiny] "
            "ROW\n");
    return 2;
}

/* Read an option and its value. Returns whether it is one. */
static bool option(const char *name, const char *value) {
    if (strcmp(name, "--ms") == 0)
        bench_settings.budget = strtod(value, NULL) * 1e-3;
    else if (strcmp(name, "--values") == 0)
        bench_settings.values = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--threads") == 0)
        bench_settings.threads = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--size") == 0)
        bench_settings.size = strtoull(value, NULL, 10);
    else if (strcmp(name, "--batches") == 0)
        bench_settings.batches = strtoul(value, NULL, 10);
    else
        return false;
    return true;
}

int main(int argc, char **argv) {
    const char *wanted = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list_rows();
            return 0;
        }
        if (strcmp(argv[i], "--tiny") == 0)
            bench_settings.tiny = true;
        else if (i + 1 < argc && option(argv[i], argv[i + 1]))
            i++;
        else if (wanted == NULL)
            wanted = argv[i];
        else
            return usage();
    }
    struct bench_row *row = rows;
    while (wanted != NULL && row != NULL && strcmp(row->name, wanted) != 0)
        row = row->next;
    if (wanted == NULL || row == NULL)
        return usage();
    if (bench_settings.tiny)
        bench_settings.budget = 0;
    pthread_t company;
    BENCH_CHECK(pthread_create(&company, NULL, keep_company, NULL) == 0);
    bench_prepare_processors();
    bench_pin(1);
    bench_settings.row = row->name;
    row->run();
    fflush(stdout);
    _exit(0); /* a row may leave millions of objects: taking them down is not what is measured */
}
