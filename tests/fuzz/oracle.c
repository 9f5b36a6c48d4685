/* SPDX-License-Identifier: MIT */
/* The machine: what user code runs next. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "frames.h"

struct frame stack[64];
unsigned depth;

struct frame *frame_push(enum frame_kind kind, struct thing *thing) {
    assert(depth < sizeof stack / sizeof *stack);
    struct frame *frame = &stack[depth++];
    frame->kind = kind;
    frame->thing = thing;
    frame->step = 0;
    frame->leisurely = frame->keeps = false;
    frame->flush = FLUSH_NONE;
    return frame;
}

bool oracle_busy(void) {
    for (unsigned i = 0; i < depth; i++)
        switch (stack[i].kind) {
        case CALL:
        case CALLED_ON:
        case RELEASES:
        case LISTEN:
            break;
        default:
            if (!stack[i].leisurely)
                return true;
        }
    return false;
}

unsigned oracle_depth(void) {
    unsigned calls = 0;
    for (unsigned i = 0; i < depth; i++)
        calls += stack[i].kind == CALL;
    return calls;
}

bool runs_here(const struct thing *queue) {
    for (unsigned i = 0; i < depth; i++)
        if (stack[i].kind == RUN && stack[i].thing == queue)
            return true;
    return false;
}

void oracle_push_calling(struct thing *entry, bool drop) {
    frame_push(CALLING, entry)->quiet = drop;
}

void oracle_push_cancelled(struct thing *ref) {
    struct frame *frame = frame_push(CALLING, ref);
    frame->step = CALL_ARG;
    frame->keeps = true;
    ref->state = RUNNING;
}

void oracle_push_called(struct thing *thing) {
    thing->count++;
    frame_push(CALLED_ON, thing);
}

/* ---- callbacks and queues ---- */

static enum event step_calling(struct frame *frame) {
    struct thing *entry = frame->thing;
    switch (frame->step++) {
    case 0:
        entry->state = RUNNING;
        return entry->kind == FINALIZER ? FINALIZER_RUN : frame->quiet ? NOTHING : CALLBACK;
    case CALL_ARG: {
        bool arg = entry->arg;
        entry->arg = false;
        return arg ? ARG_DESTROY : NOTHING;
    }
    default:
        entry->state = IDLE;
        depth--;
        if (!frame->keeps)
            thing_release(entry);
        return NOTHING;
    }
}

void oracle_push_run(struct thing *queue, int max, bool drop, int *ran) {
    struct frame *frame = frame_push(RUN, queue);
    frame->waited = queue->last - queue->first;
    frame->max = max;
    frame->ran = ran;
    *ran = 0;
    frame->quiet = drop;
    queue->running = true;
}

static void step_run(struct frame *frame) {
    bool outermost = stack[depth - 2].kind == CALL && stack[depth - 2].outermost;
    if (frame->step > 0 && !frame->quiet && (outermost ? deaths_run(frame, true) : deaths_flush(frame)))
        return;
    if (frame->waited == 0 || (frame->max > 0 && *frame->ran == frame->max)) {
        if (frame->quiet && deaths_flush(frame))
            return;
        frame->thing->running = false;
        depth--;
        return;
    }
    frame->step = 1;
    frame->flush = FLUSH_NONE;
    frame->waited--;
    struct thing *item = items_pop(frame->thing);
    if (item->kind == REF) {
        if (!item->alive || item->state != QUEUED)
            return;
        item->count++;
        ++*frame->ran;
        oracle_push_calling(item, frame->quiet);
    } else {
        ++*frame->ran;
        frame_push(item->kind == NOTICE ? TELL : DEATH, item);
    }
}

/* ---- one after the other, and the deaths of each before the next ---- */

/* Go on with the deaths of what the call under way did so far. Returns false when there are none. */
static bool deaths_so_far(struct frame *frame) {
    unsigned i = depth;
    while (stack[--i].kind != CALL)
        ;
    return stack[i].outermost && deaths_run(frame, true);
}

void oracle_push_releases(struct thing *const *list, unsigned count) {
    struct frame *frame = frame_push(RELEASES, NULL);
    for (frame->left = 0; frame->left < count; frame->left++)
        frame->entries[frame->left] = list[count - 1 - frame->left];
}

