/* SPDX-License-Identifier: MIT */
/*
 * Threads as coroutines of one thread of the system. Each stops before every operation that others could notice, with
 * the operation in `pending`, and whoever stops chooses who goes on.
 *
 * Two reductions, both without loss. Only operations on contended places are points to stop at. And when a thread has
 * been run from a point, there is no need to run it first after others have made steps that commute with its pending
 * operation: it slumbers until one does not (sleep sets). With a bound on pre-emptions only the running thread is put
 * to slumber: moving another's step forward may need one more.
 */
#include "checker.h"

#include <errno.h>
#include <stdlib.h>
#include <ucontext.h>

#include "thread.h"

#define STACK_BYTES (256 * 1024)

static struct thread_state *thread(uint8_t number) {
    return &checker->threads[number];
}

static bool is_plain_load(const struct operation *operation) {
    return operation->kind == LOAD && operation->order != SEQ_CST;
}

/* Tell whether two pending operations of different threads may have another result the other way round. */
static bool conflict(const struct operation *a, const struct operation *b) {
    if (a->kind == START || b->kind == START)
        return false;
    if (a->kind == MEMBARRIER || b->kind == MEMBARRIER || a->kind == YIELD || b->kind == YIELD)
        return true;
    if (a->kind == FENCE || b->kind == FENCE)
        return a->order == SEQ_CST && b->order == SEQ_CST;
    return a->place == b->place && !(a->kind == LOAD && b->kind == LOAD);
}

uint32_t schedule_load_options(uint8_t number, uint32_t all, const struct options *options) {
    const struct thread_state *state = thread(number);
    uint32_t allowed = checker->stale_left > 0 ? all : all & 1;
    if (checker->mode == DEPTH_FIRST && state->slumbers && is_plain_load(&state->pending))
        for (uint8_t i = 0; i < options->count; i++)
            if (state->pending.place->stores[options->store[i]].stamp <= state->since)
                allowed &= ~(UINT32_C(1) << i);
    return allowed;
}

/* ---- who goes on ---- */

static bool is_enabled(uint8_t number) {
    const struct operation *pending = &thread(number)->pending;
    return thread(number)->state == READY && !thread(number)->yields &&
           !(pending->kind == LOCK && pending->place->holder != NONE);
}

static uint32_t all_enabled(void) {
    uint32_t enabled = 0;
    for (uint8_t i = 1; i < checker->thread_count; i++)
        if (is_enabled(i))
            enabled |= UINT32_C(1) << i;
    return enabled;
}

static bool is_awake(uint8_t number) {
    if (!thread(number)->slumbers)
        return true;
    if (!is_plain_load(&thread(number)->pending))
        return false;
    struct options options;
    memory_options(number, &thread(number)->pending, &options);
    return schedule_load_options(number, (UINT32_C(1) << options.count) - 1, &options) != 0;
}

/* Whoever yields goes on when another made a step, or none can. */
static void end_yields(uint8_t next) {
    for (uint8_t i = 1; i < checker->thread_count; i++)
        if (i != next)
            thread(i)->yields = false;
}

static void nobody_can_go_on(void) {
    for (uint8_t i = 1; i < checker->thread_count; i++)
        if (thread(i)->state != DONE)
            model_fail("deadlock: no thread can go on; %s waits in %s", trace_thread(i),
                       thread(i)->pending.site.function);
}

/* Run each thread up to the first thing others can see; nothing before that needs a choice. */
static uint8_t next_to_start(uint32_t enabled) {
    for (uint8_t i = 1; i < checker->thread_count && checker->mode != REPLAY; i++) {
        if ((enabled & (UINT32_C(1) << i)) && thread(i)->pending.kind == START) {
            if ((enabled & (enabled - 1)) != 0)
                search_note(i, '0');
            return i;
        }
    }
    return 0;
}

static uint8_t choose(void) {
    uint32_t enabled = all_enabled();
    if (enabled == 0) {
        end_yields(0);
        enabled = all_enabled();
    }
    if (enabled == 0) {
        nobody_can_go_on();
        return 0;
    }
    uint8_t next = next_to_start(enabled);
    if (next != 0) {
        end_yields(next);
        return next;
    }
    uint8_t current = checker->current;
    bool can_stay = (enabled & (UINT32_C(1) << current)) != 0 && !thread(current)->fresh;
    uint32_t allowed = enabled;
    for (uint8_t i = 1; i < checker->thread_count && checker->mode == DEPTH_FIRST; i++)
        if ((enabled & (UINT32_C(1) << i)) && !is_awake(i))
            allowed &= ~(UINT32_C(1) << i);
    if (can_stay && checker->preemptions_left <= 0)
        allowed &= UINT32_C(1) << current;
    if (allowed == 0)
        search_prune();
    uint8_t first = (uint8_t)__builtin_ctz(allowed);
    if (can_stay && (allowed & (UINT32_C(1) << current)))
        first = current;
    uint32_t done;
    next = search_choose(enabled, allowed, first, '0', &done);
    for (uint8_t i = 1; i < checker->thread_count; i++) {
        struct thread_state *other = thread(i);
        if ((done & (UINT32_C(1) << i)) && !checker->full &&
            (checker->preemptions >= UNBOUNDED || (i == current && can_stay))) {
            other->slumbers = true;
            other->since = checker->stamp;
        }
        if (i != next && other->slumbers && !is_plain_load(&other->pending) &&
            conflict(&other->pending, &thread(next)->pending))
            other->slumbers = false;
    }
    if (can_stay && next != current)
        checker->preemptions_left--;
    thread(next)->fresh = false;
    end_yields(next);
    return next;
}

