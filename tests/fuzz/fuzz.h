/* SPDX-License-Identifier: MIT */
/* Sequences of calls, made from bytes. Each call is made in the model (oracle.h), then in the library, and user code
 * that the library runs makes more of them; all that is seen must be as the model says. */
#ifndef WR_FUZZ_FUZZ_H
#define WR_FUZZ_FUZZ_H

#include "oracle.h"
#include "weakrt.h"

/* ---- the bytes ---- */

unsigned take(void);                 /* the next; 0 at the end */
unsigned take_below(unsigned limit); /* limit > 0 */

/* ---- what a call is made of ---- */

/* Say what is about to be called, in a line that reads as C. `drains`: it must run the deaths left for anybody. */
void begin_call(bool drains, const char *format, ...) __attribute__((format(printf, 2, 3)));
void settle(void);   /* before a call that may or may not run the deaths left for anybody: run them */
void end_call(void); /* all user code that it was to run has run */

/* The value of an expression must be that. */
#define EXPECT(value, expected) expect(#value, (intptr_t)(value), (intptr_t)(expected))
void expect(const char *what, intptr_t value, intptr_t expected);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* User code: between these two it may make calls. */
void begin_event(enum event event, struct thing *thing);
void end_event(void);

/* Things for a call to be made with, chosen by a byte; NULL: there is none. */
#define ANY_OF(kind) (1u << (kind))
struct thing *
pick(unsigned kinds); /* there is a reference, or it is the one whose destroy or finalize runs */
struct thing *pick_held(unsigned kinds); /* a reference may be given up */
struct thing *pick_queue(void);          /* not freed */
void hide(struct thing *thing);          /* from further calls, until it is shown */
void show(struct thing *thing);

/* A call under way needs its reference. */
void pin(struct thing *thing);
void unpin(struct thing *thing);

/* ---- weak values, of all calls that make or take them ---- */

struct value {
    wr_weak weak;
    struct thing *thing;
    unsigned epoch;
};
enum { VALUES = 8 };
extern struct value values[VALUES];
void value_keep(wr_weak weak, struct thing *thing);

unsigned thread_now(void);

/* ---- calls ---- */

/* In the order of the byte that chooses: a new one goes last, so that the corpus keeps its meaning as far as it can. */
#define CALLS(X)                                                                                             \
    X(switch_thread)                                                                                         \
    X(object_new)                                                                                            \
    X(retain)                                                                                                \
    X(release)                                                                                               \
    X(weak_of)                                                                                               \
    X(weak_get)                                                                                              \
    X(weak_is_dead)                                                                                          \
    X(kill)                                                                                                  \
    X(clear)                                                                                                 \
    X(look)                                                                                                  \
    X(weakref_new)                                                                                           \
    X(weakref_get)                                                                                           \
    X(weakref_look)                                                                                          \
    X(weakref_list)                                                                                          \
    X(cancel)                                                                                                \
    X(proxy_call)                                                                                            \
    X(queue_new)                                                                                             \
    X(queue_run)                                                                                             \
    X(queue_free)                                                                                            \
    X(queue_fd)                                                                                              \
    X(release_later)                                                                                         \
    X(bind)                                                                                                  \
    X(trim)                                                                                                  \
    X(borrow)                                                                                                \
    X(give_back)                                                                                             \
    X(finalizer_new)                                                                                         \
    X(finalizer_take)                                                                                        \
    X(finalizer_peek)                                                                                        \
    X(cell_store)                                                                                            \
    X(cell_load)                                                                                             \
    X(cell_exchange)                                                                                         \
    X(cell_compare_exchange)                                                                                 \
    X(weak_cell)
#define DECLARE_CALL(name) void call_##name(void);
CALLS(DECLARE_CALL)

void release_thing(struct thing *thing); /* one reference of the sequence's */
void release_owned(struct thing *thing); /* one that an object of the sequence owns */
void run_queue(struct thing *queue, int max);
void free_queue(struct thing *queue);
void empty_cells(void);
void give_all_back(void); /* what this thread borrows */

/* ---- a sequence ---- */

void fuzz_sequence(const uint8_t *bytes, size_t size); /* aborts when the model is contradicted */
extern uint64_t fuzz_seed;                             /* printed when not 0 and a sequence fails */
void fuzz_count_live(void); /* between sequences: as many objects are alive as at the first call */
void fuzz_echo(void);       /* from now on, say each call on standard error as it is made */

#endif
