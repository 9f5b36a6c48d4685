/* SPDX-License-Identifier: MIT */
#include "subscriptions.h"

#include <search.h>
#include <stddef.h>
#include <string.h>

/* Topics are compared by the name that they begin with, so that a name alone will do to look for one. */
static int compare(const void *a, const void *b) {
    const struct topic_name *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->s, y->s, x->len);
}

int subscriptions_add(struct subscriptions *set, struct topic *topic) {
    if (tfind(topic, &set->tree, compare) != NULL)
        return 0;
    if (tsearch(topic, &set->tree, compare) == NULL)
        return -1;
    set->count++;
    return 1;
}

static struct topic *take(struct subscriptions *set, const void *key) {
    void *const *found = tfind(key, &set->tree, compare);
    if (found == NULL)
        return NULL;
    struct topic *topic = *found;
    (void)tdelete(key, &set->tree, compare);
    set->count--;
    return topic;
}

struct topic *subscriptions_take(struct subscriptions *set, const char *name, size_t len) {
    struct topic_name key = {name, len};
    return take(set, &key);
}

struct topic *subscriptions_take_any(struct subscriptions *set) {
    return set->tree == NULL ? NULL : take(set, *(void **)set->tree); /* a node begins with its key */
}

static void put(void *topic) {
    topic_put(topic);
}

void subscriptions_free(struct subscriptions *set) {
    tdestroy(set->tree, put);
    *set = (struct subscriptions){0};
}
