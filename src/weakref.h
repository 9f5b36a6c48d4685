/* SPDX-License-Identifier: MIT */
/* What a weakref object is: the payload of wr_weakref_type and of the types based on it. */
#ifndef WR_WEAKREF_H
#define WR_WEAKREF_H

#include "registry.h"

/* Whether a weakref's callback will run, runs, or will not. Changed under the referent's stripe, but for the
 * end of a run. */
enum weakref_state {
    WEAKREF_IDLE,    /* it has run, was cancelled, or there never was one */
    WEAKREF_ARMED,   /* it will run */
    WEAKREF_RUNNING, /* it runs, or its arg destructor does, on `runner` */
    WEAKREF_AWAITED, /* the same, and somebody waits for the end */
};

enum weakref_flags {
    WEAKREF_PROXY = 1,  /* WR_PROXY */
    WEAKREF_SHARED = 2, /* without callback, arg destructor and type of its own: one for each object */
};

struct wr_weakref {
    struct wr_entry entry; /* first */
    union {
        wr_callback callback;  /* armed */
        struct thread *runner; /* running */
    } who;                     /* guarded by the stripe */
    void *arg;                 /* these two guarded by the stripe; who takes them for running owns them */
    void (*arg_destroy)(void *arg);
    uint64_t hash;   /* the referent's, once `hashed` */
    uint32_t state;  /* enum weakref_state; atomic */
    uint16_t flags;  /* enum weakref_flags; constant */
    uint16_t hashed; /* atomic */
};

/* Tell whether an object is a weakref: a ref, a proxy, or of a type based on them. */
static inline bool weakref_is(const void *obj) {
    if (obj == NULL)
        return false;
    const wr_type *type = wr_read(&wr_slot_of(obj)->type);
    return type == &wr_weakref_type || type->base == &wr_weakref_type;
}

#endif /* WR_WEAKREF_H */
