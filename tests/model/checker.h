/* SPDX-License-Identifier: MIT */
/*
 * The checker's parts, and what each gives the others.
 *
 *   model_atomic.h -> memory.c     what an atomic operation does: histories of stores, views, happens-before
 *                  -> place.c      the variables themselves, and views of them
 *                  -> sync.c       locks, sleeping, fences
 *                  -> plain.c      plain accesses and their races; pages
 *                  -> schedule.c   who goes on: threads as coroutines, what is enabled, asleep, within the bounds
 *                  -> search.c     which of several choices: depth first, at random, or from a replay string
 *                     run.c        one run, from setup to check; outcomes and failures
 *                     trace.c      what is printed
 *                     neighbours.c locks, sleeping, pages, memory and threads' ends, for the library
 *                     main.c       options
 *
 * All state of the checker hangs from `checker`, outside of .data and .bss, which every run resets.
 */
#ifndef WR_MODEL_CHECKER_H
#define WR_MODEL_CHECKER_H

#include <setjmp.h>

#include "model.h"

#define THREAD_MAX (MODEL_THREADS + 1) /* number 0 runs setup and check */
#define PLACE_MAX 96
#define STORE_MAX 160 /* of one place in one run */
#define INDEX_MAX 256 /* a power of two, more than twice PLACE_MAX */
#define PLAIN_MAX 512 /* a power of two */
#define COMMIT_MAX 8
#define LIFE_MAX 32 /* payloads of slots */
#define POOL_BYTES 16384
#define STEP_MAX 1000 /* a run of more is taken to never end */
#define DEPTH_MAX 2000
#define NONE 255

/* ---- memory ---- */

struct clock {
    uint16_t at[THREAD_MAX];
};

/* What happens before a point: for each place the last store it must not read behind, and a vector clock. The two are
 * apart because seq_cst fences order what is read, but do not synchronise. */
struct view {
    uint8_t store[PLACE_MAX];
    struct clock clock;
};

struct store {
    uint64_t value;
    uint32_t stamp;   /* counts stores over all places, in the order they were executed */
    uint8_t position; /* in the modification order */
    uint8_t
        read; /* the store a read-modify-write took its value from, which it follows for ever; else NONE */
    uint8_t thread;
    struct view view; /* what an acquire that reads it learns */
};

void view_join(struct view *to, const struct view *from);
void view_join_stores(struct view *to, const struct view *from); /* without the clock */

/* An address that atomic operations, or a lock, are used on. */
struct place {
    volatile void *at;
    const char *text;
    uint8_t size;
    uint8_t count;            /* stores; number 0 is what was there */
    uint8_t last;             /* end of the modification order */
    uint8_t holder;           /* lock: the thread, or NONE */
    uint32_t run;             /* what is above, and `stores`, `order`, is of this run */
    struct view given;        /* lock: by the last holder */
    uint8_t order[STORE_MAX]; /* numbers of stores */
    struct store stores[STORE_MAX];
    /* Kept over the runs of a search: who used it in any run while others were about, by bits. */
    uint8_t readers, writers;
    bool mixed; /* plain accesses were made to it too */
};

enum kind { START, LOAD, STORE, RMW, CAS, FENCE, MEMBARRIER, LOCK, SLEEP, WAKE, YIELD, DISCARD };

/* What a thread will do next. */
struct operation {
    enum kind kind;
    enum model_order order;
    enum model_order order_of_failure;
    enum model_rmw rmw;
    struct place *place; /* NULL: fences */
    struct model_site site;
    uint64_t operand;
    uint64_t expected;
};

/* Numbers of the stores an operation may act on: a load reads it, a store goes behind it. The end of the modification
 * order comes first, then further and further back. */
struct options {
    uint8_t count;
    uint8_t store[STORE_MAX];
};
void memory_options(uint8_t thread, const struct operation *operation, struct options *options);
uint32_t memory_stamp(void); /* of the newest store */

/* Where an operation is made: its history is of this run. */
struct place *place_of(struct model_site site);
/* Note that the current thread uses a place. */
void place_note_use(struct place *place, bool writes);
uint64_t place_from_memory(const volatile void *at, uint8_t size);
void place_to_memory(volatile void *at, uint8_t size, uint64_t value);
void place_reset(void);
void place_forget_all(void);
bool place_is_contended(const struct place *place);
void memory_inherit(uint8_t from, uint8_t to); /* a thread begins; `to` sees what `from` did */
void memory_join(uint8_t from, uint8_t to);    /* a thread has ended */
void memory_lock(struct model_site site);
void memory_unlock(struct model_site site);
/* Sleep if the last store is this value; `briefly`: until others went first. */
void memory_sleep(struct model_site site, uint32_t value, bool briefly);
void memory_wake(struct model_site site, int count);
void memory_zero(struct model_site site);
void memory_to_mirror(const struct place *place); /* write the last value to the memory itself */
void place_note_plain(volatile void *at);         /* a plain access to what may be a place */

/* ---- plain accesses and pages ---- */

struct access {
    const char *function;
    uint16_t epoch; /* of its thread; 0: none */
};

struct plain {
    volatile void *at;
    uint32_t run;
    struct access read[THREAD_MAX], write[THREAD_MAX]; /* the last of each thread */
    struct access atomic_read[THREAD_MAX], atomic_write[THREAD_MAX];
    uint32_t writes, seen[THREAD_MAX]; /* for the trace */
};

