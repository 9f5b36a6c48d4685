/* SPDX-License-Identifier: MIT */
/*
 * A cache of files that many threads ask for. While somebody uses a file, all who ask get that one; the first to ask
 * for one that is not there loads it, and who asks meanwhile waits for him. When nobody uses a file, it is gone from
 * the cache without anybody's doing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct file {
    char name[32];
};
static const wr_type file_type = {.abi = WR_TYPE_ABI, .name = "file", .size = sizeof(struct file)};

static wr_cache *files;
static atomic_int loaded;

static void *load(const void *key, size_t len, void *arg) {
    (void)arg;
    struct file *file = wr_new(&file_type);
    if (file == NULL || len >= sizeof file->name)
        return wr_release(file), NULL; /* leaves no entry; the others try themselves */
    memcpy(file->name, key, len);
    loaded++;
    return file;
}

static struct file *open_file(const char *name) {
    return wr_cache_get_or_create(files, name, strlen(name), load, NULL);
}

static void *user(void *arg) {
    struct file *file = open_file("index.html");
    REQUIRE(file != NULL && strcmp(file->name, "index.html") == 0);
    *(struct file **)arg = file;
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    struct file *used[4];
    REQUIRE((files = wr_cache_new()) != NULL);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, user, &used[i]) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0 && used[i] == used[0]);
    printf("4 users, loaded %d time, %zu in the cache\n", loaded, wr_cache_len(files));
    for (int i = 0; i < 4; i++)
        wr_release(used[i]);
    printf("no users, %zu in the cache\n", wr_cache_len(files));
    wr_cache_free(files);
    return 0;
}
