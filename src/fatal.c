/* SPDX-License-Identifier: MIT */
#include "fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "holders.h"
#include "word.h"

static wr_fatal_handler handler_chosen;

wr_fatal_handler wr_set_fatal_handler(wr_fatal_handler handler) {
    /* order: acq_rel [HANDLER], with the call and the next setter: what its setter prepared for a handler is seen by
     * who calls it. */
    return wr_exchange_acq_rel(&handler_chosen, handler);
}

void fatal(const char *format, ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    /* order: acquire [HANDLER], as above. */
    wr_fatal_handler handler = wr_load_acquire(&handler_chosen);
    if (handler != NULL)
        handler(message);
    else
        (void)fprintf(stderr, "%s\n", message);
    abort();
}

static _Noreturn void say(const char *function, const void *obj, const char *rule, const char *places) {
    const wr_type *type = arena_is_slot(obj) ? wr_read(&wr_slot_of(obj)->type) : NULL;
    fatal("weakrt: %s(%p): %s%s%s%s%s", function, obj, type ? "type '" : "",
          type && type->name ? type->name : "object", type ? "': " : ": ", rule, places);
}

void fatal_object(const char *function, const void *obj, const char *rule) {
    char places[512] = "";
    if (arena_is_slot(obj))
        holders_places(wr_slot_of(obj), places, sizeof places);
    say(function, obj, rule, places);
}

void fatal_object_only(const char *function, const void *obj, const char *rule) {
    say(function, obj, rule, "");
}

/* ---- what the hot path calls when it notices something ---- */

void wr_not_an_object(const char *function, const void *obj) {
    fatal("weakrt: %s(%p): this is no object of weakrt: pass what wr_new returned, not memory of your own",
          function, obj);
}

void wr_count_misuse(const char *function, const void *obj, uint64_t seen) {
    if (word_alive(seen) && seen >= WR_OVERFLOW) {
        /* The unit is real and the caller keeps its own: take it back before saying so. */
        (void)wr_sub_relaxed(&wr_slot_of(obj)->word, WR_ONE);
        fatal_object(function, obj,
                     "the strong count overflows: 2^26 references, of which most were never released");
    }
    fatal_object(function, obj,
                 word_alive(seen)
                     ? "its last reference is being given up on another thread: whoever calls this needs "
                       "a reference of its own"
                     : "the object is dead already: each reference is released once, and none is used after");
}
