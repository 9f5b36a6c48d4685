/* SPDX-License-Identifier: MIT */
/* Waiting for the end of an object, against all that may delay it. */
#include "things.h"

static struct thing *a;
static wr_weak weak;
static int results[MODEL_THREADS];

static void make_weak(void) {
    a = thing_new(1);
    weak = wr_weak_of(a);
}

static void waiter(void) {
    results[model_thread()] = wr_kill_wait(a, -1);
    model_check(results[model_thread()] == 0 && thing_deaths(1) == 1);
}

static void getter(void) {
    (void)thing_look(weak, 1);
}

static void say_waited(void) {
    things_all_dead();
    model_outcome("%s", results[0] == 0 ? "died" : "timeout");
}

MODEL(wait_get,
      .what = "kill_wait against a look-up under way: who is given back last is an orphan, and its end is "
              "waited for",
      .setup = make_weak, .threads = {waiter, getter}, .check = say_waited, .outcomes = "died",
      .quick = {UNBOUNDED, UNBOUNDED});