static void step_releases(struct frame *frame) {
    if (deaths_so_far(frame))
        return;
    frame->flush = FLUSH_NONE;
    if (frame->left == 0)
        depth--;
    else
        thing_release(frame->entries[--frame->left]);
}

void oracle_push_listen(struct thing *listeners, int *called) {
    struct frame *frame = frame_push(LISTEN, listeners);
    frame->waited = listeners->node_count;
    for (unsigned i = 0; i < frame->waited; i++)
        frame->entries[i] = listeners->nodes[i];
    frame->left = 0;
    frame->ran = called;
    *called = 0;
}

static enum event step_listen(struct frame *frame, struct thing **thing) {
    if (frame->step == 1) {
        struct thing *done = frame->entries[frame->left++];
        frame->step = 0;
        oracle_push_releases((struct thing *[]){done->referent, done}, 2);
        return NOTHING;
    }
    while (frame->left < frame->waited) {
        struct thing *node = frame->entries[frame->left];
        if (node->in && node_gets(node)) {
            node->count++;
            node->referent->count++;
            ++*frame->ran;
            frame->step = 1;
            *thing = node->referent;
            return CALLED;
        }
        frame->left++;
    }
    depth--;
    return NOTHING;
}

void oracle_push_wait(struct thing *thing, int *result) {
    struct frame *frame = frame_push(WAIT, thing);
    frame->ran = result;
}

static void step_wait(struct frame *frame) {
    if (frame->step++ == 0)
        thing_release(frame->thing);
    if (deaths_run(frame, true))
        return;
    *frame->ran = frame->thing->ended ? 0 : -ETIMEDOUT;
    depth--;
}

static enum event step_tell(struct frame *frame) {
    if (frame->step++ == 0)
        return TOLD;
    depth--;
    frame->thing->ended = true;
    oracle_wait_annex(); /* the notice itself */
    return NOTHING;
}

bool oracle_inside(const struct thing *thing) {
    for (unsigned i = 0; i < depth; i++)
        if (stack[i].thing == thing && (stack[i].kind == DEATH || stack[i].kind == FIRE))
            return true;
    return false;
}

/* ---- one event after the other ---- */

/* Go on to the next event, or to the end of the call. */
static enum event advance(struct thing **thing) {
    for (;;) {
        struct frame *frame = &stack[depth - 1];
        enum event event = NOTHING;
        *thing = frame->thing;
        switch (frame->kind) {
        case CALL:
            if (!frame->outermost || !deaths_run(frame, frame->drains))
                return NOTHING;
            break;
        case USER:
            return NOTHING;
        case DEATH:
            event = step_death(frame);
            break;
        case CALLING:
            event = step_calling(frame);
            break;
        case CALLED_ON:
            event = frame->step++ == 0 ? CALLED : NOTHING;
            if (event == NOTHING) {
                depth--;
                thing_release(frame->thing);
            }
            break;
        case RELEASES:
            step_releases(frame);
            break;
        case LISTEN:
            event = step_listen(frame, thing);
            break;
        case WAIT:
            step_wait(frame);
            break;
        case TELL:
            event = step_tell(frame);
            break;
        case FIRE:
            step_fire(frame);
            break;
        case RUN:
            step_run(frame);
        }
        if (event != NOTHING)
            return event;
    }
}

void oracle_begin(void) {
    memset(things, 0, thing_count * sizeof *things);
    thing_count = depth = 0;
    deaths_begin();
}

void oracle_call(bool drains) {
    bool busy = oracle_busy();
    struct frame *frame = frame_push(CALL, NULL);
    frame->outermost = !busy;
    frame->drains = drains;
}

enum event oracle_event(enum event event, struct thing **thing) {
    enum event next = advance(thing);
    frame_push(USER, *thing)->leisurely = event == CALLED;
    return next;
}

void oracle_event_end(void) {
    assert(stack[depth - 1].kind == USER);
    depth--;
}

struct thing *oracle_call_end(enum event *event) {
    struct thing *thing;
    *event = advance(&thing);
    if (*event != NOTHING)
        return thing;
    assert(stack[depth - 1].kind == CALL);
    depth--;
    return NULL;
}

const char *event_name(enum event event) {
    static const char *const names[] = {"nothing", "finalize",  "callback", "argument destroyed",
                                        "destroy", "finalizer", "function", "notice"};
    return names[event];
}
