/* SPDX-License-Identifier: MIT */
/* The parts of the machine: a stack of frames, of which the topmost goes on until it comes to an event. */
#ifndef WR_FUZZ_FRAMES_H
#define WR_FUZZ_FRAMES_H

#include "oracle.h"

enum frame_kind {
    CALL, /* of the interface; at its end, unless deaths wait for something further out, those that wait run */
    USER,      /* user code, which the library has called */
    DEATH,     /* of a thing */
    CALLING,   /* a callback or finalizer, and what follows it */
    CALLED_ON, /* a function, by wr_call: no deaths wait for its end */
    RELEASES,  /* references that a call gives up, one after the other */
    LISTEN,    /* the methods of listeners */
    WAIT,      /* for an end, in which those that wait run even inside of user code */
    FIRE,      /* the callbacks of a thing, of a death or a cut */
    TELL,      /* of a notice that its thing is destroyed */
    RUN        /* of a queue */
};

enum { CALL_ARG = 1 }; /* of the steps of CALLING */

struct frame {
    enum frame_kind kind;
    struct thing *thing;
    unsigned step;
    /* CALL */
    bool outermost, drains;
    enum { FLUSH_NONE, FLUSHING, FLUSHED } flush;
    bool leisurely; /* USER: called by wr_call */
    /* CALLING, RUN: only arguments are destroyed; FIRE: nothing is called */
    bool quiet;
    bool keeps; /* CALLING: the reference is somebody else's */
    /* FIRE: what is left, from the end; RELEASES: the same; LISTEN: the nodes */
    struct thing *entries[MAX_THINGS];
    unsigned left;
    /* RUN, LISTEN */
    unsigned waited;
    int max, *ran;
};

extern struct frame stack[64];
extern unsigned depth;

struct frame *frame_push(enum frame_kind kind, struct thing *thing);

/* ---- deaths (oracle_deaths.c) ---- */

void deaths_begin(void);                           /* a sequence */
bool deaths_run(struct frame *frame, bool drains); /* go on with those that wait; false: there are none */
bool deaths_flush(struct frame *frame);            /* with those whose callbacks have run, and no more */
enum event step_death(struct frame *frame);
void step_fire(struct frame *frame);

#endif
