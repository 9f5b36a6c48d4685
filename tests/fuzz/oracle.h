/* SPDX-License-Identifier: MIT */
/* A sequential model of docs/semantics.md. It knows nothing of the library: what a call changes is written down in
 * oracle_things.c, and what user code then runs, in which order, is found by the machine in oracle.c and
 * oracle_deaths.c, one event at a time. Calls come one after the other, whatever threads they are on, so that there
 * is one machine. */
#ifndef WR_FUZZ_ORACLE_H
#define WR_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_THINGS = 128, MAX_THREADS = 3, MAX_WAITING = 256 };

/* A NODE is one entry of a CONTAINER. */
enum kind { OBJECT, REF, FINALIZER, QUEUE, CONTAINER, NODE, NOTICE };

/* Of user code that the library runs. */
enum event { NOTHING, FINALIZE, CALLBACK, ARG_DESTROY, DESTROY, FINALIZER_RUN, CALLED, TOLD };

/* Of a callback or finalizer. */
enum state { IDLE, ARMED, QUEUED, RUNNING };

/* What is the case for a type of objects. */
struct traits {
    const char *name;
    bool finalize, destroy, borrowable, no_weakref;
    bool by_value; /* equal to those of its type with which it has equality_class in common */
};

/* An object of the library. Its number in `things` is its name in what is printed. */
struct thing {
    enum kind kind;
    const struct traits *traits;
    void *real;
    unsigned number;

    unsigned count;  /* strong references there are */
    unsigned held;   /* of these, those that the sequence may give up */
    unsigned pinned; /* of these, those that calls under way need; of a queue: calls that use it */
    bool alive;      /* its last reference is not gone */
    bool killed, finalizing, finalized, ended;
    unsigned epoch; /* how often it was cleared or killed: which weak values are alive */
    uint64_t bits;  /* of its weak value, if there was one in this epoch */
    uint64_t bits_epoch;
    uint64_t hash;
    bool hash_known;     /* it is that */
    bool handed_over;    /* its destroy is left to a borrower */
    unsigned borrows;    /* that hold off its destroy */
    struct thing *child; /* that its destroy releases, or the value of a NODE */
    bool registered;     /* something was, once */
    bool annexed;        /* the library keeps an object of its own with it, which dies after it */
    struct thing *bound; /* to this queue, or NULL */

    /* What is registered: the shared ref and proxy, and the others, oldest first. */
    struct thing *shared[2];
    struct thing *entries[MAX_THINGS];
    unsigned entry_count;
    struct thing *notices[8]; /* who is told after its destroy, the newest at the end */
    unsigned notice_count;

    /* Of a weakref or finalizer. */
    struct thing *referent;
    unsigned referent_epoch;
    enum state state;
    bool proxy, is_shared, derived, arg, hash_kept;
    struct thing *delivery; /* the queue of its callback, or NULL; also of a notice */

    /* Of a queue. */
    bool freed, running;
    struct thing *items[MAX_WAITING];
    unsigned first, last;

    /* Of a NODE, whose referent is above. */
    struct thing *container;
    unsigned key; /* of a cache: which; of listeners: the method */
    bool in;      /* in its container */
    bool kept;    /* by a reference of the cache's own */
    bool value;   /* it has one that its end is to destroy */

    /* Of a CONTAINER. */
    struct thing *nodes[MAX_THINGS]; /* those that are in, newest or last used at the end */
    unsigned node_count;
    unsigned most, keep;  /* so many nodes are in, if not 0; so many are kept */
    unsigned keep_weight; /* so much do those that are kept weigh, if not 0 */
    bool equals;          /* found by value */
    unsigned making;      /* keys that are being made, as bits */
};

extern struct thing things[MAX_THINGS];
extern unsigned thing_count;

struct thing *thing_new(enum kind kind, const struct traits *traits); /* NULL: there are enough */

/* ---- the machine ---- */

void oracle_begin(void);       /* a sequence */
void oracle_call(bool drains); /* a call; `drains`: left deaths must be run by its end */
/* User code begins. Gives what was to be. */
enum event oracle_event(enum event event, struct thing **thing);
void oracle_event_end(void);
struct thing *oracle_call_end(enum event *event); /* what was to be, and was not; or NULL */
unsigned oracle_depth(void);                      /* calls under way */
bool oracle_busy(void);                           /* do deaths wait? */

/* The call that is under way has these run. */
void oracle_push_calling(struct thing *entry, bool drop);
void oracle_push_cancelled(struct thing *ref);
void oracle_push_called(struct thing *thing); /* by wr_call, which holds it meanwhile */
void oracle_push_cut(struct thing *referent, bool silent);
/* *ran: how many entries ran, in the end. */
void oracle_push_run(struct thing *queue, int max, bool drop, int *ran);
void oracle_wait(struct thing *thing);   /* a death: for its turn */
void oracle_wait_annex(void);            /* a death without user code: for its turn */
void oracle_orphan(struct thing *thing); /* a death: for anybody */
void oracle_drain(void);                 /* the call under way runs the deaths left for anybody */
bool oracle_orphans(void);               /* are there any? */
void oracle_depart(struct thing *thing); /* a death whose destroy borrows held off */
/* These references are given up, one after the other. */
void oracle_push_releases(struct thing *const *list, unsigned count);
void oracle_push_listen(struct thing *listeners, int *called);
bool runs_here(const struct thing *queue);               /* is this call inside a run of the queue? */
void oracle_push_wait(struct thing *thing, int *result); /* for its end, with a timeout of 0 */
bool oracle_inside(const struct thing *thing);           /* of its death, or of what it fires? */
const char *event_name(enum event event);

/* ---- what calls change ---- */

bool value_dead(const struct thing *thing, unsigned epoch);
bool value_gets(const struct thing *thing, unsigned epoch);
void thing_release(struct thing *thing);
bool thing_drop(struct thing *thing); /* one reference; was it the last? */
void thing_close(struct thing *ref);  /* a weakref or finalizer leaves its referent */
void items_push(struct thing *queue, struct thing *item);
struct thing *items_pop(struct thing *queue);
void entry_add(struct thing *entry, struct thing *referent);
void entry_remove(struct thing *entry);
int thing_cut(struct thing *thing, bool kill, bool silent); /* what wr_kill and wr_weakref_clear return */
int thing_refusal(const struct thing *referent); /* errno of what makes weak references; 0: it makes one */

/* ---- containers (oracle_containers.c) ---- */

/* What a change of a container lets go of. */
struct let_go {
    struct thing *list[16];
    unsigned count;
};
struct thing *node_make(struct thing *container, struct thing *referent, unsigned key); /* linked, not in */
void node_in(struct thing *node);
void node_out(struct thing *node);
void node_let_go(struct thing *node, struct let_go *let_go);     /* of one that is not in */
void node_use(struct thing *node, struct let_go *let_go);        /* of a cache: it is the newest now */
void node_ends(struct thing *node);                              /* with its referent */
bool node_gets(const struct thing *node);                        /* also NULL: no */
bool things_equal(const struct thing *a, const struct thing *b); /* what wr_equal says of objects */
unsigned equality_class(const struct thing *thing);
unsigned weight_of(const struct thing *thing);
struct thing *node_of_key(const struct thing *container, unsigned key);
struct thing *node_of_object(const struct thing *container, const struct thing *object);

#endif
