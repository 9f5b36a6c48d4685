/* SPDX-License-Identifier: MIT */
/* Which way to go where there are several, and what was tried. */
#include "checker.h"

static uint64_t next_random(void) {
    /* splitmix64 */
    uint64_t z = checker->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void search_note(uint8_t chosen, char letter) {
    if (checker->recorded == DEPTH_MAX)
        model_fail("more than %d choices: raise DEPTH_MAX", DEPTH_MAX);
    checker->record[checker->recorded++] = (char)(letter + chosen);
    checker->record[checker->recorded] = 0;
}

static uint8_t choose_at_random(uint32_t allowed, uint8_t first) {
    if (next_random() % 8 < 5)
        return first;
    uint32_t skip = (uint32_t)(next_random() % (uint64_t)__builtin_popcount(allowed));
    while (skip-- > 0)
        allowed &= allowed - 1;
    return (uint8_t)__builtin_ctz(allowed);
}

static uint8_t choose_from_string(uint32_t possible, uint8_t first, char letter) {
    if (*checker->replay == 0)
        return first;
    uint8_t chosen = (uint8_t)(*checker->replay++ - letter);
    if (chosen > 31 || !(possible >> chosen & 1))
        model_fail("the replay string does not fit this model: it was made by another build");
    return chosen;
}

static uint8_t choose_next(uint32_t allowed, uint8_t first, uint32_t *done) {
    if ((allowed & (allowed - 1)) == 0)
        return first;
    if (checker->depth == DEPTH_MAX)
        model_fail("more than %d choices: raise DEPTH_MAX", DEPTH_MAX);
    struct node *node = &checker->path[checker->depth];
    if (checker->depth == checker->length) {
        *node = (struct node){.todo = allowed & ~(UINT32_C(1) << first), .chosen = first};
        checker->length++;
    }
    checker->depth++;
    *done = node->done;
    return node->chosen;
}

uint8_t search_choose(uint32_t possible, uint32_t allowed, uint8_t first, char letter, uint32_t *done) {
    *done = 0;
    if ((possible & (possible - 1)) == 0)
        return (uint8_t)__builtin_ctz(possible);
    uint8_t chosen = checker->mode == REPLAY   ? choose_from_string(possible, first, letter)
                     : checker->mode == RANDOM ? choose_at_random(allowed, first)
                                               : choose_next(allowed, first, done);
    search_note(chosen, letter);
    return chosen;
}

void search_prune(void) {
    run_leave(PRUNED);
}

void search_start(void) {
    checker->depth = 0;
    checker->recorded = 0;
    checker->record[0] = 0;
}

bool search_continue(void) {
    if (checker->sharing_changed) {
        /* What was run so far stopped at too few points. */
        checker->sharing_changed = false;
        checker->length = 0;
        return true;
    }
    for (; checker->length > 0; checker->length--) {
        struct node *node = &checker->path[checker->length - 1];
        if (node->todo != 0) {
            node->done |= UINT32_C(1) << node->chosen;
            node->chosen = (uint8_t)__builtin_ctz(node->todo);
            node->todo &= node->todo - 1;
            return true;
        }
    }
    return false;
}
