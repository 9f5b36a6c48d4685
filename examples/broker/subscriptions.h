/* SPDX-License-Identifier: MIT */
/* A set of names: what a connection subscribed to. Of one thread. */
#ifndef BROKER_NAMES_H
#define BROKER_NAMES_H

#include <stddef.h>

struct name {
    size_t len;
    char s[];
};

struct names {
    void *tree; /* of tsearch */
    unsigned count;
};

/* Add a name. Returns 1: added; 0: it was there; -1: no memory. */
int names_add(struct names *names, const char *s, size_t len);
/* Take a name out. Returns 1, or 0: it was not there. */
int names_remove(struct names *names, const char *s, size_t len);
/* Some name of a set, or NULL. */
const struct name *names_any(const struct names *names);
/* Take that one out. The set must not be empty. */
void names_drop_any(struct names *names);
void names_free(struct names *names);

#endif
