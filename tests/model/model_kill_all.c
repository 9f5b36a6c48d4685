/* SPDX-License-Identifier: MIT */
/* wr_kill_all, which comes by every slot, against births, deaths and growth. */
#include "things.h"

static unsigned destroyed;
static struct thing *kept;
static int result;

static void destroy(void *self) {
    model_write((uint32_t *)self, 0);
    destroyed++;
}

static const wr_type listed = {
    .abi = WR_TYPE_ABI, .flags = WR_LISTED, .name = "listed", .size = sizeof(uint32_t), .destroy = destroy};
static const wr_type other = {.abi = WR_TYPE_ABI, .name = "other", .size = sizeof(uint32_t), .destroy = destroy};

static void *make(const wr_type *type) {
    uint32_t *obj = wr_new(type);
    model_write(obj, 1);
    return obj;
}

static void make_kept(void) {
    kept = make(&listed);
    (void)wr_retain(kept);
}

static void kill_all(void) {
    result = wr_kill_all(&listed, -1);
}

static void owner(void) {
    wr_release(kept);
    wr_release(kept);
}

static void owner_reuses(void) {
    owner();
    wr_release(make(&other));
}

static void owner_makes(void) {
    owner();
    wr_release(make(&listed));
}

static void say(void) {
    death_of_orphans();
    model_check(result == 0);
    model_outcome("%u", destroyed);
}

static void grower(void) {
    wr_release(make(&listed));
}

MODEL(kill_all_death, .what = "wr_kill_all against the death of an object", .setup = make_kept,
      .threads = {owner, kill_all}, .check = say, .outcomes = "1", .quick = {4, 2}, .deep = {UNBOUNDED, 2});
MODEL(kill_all_reuse, .what = "and its slot's next object, of another type", .setup = make_kept,
      .threads = {owner_reuses, kill_all}, .check = say, .outcomes = "2", .quick = {3, 2}, .deep = {5, 2});
MODEL(kill_all_birth, .what = "and of the same type", .setup = make_kept, .threads = {owner_makes, kill_all},
      .check = say, .outcomes = "2", .quick = {3, 2}, .deep = {5, 2});
MODEL(kill_all_growth, .what = "wr_kill_all against the first growth", .threads = {grower, kill_all}, .check = say,
      .outcomes = "1", .quick = {3, 2}, .deep = {5, 2});
