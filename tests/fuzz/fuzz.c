/* SPDX-License-Identifier: MIT */
/* A sequence: bytes to calls, what is said of them, and the end, at which all is given back. */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hands.h"

/* ---- what was done so far, one line a call ---- */

static char text[1 << 16];
static size_t text_length;
static bool echo;
uint64_t fuzz_seed;

void fuzz_echo(void) {
    echo = true;
}

static void say(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list arguments) {
    char line[256];
    int indent = 2 * (int)(oracle_depth() > 16 ? 16 : oracle_depth());
    int length = snprintf(line, sizeof line, "t%u %*s", thread_now(), indent, "");
    length += vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    if (echo)
        (void)fwrite(line, 1, (size_t)length, stderr);
    else if (text_length + (size_t)length <= sizeof text) {
        memcpy(text + text_length, line, (size_t)length);
        text_length += (size_t)length;
    }
}

static void print_text(void) {
    fprintf(stderr, "\n==== the calls so far, t0, t1, ... the threads ====\n");
    (void)fwrite(text, 1, text_length, stderr);
    if (fuzz_seed != 0)
        fprintf(stderr, "==== again: fuzz-replay --print --random 1 %" PRIu64 "\n", fuzz_seed);
    text_length = 0;
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_text();
    fprintf(stderr, "==== ");
    (void)vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

void expect(const char *what, intptr_t value, intptr_t expected) {
    if (value != expected)
        fail("%s is %jd (%#jx), and was to be %jd (%#jx)", what, (intmax_t)value, (uintmax_t)value,
             (intmax_t)expected, (uintmax_t)expected);
}

static void misused(const char *message) {
    fail("%s", message);
}

/* AddressSanitizer and UndefinedBehaviorSanitizer call these, if they are there. */
void __asan_on_error(void);
void __asan_on_error(void) {
    print_text();
}
void __ubsan_on_report(void);
void __ubsan_on_report(void) {
    print_text();
}

/* ---- the bytes ---- */

static const uint8_t *next_byte, *end_of_bytes;

unsigned take(void) {
    return next_byte < end_of_bytes ? *next_byte++ : 0;
}

unsigned take_below(unsigned limit) {
    return take() % limit;
}

/* ---- calls and events ---- */

static struct thing *self; /* whose destroy or finalize runs, innermost */
static struct thing *selves[64];
static unsigned event_depth;

void begin_call(bool drains, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    oracle_call(drains);
}

void settle(void) {
    if (!oracle_busy() && oracle_orphans())
        call_trim();
}

void end_call(void) {
    enum event event;
    struct thing *thing = oracle_call_end(&event);
    if (event != NOTHING)
        fail("%s of #%u did not run", event_name(event), thing->number);
}

static void say_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say_event(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

static void some_call(void) {
    static void (*const calls[])(void) = {
#define CALL_OF(name) call_##name,
        CALLS(CALL_OF)};
    calls[take_below(sizeof calls / sizeof *calls)]();
}

void begin_event(enum event event, struct thing *thing) {
    say_event("-> %s of #%u", event_name(event), thing->number);
    struct thing *expected = NULL;
    enum event next = oracle_event(event, &expected);
    if (next == NOTHING)
        fail("%s of #%u runs, and nothing was to run", event_name(event), thing->number);
    if (next != event || expected != thing)
        fail("%s of #%u runs, and %s of #%u was to run", event_name(event), thing->number, event_name(next),
             expected->number);
    selves[event_depth++] = self;
    self = thing->kind == OBJECT && (event == DESTROY || event == FINALIZE) ? thing : NULL;
    if (oracle_depth() <= 4)
        for (unsigned calls = take_below(4); calls > 0 && next_byte < end_of_bytes; calls--)
            some_call();
}

void end_event(void) {
    oracle_event_end();
    self = selves[--event_depth];
}

/* ---- operands ---- */

static unsigned hidden[MAX_THINGS];

void hide(struct thing *thing) {
    hidden[thing->number]++;
}

void show(struct thing *thing) {
    hidden[thing->number]--;
}

void pin(struct thing *thing) {
    thing->pinned++;
}

void unpin(struct thing *thing) {
    thing->pinned--;
}

static bool fits(const struct thing *thing, unsigned kinds, bool given_up) {
    if (!(ANY_OF(thing->kind) & kinds) || hidden[thing->number] > 0)
        return false;
    return given_up ? thing->held > thing->pinned : thing->held > 0 || thing == self;
}

static struct thing *choose(unsigned kinds, bool given_up) {
    unsigned count = 0;
    for (unsigned i = 0; i < thing_count; i++)
        count += fits(&things[i], kinds, given_up);
    if (count == 0)
        return NULL;
    unsigned chosen = take_below(count);
    for (unsigned i = 0;; i++)
        if (fits(&things[i], kinds, given_up) && chosen-- == 0)
            return &things[i];
}

struct thing *pick(unsigned kinds) {
    return choose(kinds, false);
}

struct thing *pick_held(unsigned kinds) {
    return choose(kinds, true);
}

struct thing *pick_queue(void) {
    return choose(ANY_OF(QUEUE), false);
}

/* ---- a sequence ---- */

static unsigned now;

unsigned thread_now(void) {
    return now;
}

void call_switch_thread(void) {
    if (oracle_depth() == 0)
        now = take_below(MAX_THREADS);
}

static uint64_t live(void) {
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    return stats.live;
}

/* Give up the references that the sequence has, and run its queues. */
static void release_all(void) {
    unsigned released;
    do {
        released = 0;
        for (unsigned i = 0; i < thing_count; i++)
            for (; things[i].kind != QUEUE && things[i].held > 0; released++)
                release_thing(&things[i]);
        for (unsigned i = 0; i < thing_count; i++)
            if (things[i].kind == QUEUE && !things[i].freed)
                run_queue(&things[i], 0);
    } while (released > 0);
}

/* Give back all that the sequence has. */
static void give_up(void) {
    empty_cells();
    release_all();
    free_containers();
    release_all();
    for (unsigned i = 0; i < thing_count; i++)
        if (things[i].kind == QUEUE && !things[i].freed)
            free_queue(&things[i]);
    settle();
    for (unsigned i = 0; i < thing_count; i++)
        if (things[i].kind != QUEUE && !things[i].ended)
            fail("#%u has not ended", things[i].number);
}

void fuzz_count_live(void) {
    static uint64_t before;
    uint64_t count = live() + 1;
    if (before == 0)
        before = count;
    EXPECT(count, before);
}

void fuzz_sequence(const uint8_t *bytes, size_t size) {
    (void)wr_set_fatal_handler(misused);
    oracle_begin();
    memset(values, 0, sizeof values);
    text_length = 0;
    now = 0;
    next_byte = bytes;
    end_of_bytes = bytes + size;
    while (next_byte < end_of_bytes)
        hand_to(now, some_call);
    for (now = MAX_THREADS; now-- > 0;)
        hand_to(now, give_all_back);
    now = 0;
    give_up();
}

/* How many objects are alive is found by looking at all slots, which takes longer than a sequence. */
enum { SEQUENCES_TO_A_COUNT = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static unsigned sequences;
    if (sequences++ % SEQUENCES_TO_A_COUNT == 0)
        fuzz_count_live();
    fuzz_sequence(bytes, size);
    return 0;
}
