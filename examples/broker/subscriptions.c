/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    const struct name *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->s, y->s, x->len);
}

static struct name *make(const char *s, size_t len) {
    struct name *name = malloc(sizeof *name + len);
    if (name != NULL) {
        name->len = len;
        memcpy(name->s, s, len);
    }
    return name;
}

int names_add(struct names *names, const char *s, size_t len) {
    struct name *name = make(s, len);
    struct name **found = name == NULL ? NULL : tsearch(name, &names->tree, compare);
    if (found == NULL || *found != name) {
        free(name);
        return found == NULL ? -1 : 0;
    }
    names->count++;
    return 1;
}

int names_remove(struct names *names, const char *s, size_t len) {
    struct name *key = make(s, len);
    struct name **found = key == NULL ? NULL : tfind(key, &names->tree, compare);
    if (found != NULL) {
        struct name *name = *found;
        (void)tdelete(key, &names->tree, compare);
        free(name);
        names->count--;
    }
    free(key);
    return found != NULL;
}

const struct name *names_any(const struct names *names) {
    return names->tree == NULL ? NULL : *(struct name **)names->tree; /* a node begins with its key */
}

void names_drop_any(struct names *names) {
    struct name *name = *(struct name **)names->tree;
    (void)tdelete(name, &names->tree, compare);
    free(name);
    names->count--;
}

void names_free(struct names *names) {
    tdestroy(names->tree, free);
    *names = (struct names){0};
}
