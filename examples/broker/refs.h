/* SPDX-License-Identifier: MIT */
/* An array of references to connections. */
#ifndef BROKER_REFS_H
#define BROKER_REFS_H

#include <stdlib.h>

#include "hold.h"

struct refs {
    hold_ref *at;
    size_t count, cap;
};

/* Drop those that name nothing any more. */
static inline void refs_sweep(struct refs *refs) {
    size_t kept = 0;
    for (size_t i = 0; i < refs->count; i++)
        if (!hold_is_dead(refs->at[i]))
            refs->at[kept++] = refs->at[i];
    refs->count = kept;
}

static inline bool refs_grow(struct refs *refs) {
    size_t cap = refs->cap == 0 ? 4 : refs->cap * 2;
    hold_ref *at = realloc(refs->at, cap * sizeof *at);
    if (at == NULL)
        return false;
    refs->at = at;
    refs->cap = cap;
    return true;
}

/* Add a reference. Returns false: no memory. */
static inline bool refs_add(struct refs *refs, hold_ref ref) {
    if (refs->count == refs->cap && !refs_grow(refs))
        return false;
    refs->at[refs->count++] = ref;
    return true;
}

/* The same, and when it is full first drop those that name nothing; it grows unless that was half of them. */
static inline bool refs_add_or_replace(struct refs *refs, hold_ref ref) {
    if (refs->count == refs->cap) {
        refs_sweep(refs);
        if (refs->count >= refs->cap / 2)
            (void)refs_grow(refs);
    }
    if (refs->count == refs->cap)
        return false;
    refs->at[refs->count++] = ref;
    return true;
}

/* Take a reference out; the order of the others is not kept. */
static inline void refs_remove(struct refs *refs, hold_ref ref) {
    for (size_t i = 0; i < refs->count; i++)
        if (refs->at[i].bits == ref.bits)
            refs->at[i--] = refs->at[--refs->count];
}

#endif
