/* SPDX-License-Identifier: MIT */
/*
 * Tables whose keys are the objects that their nodes refer to: the core of weak maps and weak sets. By
 * identity, or by value: by the equal and hash of the objects' type.
 *
 * Comparing by value runs the user's code, so that no lock is held for it, and the table may change
 * meanwhile. Nodes are numbered as they come in; a search takes those of its hash in that order, each pinned
 * while it is compared. What comes in meanwhile has a greater number: the search is over when, under the
 * lock, there is none left.
 */
#ifndef WR_KEYED_H
#define WR_KEYED_H

#include "table.h"

struct keyed {
    struct table table; /* first */
    bool by_value;      /* constant */
};

/* A node of a table by value; by identity a struct node does. */
struct keyed_node {
    struct node node;
    uint64_t number; /* guarded by the shard's lock */
};

/* A search. */
struct search {
    wr_weak weak; /* the value of what is looked for */
    void *obj;    /* constant, as the next two: what is looked for */
    uint64_t hash;
    struct shard *shard;
    uint64_t number;    /* all nodes up to this one were compared */
    struct node *found; /* with a reference, as the next: what was found by value */
    void *referent;
};

/* Begin a search for `obj`, which the caller holds. Returns 0 or a negative errno: it cannot be a key. */
int keyed_search(const struct keyed *keyed, void *obj, struct search *search);

/* Find the node of what is searched for, or NULL, and return with the lock held: it is in. When called again
 * it goes on from where it was. search->referent is the node's, held for as long as the search (by identity:
 * obj). */
struct node *keyed_find(const struct keyed *keyed, struct search *search, struct shard *shard)
    ACQUIRES(shard->lock);

/* Put in a node that is not in yet, of a key that keyed_find just found `old` of, or NULL, in whose place it comes.
 * Returns as table_insert. */
bool keyed_insert(const struct keyed *keyed, struct node *node, struct node *old, struct shard *shard)
    REQUIRES(shard->lock);

/* End a search. No lock is held. */
void keyed_end(struct search *search);

/* Tell whether there is an object of that key. */
bool keyed_contains(const struct keyed *keyed, void *obj);

/* Take the node of a key out. Returns it, to be dropped, or NULL; *error: 0 or why obj cannot be a key. */
struct node *keyed_take(const struct keyed *keyed, void *obj, int *error);

/* Return the number of shards an option asks for, or 0: it is wrong. */
uint32_t keyed_shards(unsigned option);

#endif /* WR_KEYED_H */
