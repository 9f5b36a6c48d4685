/* SPDX-License-Identifier: MIT */
/*
 * A tree: parents own their children, children know their parent by a weak value. Strong references both ways would be
 * a cycle, which counting never frees; a plain pointer up would dangle when a child is kept and its tree goes.
 *
 * A chain a million deep goes the same way: each destroy releases the next, and none runs inside another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct node {
    int depth;
    wr_weak parent;
    struct node *children[2]; /* owned */
};

static long alive;

static void node_destroy(void *self) {
    struct node *node = self;
    wr_release(node->children[0]);
    wr_release(node->children[1]);
    alive--;
}

static const wr_type node_type = {
    .abi = WR_TYPE_ABI, .name = "node", .size = sizeof(struct node), .destroy = node_destroy};

static struct node *node_new(struct node *parent) {
    struct node *node = wr_new(&node_type);
    REQUIRE(node != NULL);
    node->depth = parent ? parent->depth + 1 : 0;
    node->parent = wr_weak_of(parent); /* null for the root */
    alive++;
    return node;
}

static void grow(struct node *node, int levels) {
    for (int i = 0; i < 2 && levels > 0; i++) {
        node->children[i] = node_new(node);
        grow(node->children[i], levels - 1);
    }
}

/* Count the steps up from a node to where there is no parent. */
static int steps_up(struct node *node) {
    int steps = 0;
    struct node *at = wr_retain(node);
    for (struct node *up; (up = wr_weak_get(at->parent)) != NULL; at = up, steps++)
        wr_release(at);
    wr_release(at);
    return steps;
}

int main(void) {
    struct node *root = node_new(NULL);
    grow(root, 9);
    REQUIRE(alive == 1023);

    struct node *leaf = root;
    while (leaf->children[0] != NULL)
        leaf = leaf->children[0];
    wr_retain(leaf);
    REQUIRE(leaf->depth == 9 && steps_up(leaf) == 9);

    wr_release(root); /* takes all nodes with it, but for the leaf, which is held */
    REQUIRE(alive == 1 && steps_up(leaf) == 0 && wr_weak_is_dead(leaf->parent));
    wr_release(leaf);
    REQUIRE(alive == 0);

    struct node *chain = NULL;
    for (int i = 0; i < 1000000; i++) {
        struct node *next = node_new(NULL);
        next->children[0] = chain;
        if (chain != NULL)
            chain->parent = wr_weak_of(next);
        chain = next;
    }
    REQUIRE(alive == 1000000);
    wr_release(chain);
    REQUIRE(alive == 0);

    puts("no node is left");
    return 0;
}