struct committed {
    uintptr_t start;
    size_t size;
    uint8_t thread;
    uint16_t epoch;
};

/* An atomic operation, which must not race with plain ones on the same address. */
void plain_atomic(const struct place *place, const struct model_site *site, bool is_write);
/* An object is made of memory, or was made, or is none any more. Each use of it must be between the two. */
struct life {
    char *start;
    size_t size; /* 0: dead */
};
void plain_made(char *start, size_t size);
void plain_freed(char *start);
void plain_commit(void *start, size_t size);
void plain_discard(char *start, size_t size);

/* ---- threads ---- */

enum state { FREE, READY, ASLEEP_ON_WORD, DONE };

struct thread_state {
    struct view now;     /* what happened before */
    struct view acquire; /* what an acquire fence would add */
    struct view release; /* what a release fence left for later relaxed stores */
    enum state state;
    struct operation pending;
    /* Nothing new is found by running it now: it was run from an earlier point, and all since then commutes with its
     * pending operation. A load may still find stores newer than `since` (a stamp). */
    bool slumbers;
    uint32_t since;
    bool yields;         /* until another made a step */
    bool fresh;          /* it did nothing yet that another can see */
    volatile void *word; /* ASLEEP_ON_WORD */
    jmp_buf base, resume;
    struct wr_hazard *library_hazards; /* wr_hazards, */
    void *library_thread;              /* thread_current, errno and the exit value are threads' own */
    int library_errno;
    void *exit_value;
};

void schedule_run(void);                                       /* run all threads to their ends */
void schedule_point(const struct operation *operation);        /* let others go first, or not */
bool schedule_wake(volatile void *word, const char *function); /* gives whether there was a sleeper */
void schedule_yield(const char *function);
/* Those of the options, by bits, that are within the bounds and new. */
uint32_t schedule_load_options(uint8_t thread, uint32_t all, const struct options *options);

/* ---- the search ---- */

enum mode { DEPTH_FIRST, RANDOM, REPLAY };

/* One choice of a run that the search may come back to. */
struct node {
    uint32_t todo; /* options not tried yet, by bits */
    uint32_t done; /* tried before the chosen one */
    uint8_t chosen;
};

/* Choose among the options of `allowed`, of `possible` altogether; `first` is the one to try first. `letter` is how the
 * choice is written in a replay string: '0' for threads, 'a' for stores. Gives the options tried in earlier runs in
 * *done. */
uint8_t search_choose(uint32_t possible, uint32_t allowed, uint8_t first, char letter, uint32_t *done);
void search_note(uint8_t chosen, char letter); /* there was no choice now, but there may be in a replay */
_Noreturn void search_prune(void);
void search_start(void);    /* before each run */
bool search_continue(void); /* after it, depth first: is there another? */

/* ---- runs ---- */

struct outcome {
    char text[56];
    uint64_t count;
};

struct checker {
    const struct model *model;
    enum mode mode;
    int preemptions, stale; /* bounds */
    bool full;              /* without the reductions, to check them */

    /* this run */
    uint32_t run;
    uint8_t current;
    bool concurrent; /* the threads are about, not setup or check */
    bool tracing;
    bool sharing_changed; /* a place turned out to be contended: the search starts again */
    bool refuse_discard;
    bool no_membarrier;
    int64_t now;
    int preemptions_left, stale_left;
    uint32_t steps, lines;
    uint32_t stamp;
    struct thread_state threads[THREAD_MAX];
    bool has_stack[THREAD_MAX];
    uint8_t thread_count; /* with number 0 */
    struct view fences;   /* of all seq_cst fences so far */
    struct view in_order; /* last seq_cst store of each place */
    char *arena;
    char *pool; /* for alloc_zeroed */
    size_t pool_used;
    void (*thread_exit)(void *);
    void *nobody;                 /* thread_current of a thread that did nothing yet */
    struct wr_hazard *no_hazards; /* and wr_hazards */
    jmp_buf out, ended;
    char failure[512];

    /* the search */
    struct node path[DEPTH_MAX];
    uint32_t depth, length;
    char record[DEPTH_MAX + 1]; /* this run's choices */
    uint32_t recorded;
    const char *replay;
    uint64_t random;
    uint64_t executions, pruned;
    struct outcome outcomes[64];
    int outcome_count;

    struct committed committed[COMMIT_MAX];
    int committed_count;
    struct plain plains[PLAIN_MAX];
    struct life lives[LIFE_MAX];
    int life_count;
    uint8_t place_count;
    uint8_t place_index[INDEX_MAX];
    struct place places[PLACE_MAX];
};
extern struct checker *checker;

/* How a run went. */
enum run_end { ENDED, PRUNED, FAILED };
enum run_end run_once(void);
_Noreturn void run_leave(enum run_end ending);
void run_prepare(void); /* once, before the first */

/* ---- trace ---- */

const char *trace_thread(uint8_t thread);
const char *trace_address(const volatile void *at, const char *text);
const char *trace_place(const struct place *place);
/* Both do nothing unless the run is traced. The operation acts on `store` and leaves or finds `value`. */
void trace_operation(const struct operation *operation, uint8_t store, uint64_t value);
void trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* WR_MODEL_CHECKER_H */
