/* SPDX-License-Identifier: MIT */
/* Weak maps: the end of an entry against a walk, which has it too. */
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

/* The entry gets a slot in which an object had a weak value. */
static void make_in_weak_slot(void) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 3 * WR_GRANULE};
    void *before = wr_new(&type);
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