/* ---- coroutines ---- */

static void go_to(uint8_t next) {
    checker->current = next;
    thread_current = thread(next)->library_thread;
    wr_hazards = thread(next)->library_hazards;
    errno = thread(next)->library_errno;
    if (thread(next)->pending.kind == START)
        _longjmp(thread(next)->base, 1);
    _longjmp(thread(next)->resume, 1);
}

static void switch_to(uint8_t next) {
    struct thread_state *state = thread(checker->current);
    state->library_thread = thread_current;
    state->library_hazards = wr_hazards;
    state->library_errno = errno;
    if (_setjmp(state->resume) == 0)
        go_to(next);
}

_Noreturn void model_end_thread(void) {
    uint8_t current = checker->current;
    if (checker->model->exits && thread(current)->exit_value != NULL) {
        void *value = thread(current)->exit_value;
        thread(current)->exit_value = NULL;
        checker->thread_exit(value);
    }
    thread(current)->state = DONE;
    uint8_t next = choose();
    if (next == 0) {
        checker->current = 0;
        _longjmp(checker->ended, 1);
    }
    go_to(next);
    abort();
}

static jmp_buf creator;

/* The frame that setjmp is called in stays for ever, so that each run can start there. */
static void body(void) {
    if (_setjmp(thread(checker->current)->base) == 0)
        _longjmp(creator, 1);
    checker->model->threads[checker->current - 1]();
    model_end_thread();
}

static void make_stack(uint8_t number) {
    static ucontext_t context;
    void *stack = malloc(STACK_BYTES);
    if (stack == NULL || getcontext(&context) != 0)
        abort();
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&context, body, 0);
    checker->current = number;
    if (_setjmp(creator) == 0)
        setcontext(&context);
    checker->current = 0;
    checker->has_stack[number] = true;
}

void schedule_run(void) {
    struct thread_state *main_thread = thread(0);
    while (checker->thread_count < THREAD_MAX && checker->model->threads[checker->thread_count - 1] != NULL) {
        uint8_t number = checker->thread_count++;
        if (!checker->has_stack[number])
            make_stack(number);
        memory_inherit(0, number);
        thread(number)->state = READY;
        thread(number)->fresh = true;
        thread(number)->library_thread = checker->nobody;
        thread(number)->library_hazards = checker->no_hazards;
        thread(number)->pending = (struct operation){.kind = START, .site = {NULL, "", "its start", 0}};
    }
    main_thread->library_thread = thread_current;
    main_thread->library_hazards = wr_hazards;
    checker->concurrent = true;
    if (_setjmp(checker->ended) == 0)
        go_to(choose());
    checker->concurrent = false;
    thread_current = thread(0)->library_thread;
    wr_hazards = thread(0)->library_hazards;
    for (uint8_t i = 1; i < checker->thread_count; i++)
        memory_join(i, 0);
}

/* ---- points ---- */

void schedule_point(const struct operation *operation) {
    if (++checker->steps > STEP_MAX)
        model_fail("no progress: %d steps and no end", STEP_MAX);
    if (!checker->concurrent)
        return;
    struct thread_state *state = thread(checker->current);
    bool hidden = checker->mode == DEPTH_FIRST && !checker->full && operation->place != NULL &&
                  !place_is_contended(operation->place) &&
                  !(operation->kind == LOCK && operation->place->holder != NONE) && state->state == READY;
    if (hidden) {
        if ((all_enabled() & ~(UINT32_C(1) << checker->current)) != 0)
            search_note(checker->current, '0');
        return;
    }
    state->pending = *operation;
    uint8_t next = choose();
    if (next != checker->current)
        switch_to(next);
}

void schedule_yield(const char *function) {
    struct operation operation = {.kind = YIELD, .site = {NULL, "", function, 0}};
    thread(checker->current)->yields = checker->concurrent;
    schedule_point(&operation);
    thread(checker->current)->yields = thread(checker->current)->slumbers = false;
}

bool schedule_wake(volatile void *word, const char *function) {
    uint32_t sleepers = 0;
    for (uint8_t i = 1; i < checker->thread_count; i++)
        if (thread(i)->state == ASLEEP_ON_WORD && thread(i)->word == word)
            sleepers |= UINT32_C(1) << i;
    if (sleepers == 0)
        return false;
    uint32_t done;
    uint8_t woken = search_choose(sleepers, sleepers, (uint8_t)__builtin_ctz(sleepers), 'A', &done);
    thread(woken)->state = READY;
    trace_line("%s wakes %s", function, trace_thread(woken));
    return true;
}
