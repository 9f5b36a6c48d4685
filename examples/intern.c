/* SPDX-License-Identifier: MIT */
/*
 * An interning table: equal texts are one object, so that comparing them is comparing pointers. The table does not
 * keep them: a text that nobody uses any more goes, and its entry with it. The text itself is the key, not a copy.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct text {
    size_t len;
    char bytes[]; /* and a NUL */
};

static const wr_type text_type = {.abi = WR_TYPE_ABI, .name = "text", .size = sizeof(struct text)};

static wr_cache *texts;

static struct text *text_new(const char *bytes, size_t len) {
    struct text *text = wr_new_flex(&text_type, len + 1);
    if (text != NULL) {
        text->len = len;
        memcpy(text->bytes, bytes, len);
    }
    return text;
}

/* Return the one text with these bytes, with a reference; NULL: no memory. */
static struct text *intern(const char *bytes) {
    size_t len = strlen(bytes);
    struct text *there = wr_cache_get(texts, bytes, len);
    if (there != NULL)
        return there;
    /* Made before it is put, and not by wr_cache_get_or_create, because its own bytes are to be the key. If another
     * thread was first, theirs is what all get. */
    struct text *mine = text_new(bytes, len);
    if (mine == NULL)
        return NULL;
    there = wr_cache_set_default(texts, mine->bytes, len, mine);
    wr_release(mine);
    return there;
}

static void *intern_many(void *arg) {
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "name%d", i % 7);
        struct text *a = intern(name), *b = intern(name);
        REQUIRE(a != NULL && a == b && strcmp(a->bytes, name) == 0);
        wr_release(a);
        wr_release(b);
    }
    return NULL;
}

int main(void) {
    wr_cache_options options = WR_CACHE_OPTIONS_INIT;
    options.flags = WR_KEYS_IN_VALUES;
    texts = wr_cache_new_ex(&options);
    REQUIRE(texts != NULL);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, intern_many, NULL) == 0);
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    REQUIRE(wr_cache_len(texts) == 0); /* all went with their users */
    wr_cache_free(texts);
    return 0;
}
