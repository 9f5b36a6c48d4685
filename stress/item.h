/* SPDX-License-Identifier: MIT */
/*
 * Items: the objects that scenarios fight over, and the oracles in them.
 *
 *   intact        its id, its seal and its filler are what its maker wrote, whoever looks, and destroy too
 *   the right one a get that succeeds gives the item that the weak value was made of
 *   exactly once  destroyed items are the made ones, by number and by sum of scrambled ids; a second destroy
 *                 finds a broken seal
 *   in time       each holder leaves a mark, by a plain store; destroy reads all: one that came too early loses
 *                 marks, and one that is not ordered after them is a race that ThreadSanitizer sees
 *   dead is dead  once a get failed or is_dead said so, no get succeeds, here and, through a struct post, on any
 *                 thread
 */
#ifndef STRESS_ITEM_H
#define STRESS_ITEM_H

#include "stress.h"

struct item {
    uint64_t self; /* its weak value's bits, once it has one */
    uint64_t id;
    uint64_t seal;   /* of the id while it is alive; broken by destroy */
    uint32_t marks;  /* offset of the array of marks, one for each thread: behind the type's own fields */
    uint32_t filler; /* bytes behind the marks */
};

/* A plain item with a destroy; scenarios with a type of their own start it with a struct item and call
 * item_made and item_destroy. */
extern const wr_type item_type;
/* The same without destroy: for deaths with nothing to do; not in the ledger. */
extern const wr_type item_quiet_type;

/* Make an item of `type` with `filler` bytes behind it; one reference. Out of memory is a violation. */
void *item_new(struct worker *worker, const wr_type *type, uint32_t filler);

/* An item that containers find by its value, of which two each have one hash. */
struct valued_item {
    struct item item; /* first */
    uint64_t value;
};
bool valued_item_equal(const void *a, const void *b);
int valued_item_hash(const void *self, uint64_t *out);

/* Put the tag of the item's slot near its end, if it is young, as if that many items had lived there: by its only
 * holder, before it has a weak value. Returns whether it was young. */
bool item_age(struct item *item);

/* Tell whether the slot of any item was aged: then some wear out, and wr_trim does not give their memory back. */
bool items_aged(void);

/* Clear an item that is held. Returns false where the last tags of a slot that somebody aged are kept for a kill. */
bool item_clear(struct item *item);

/* How large a payload item_new makes. */
size_t item_size(const struct run *run, const wr_type *type, uint32_t filler);

/* Make the item's weak value and note it in the item: by its only holder. */
wr_weak item_weak(struct item *item);

/* Check an item that is held; `weak` is what it was found by, or null. */
void item_check(const struct item *item, wr_weak weak);

/* Leave the worker's mark on an item that is held. */
void item_mark(struct worker *worker, struct item *item);

/* The part of destroy that belongs to the item: checks everything, and enters it in the ledger. */
void item_destroy(void *self);

/* Get by a weak value and check what came. Takes a reference, unless NULL. */
void *item_get(struct worker *worker, wr_weak weak);

/* Check that a value seen dead is dead in every way. */
void item_check_dead(wr_weak weak);

/* A place where threads find the weak value of a current item. */
struct post {
    _Atomic uint64_t weak;         /* stored with release, loaded with acquire, as S22 asks for */
    _Atomic uint64_t dead;         /* the last value that some thread saw dead here */
    _Atomic(struct item *) strong; /* a reference, if not NULL: whoever exchanges it out has it */
} __attribute__((aligned(64)));

/* Get by what the post has; checks that no value succeeds that was seen dead before by any thread. */
void *post_get(struct worker *worker, struct post *post);

/* The same, of a value found there earlier. */
void *post_get_value(struct worker *worker, struct post *post, wr_weak weak);

#endif /* STRESS_ITEM_H */
