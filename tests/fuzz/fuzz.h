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

/* ---- cells ---- */

enum { CELLS = 2 };
struct owning_cell {
    wr_cell cell;
    struct thing *thing; /* with one of the references that the model counts; NULL: none */
};
extern struct owning_cell cells[CELLS];

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
    X(weak_cell)                                                                                             \
    X(cache_get)                                                                                             \
    X(cache_put)                                                                                             \
    X(cache_set_default)                                                                                     \
    X(cache_take)                                                                                            \
    X(cache_popitem)                                                                                         \
    X(cache_look)                                                                                            \
    X(cache_make)                                                                                            \
    X(map_set)                                                                                               \
    X(map_get)                                                                                               \
    X(map_take)                                                                                              \
    X(map_look)                                                                                              \
    X(set_add)                                                                                               \
    X(set_discard)                                                                                           \
    X(set_pop)                                                                                               \
    X(set_look)                                                                                              \
    X(set_with)                                                                                              \
    X(listeners_add)                                                                                         \
    X(listeners_remove)                                                                                      \
    X(listeners_call)                                                                                        \
    X(container_clear)                                                                                       \
    X(hash)                                                                                                  \
    X(equal)                                                                                                 \
    X(describe)                                                                                              \
    X(kill_wait)                                                                                             \
    X(kill_notify)                                                                                           \
    X(kill_all)                                                                                              \
    X(object_new_more)                                                                                       \
    X(cell_borrow)                                                                                           \
    X(weak_cell_compare_exchange)                                                                            \
    X(cache_update)                                                                                          \
    X(cache_copy)
#define DECLARE_CALL(name) void call_##name(void);
CALLS(DECLARE_CALL)

void release_thing(struct thing *thing); /* one reference of the sequence's */
void release_owned(struct thing *thing); /* one that an object of the sequence owns */
void run_queue(struct thing *queue, int max);
void free_queue(struct thing *queue);
void empty_cells(void);
void give_all_back(void); /* what this thread borrows */
bool borrowed_here(const struct thing *thing);
extern const struct traits *const listed; /* of objects that wr_kill_all reaches */
extern const wr_type *const listed_type;
extern bool killing_all; /* under way */
void free_containers(void);

/* ---- containers ---- */

/* CACHE: bytes to objects; LIMITED: of three at the most, of which two are kept; WEIGHED: of four, of which three are
 * kept, of 2 in weight together (weight_of); MAP: values are the nodes themselves,
 * MAP_OBJECTS: objects; SET_BY_VALUE, MAP_BY_VALUE: with equal. */
enum container {
    CACHE,
    LIMITED,
    MAP,
    MAP_OBJECTS,
    SET,
    SET_BY_VALUE,
    LISTENERS,
    WEIGHED,
    MAP_BY_VALUE,
    CONTAINERS
};

struct thing *
container(enum container which); /* made when first asked for; NULL: there are too many things */
void map_value_destroyed(void *node);
size_t weigh(const void *obj);
void let_go_of(const struct let_go *let_go); /* the call under way does */
void empty_cache(struct thing *cache);
void empty_map(struct thing *map);
struct thing *in_by_real(const struct thing *container,
                         const void *referent);                  /* the node that gives it; or fail */
unsigned live_nodes(const struct thing *container, bool pinned); /* not dead; pinned: and can be had */

/* ---- a sequence ---- */

void fuzz_sequence(const uint8_t *bytes, size_t size); /* aborts when the model is contradicted */
extern uint64_t fuzz_seed;                             /* printed when not 0 and a sequence fails */
void fuzz_count_live(void); /* between sequences: as many objects are alive as at the first call */
void fuzz_echo(void);       /* from now on, say each call on standard error as it is made */

#endif
