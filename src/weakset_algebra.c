/* SPDX-License-Identifier: MIT */
/* Weak sets with each other. Members that die meanwhile are in or out, as it happens; whatever is in the
 * result is an object that was a member of what it had to be a member of when it was looked at. */
#include <errno.h>

#include "weakset.h"

/* One set walked over, two others: what each member is looked up in, and what is changed. */
struct pass {
    wr_weakset *in, *to;
};

/* Walk over `set`. Returns 0, or what ended it: an error, or an answer. */
static int walk(wr_weakset *set, int (*visit)(void *obj, void *arg), wr_weakset *in, wr_weakset *to) {
    struct pass pass = {.in = in, .to = to};
    return wr_weakset_foreach(set, visit, &pass);
}

/* Add, in a pass: an object killed since is no member. */
static int add(const struct pass *pass, void *obj) {
    int result = wr_weakset_add(pass->to, obj);
    return result < 0 && result != -ESTALE ? result : 0;
}

static int add_each(void *obj, void *arg) {
    return add(arg, obj);
}

/* Discard, in a pass. */
static int discard(const struct pass *pass, void *obj) {
    int result = wr_weakset_discard(pass->to, obj);
    return result < 0 ? result : 0;
}

static int discard_each(void *obj, void *arg) {
    return discard(arg, obj);
}

static int add_if_in(void *obj, void *arg) {
    const struct pass *pass = arg;
    return wr_weakset_contains(pass->in, obj) ? add(pass, obj) : 0;
}

static int add_if_not_in(void *obj, void *arg) {
    const struct pass *pass = arg;
    return wr_weakset_contains(pass->in, obj) ? 0 : add(pass, obj);
}

static int discard_if_not_in(void *obj, void *arg) {
    const struct pass *pass = arg;
    return wr_weakset_contains(pass->in, obj) ? 0 : discard(pass, obj);
}

static int toggle(void *obj, void *arg) {
    const struct pass *pass = arg;
    return wr_weakset_discard(pass->to, obj) == 1 ? 0 : add(pass, obj);
}

static int end_if_in(void *obj, void *arg) {
    return wr_weakset_contains(((const struct pass *)arg)->in, obj);
}

static int end_if_not_in(void *obj, void *arg) {
    return !wr_weakset_contains(((const struct pass *)arg)->in, obj);
}

/* ---- in place ---- */

int wr_weakset_update(wr_weakset *set, wr_weakset *other) {
    if (set == NULL || other == NULL)
        return -EINVAL;
    return set == other ? 0 : walk(other, add_each, NULL, set);
}

int wr_weakset_intersection_update(wr_weakset *set, wr_weakset *other) {
    if (set == NULL || other == NULL)
        return -EINVAL;
    return set == other ? 0 : walk(set, discard_if_not_in, other, set);
}

int wr_weakset_difference_update(wr_weakset *set, wr_weakset *other) {
    if (set == NULL || other == NULL)
        return -EINVAL;
    if (set == other)
        wr_weakset_clear(set);
    return set == other ? 0 : walk(other, discard_each, NULL, set);
}

int wr_weakset_symmetric_difference_update(wr_weakset *set, wr_weakset *other) {
    if (set == NULL || other == NULL)
        return -EINVAL;
    if (set == other)
        wr_weakset_clear(set);
    return set == other ? 0 : walk(other, toggle, NULL, set);
}

/* ---- new sets ---- */

static wr_weakset *finish(wr_weakset *made, int error) {
    if (error == 0)
        return made;
    wr_weakset_free(made);
    errno = -error;
    return NULL;
}

/* Make an empty set like `a`. */
static wr_weakset *start(wr_weakset *a, const wr_weakset *b) {
    if (a == NULL || b == NULL) {
        errno = EINVAL;
        return NULL;
    }
    return weakset_new_like(a);
}

wr_weakset *wr_weakset_union(wr_weakset *a, wr_weakset *b) {
    wr_weakset *made = start(a, b);
    if (made == NULL)
        return NULL;
    int error = wr_weakset_update(made, a);
    return finish(made, error != 0 ? error : wr_weakset_update(made, b));
}

wr_weakset *wr_weakset_intersection(wr_weakset *a, wr_weakset *b) {
    wr_weakset *made = start(a, b);
    return made != NULL ? finish(made, walk(a, add_if_in, b, made)) : NULL;
}

wr_weakset *wr_weakset_difference(wr_weakset *a, wr_weakset *b) {
    wr_weakset *made = start(a, b);
    return made != NULL ? finish(made, walk(a, add_if_not_in, b, made)) : NULL;
}

wr_weakset *wr_weakset_symmetric_difference(wr_weakset *a, wr_weakset *b) {
    wr_weakset *made = start(a, b);
    if (made == NULL)
        return NULL;
    int error = walk(a, add_if_not_in, b, made);
    return finish(made, error != 0 ? error : walk(b, add_if_not_in, a, made));
}

/* ---- questions ---- */

int wr_weakset_is_subset(wr_weakset *a, wr_weakset *b) {
    return a == NULL || b == NULL ? -EINVAL : walk(a, end_if_not_in, b, NULL) == 0;
}

int wr_weakset_is_superset(wr_weakset *a, wr_weakset *b) {
    return wr_weakset_is_subset(b, a);
}

int wr_weakset_is_disjoint(wr_weakset *a, wr_weakset *b) {
    return a == NULL || b == NULL ? -EINVAL : walk(a, end_if_in, b, NULL) == 0;
}

int wr_weakset_equal(wr_weakset *a, wr_weakset *b) {
    int result = wr_weakset_is_subset(a, b);
    return result == 1 ? wr_weakset_is_subset(b, a) : result;
}
