/* SPDX-License-Identifier: MIT */
/* The handler of misuse: what its setter prepared is seen when it is called. */
#include "things.h"

#include "fatal.h"

static uint32_t prepared[2];
static bool called;

static void handle(const char *message) {
    (void)message;
    called = true;
    (void)model_read(&prepared[0]);
    model_end_thread();
}

static void handle_too(const char *message) {
    (void)model_read(&prepared[1]);
    handle(message);
}

static void setter(void) {
    model_write(&prepared[0], 1);
    (void)wr_set_fatal_handler(handle);
}

static void setter_too(void) {
    model_write(&prepared[1], 1);
    wr_fatal_handler before = wr_set_fatal_handler(handle_too);
    if (before == handle)
        (void)model_read(&prepared[0]);
}

static void misuser(void) {
    if (wr_set_fatal_handler(NULL) == handle)
        handle("");
}

static void reporter(void) {
    fatal("misuse");
}

static void make(void) {
    (void)wr_set_fatal_handler(handle);
}

static void say(void) {
    model_outcome("%s", called ? "called" : "not");
}

/* The message names the type of what was passed, which may be in pages that another thread is making. */
static char *second_chunk;

static void make_first_chunk(void) {
    make();
    struct thing *thing = thing_new(0);
    second_chunk = wr_arena.base + WR_CHUNK_BYTES;
    wr_release(thing);
}

static void grower(void) {
    wr_release(thing_new(1));
}

static void misuser_of_pages(void) {
    fatal_object("model", second_chunk + 2 * sizeof(struct wr_slot), "misuse");
}

MODEL(misuse_before_growth, .what = "naming an object in pages that another thread makes",
      .setup = make_first_chunk, .threads = {grower, misuser_of_pages}, .check = say, .outcomes = "called",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(handler_seen, .what = "what was prepared for a handler is seen when it is called", .setup = make,
      .threads = {setter_too, reporter}, .check = say, .outcomes = "called", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(handler_replaced, .what = "and by who replaces it", .threads = {setter, setter_too}, .check = say,
      .outcomes = "not", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(handler_taken, .what = "and by who takes it away", .threads = {setter, misuser}, .check = say,
      .outcomes = "called not", .quick = {UNBOUNDED, UNBOUNDED});
