/* SPDX-License-Identifier: MIT */
/* Weak maps: the end of an entry against a walk, which has it too, and against who looks for what was in its slot. */
#include "things.h"

static wr_weakmap *map;
static struct thing *a;
static uint32_t content; /* of the value: its end writes it, plainly */
static unsigned visits;

static void destroy_value(void *value) {
    model_write((uint32_t *)value, 2);
}

static int visit(void *key, void *value, void *arg) {
    (void)arg;
    model_check(key == a && model_read((uint32_t *)value) == 1);
    visits++;
    return 0;
}

static void make(void) {
    wr_weakmap_options o = WR_WEAKMAP_OPTIONS_INIT;
    o.value_destroy = destroy_value;
    o.shards = 1;
    map = wr_weakmap_new_ex(&o);
    a = thing_new(1);
    model_write(&content, 1);
    model_check(map != NULL && wr_weakmap_set(map, a, &content) == 0);
}

/* An object in a slot of the size of an entry's. */
static void *before_new(void) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 3 * WR_GRANULE};
    return wr_new(&type);
}

/* The entry gets a slot in which an object had a weak value. */
static void make_in_weak_slot(void) {
    void *before = before_new();
    (void)wr_weak_of(before);
    wr_release(before);
    make();
}

/* Not a death: the walk has the key too, so that its count would order the two. */
static void clearer(void) {
    model_check(wr_weakref_clear(a) == 0);
}

static void walker(void) {
    model_check(wr_weakmap_foreach(map, visit, NULL) == 0);
}

static void say(void) {
    wr_release(a);
    things_all_dead();
    model_check(model_read(&content) == 2);
    wr_weakmap_free(map);
    model_outcome("%u", visits);
}

MODEL(map_clear_walk, .what = "a clear of a key against a walk", .setup = make, .threads = {walker, clearer},
      .check = say, .outcomes = "0 1", .quick = {3, 2}, .deep = {5, 3});
MODEL(map_clear_walk_weak_slot, .what = "the same, where the entry's slot had weak values",
      .setup = make_in_weak_slot, .threads = {walker, clearer}, .check = say, .outcomes = "0 1",
      .quick = {3, 2}, .deep = {5, 3});

/* ---- who looks for what was in the entry's slot, and counts on the entry ---- */

static void *before;
static wr_weak weak_before;

static void make_before(void) {
    before = before_new();
    weak_before = wr_weak_of(before);
}

static void looker(void) {
    void *obj = wr_weak_get(weak_before);
    model_check(obj == NULL || obj == before);
    model_outcome(obj != NULL ? "got" : "dead");
    wr_release(obj);
}

/* Its slot is the entry's, unless the looker has the object. */
static void setter(void) {
    wr_release(before);
    make();
    model_check(wr_weakref_clear(a) == 0);
}

static void say_gone(void) {
    wr_release(a);
    things_all_dead();
    model_check(model_read(&content) == 2);
    wr_weakmap_free(map);
    model_check(model_objects_alive() == 0);
}

MODEL(map_clear_get, .what = "the end of an entry against a look-up of what was in its slot",
      .setup = make_before, .threads = {setter, looker}, .check = say_gone, .outcomes = "got dead",
      .quick = {3, 2}, .deep = {5, 3});
