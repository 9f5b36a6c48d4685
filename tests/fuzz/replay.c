/* SPDX-License-Identifier: MIT */
/* Sequences from files, or made at random, where there is no libFuzzer.
 * usage: fuzz-replay [--print] FILE-OR-FOLDER ...      --print: say each call as it is made
 *        fuzz-replay [--print] --random N [SEED]       N sequences, from a seed that is printed */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

enum { LONGEST = 512 };
static unsigned long sequences;

static void replay_file(const char *path) {
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    fuzz_sequence(bytes, size);
    fuzz_count_live();
    sequences++;
}

static void replay(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        replay_file(path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        replay_file(below);
    }
    (void)closedir(folder);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* One sequence for each seed from `seed` on: the last that is printed is the one that failed. */
static void random_sequences(unsigned long count, uint64_t seed) {
    printf("fuzz-replay: --random %lu %" PRIu64 "\n", count, seed);
    (void)fflush(stdout);
    for (; count > 0; count--, sequences++) {
        uint8_t bytes[LONGEST];
        uint64_t state = seed + sequences;
        size_t size = next_random(&state) % LONGEST;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)next_random(&state);
        fuzz_seed = seed + sequences;
        fuzz_sequence(bytes, size);
        fuzz_count_live();
    }
}

int main(int argc, char **argv) {
    int at = 1;
    fuzz_count_live();
    if (at < argc && strcmp(argv[at], "--print") == 0) {
        fuzz_echo();
        at++;
    }
    if (at + 1 < argc && strcmp(argv[at], "--random") == 0) {
        uint64_t seed = at + 2 < argc ? strtoull(argv[at + 2], NULL, 0) : (uint64_t)time(NULL) << 20;
        random_sequences(strtoul(argv[at + 1], NULL, 0), seed);
    } else {
        for (; at < argc; at++)
            replay(argv[at]);
    }
    printf("fuzz-replay: %lu sequences, all as the model says\n", sequences);
    return sequences == 0;
}
