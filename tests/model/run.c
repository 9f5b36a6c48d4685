/* SPDX-License-Identifier: MIT */
/* One run of a model: everything as at the start of the program, then setup, the threads, check. */
#include "checker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

#define CRASH_STACK 65536

struct checker *checker;

/* All static variables: the library's and the models'. The checker's own are not among them, but for the pointer. Both
 * names are the linker's. */
extern char __data_start[], _end[];
static size_t saved_size;
static char *saved;

/* A run that breaks the library may use any address. */
static void crashed(int number) {
    model_fail("crash: signal %d", number);
}

static void catch_crashes(void) {
    stack_t alternative = {.ss_sp = malloc(CRASH_STACK), .ss_size = CRASH_STACK};
    if (alternative.ss_sp == NULL)
        abort();
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER};
    (void)sigaltstack(&alternative, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGFPE, &action, NULL);
}

void run_prepare(void) {
    catch_crashes();
    checker = calloc(1, sizeof *checker);
    if (checker == NULL)
        abort();
    checker->arena = aligned_alloc(WR_CHUNK_BYTES, WR_CHUNK_BYTES * WR_RESERVE_CHUNKS);
    checker->pool = aligned_alloc(128, POOL_BYTES);
    checker->nobody = thread_current;
    checker->no_hazards = wr_hazards;
    place_forget_all();
    saved_size = (size_t)(_end - __data_start);
    saved = malloc(saved_size);
    if (saved == NULL || checker->arena == NULL || checker->pool == NULL)
        abort();
    memcpy(saved, __data_start, saved_size);
}

static void misuse(const char *message) {
    model_fail("%s", message);
}

static void reset(void) {
    memcpy(__data_start, saved, saved_size);
    memset(checker->arena, 0, WR_CHUNK_BYTES * WR_RESERVE_CHUNKS);
    memset(checker->pool, 0, checker->pool_used);
    checker->pool_used = 0;
    for (int i = 0; i < THREAD_MAX; i++) {
        struct thread_state *state = &checker->threads[i];
        memset(&state->now, 0, sizeof state->now);
        state->acquire = state->release = state->now;
        state->state = FREE;
        state->slumbers = state->yields = false;
        state->library_errno = 0;
        state->exit_value = NULL;
    }
    thread_current = checker->nobody;
    wr_hazards = checker->no_hazards;
    checker->run++;
    checker->current = 0;
    checker->thread_count = 1;
    checker->concurrent = false;
    checker->refuse_discard = false;
    checker->no_membarrier = false;
    checker->now = 0;
    checker->preemptions_left = checker->mode == DEPTH_FIRST ? checker->preemptions : UNBOUNDED;
    checker->stale_left = checker->mode == DEPTH_FIRST ? checker->stale : UNBOUNDED;
    checker->steps = checker->lines = 0;
    checker->failure[0] = 0;
    checker->threads[0].now.clock.at[0] = 1;
    place_reset();
    search_start();
}

enum run_end run_once(void) {
    reset();
    int ending = _setjmp(checker->out);
    if (ending != 0)
        return (enum run_end)(ending - 1);
    wr_set_fatal_handler(misuse);
    if (checker->model->setup != NULL)
        checker->model->setup();
    schedule_run();
    if (checker->model->check != NULL)
        checker->model->check();
    return ENDED;
}

_Noreturn void run_leave(enum run_end ending) {
    _longjmp(checker->out, (int)ending + 1);
}

void model_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(checker->failure, sizeof checker->failure, format, args);
    va_end(args);
    trace_line("FAILS: %s", checker->failure);
    run_leave(FAILED);
}

void model_outcome(const char *format, ...) {
    char text[sizeof checker->outcomes[0].text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    trace_line("outcome: %s", text);
    int i = 0;
    while (i < checker->outcome_count && strcmp(checker->outcomes[i].text, text) != 0)
        i++;
    if (i == (int)(sizeof checker->outcomes / sizeof checker->outcomes[0]))
        model_fail("too many outcomes");
    if (i == checker->outcome_count) {
        memcpy(checker->outcomes[i].text, text, sizeof text);
        checker->outcomes[i].count = 0;
        checker->outcome_count++;
    }
    checker->outcomes[i].count++;
}

int model_thread(void) {
    return (int)checker->current - 1;
}

void model_no_membarrier(void) {
    checker->no_membarrier = true;
}

void model_refuse_discard(void) {
    checker->refuse_discard = true;
}
