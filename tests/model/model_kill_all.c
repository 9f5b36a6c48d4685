/* SPDX-License-Identifier: MIT */
/* wr_kill_all, which comes by every slot, against births, deaths and growth. */
#include "things.h"

static unsigned destroyed;
static uint32_t last_words; /* plain: of destroy, to who waited for it */
static struct thing *kept;
static int result;

static void destroy(void *self) {
    model_write((uint32_t *)self, 0);
    destroyed++;
}

static void destroy_aloud(void *self) {
    model_write(&last_words, 1);
    destroy(self);
}

static const wr_type listed = {
    .abi = WR_TYPE_ABI, .flags = WR_LISTED, .name = "listed", .size = sizeof(uint32_t), .destroy = destroy};
static void finalize(void *self) {
    model_write((uint32_t *)self, 2);
}
static const wr_type finalized = {.abi = WR_TYPE_ABI,
                                  .flags = WR_LISTED,
                                  .name = "finalized",
                                  .size = sizeof(uint32_t),
                                  .finalize = finalize,
                                  .destroy = destroy_aloud};
static const wr_type aloud = {.abi = WR_TYPE_ABI,
                              .flags = WR_LISTED,
                              .name = "aloud",
                              .size = sizeof(uint32_t),
                              .destroy = destroy_aloud};
static const wr_type other = {
    .abi = WR_TYPE_ABI, .name = "other", .size = sizeof(uint32_t), .destroy = destroy};

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

static void kill_all_in_time(void) {
    result = wr_kill_all(&aloud, 0);
    model_check(result == -ETIMEDOUT || model_read(&last_words) == 1);
}

static void make_one(void) {
    kept = make(&aloud);
}

static void owner_of_one(void) {
    wr_release(kept);
}

static void owner_of_one_reuses(void) {
    wr_release(kept);
    wr_release(make(&other));
}

static void make_one_finalized(void) {
    kept = make(&finalized);
}

static void kill_all_finalized(void) {
    result = wr_kill_all(&finalized, -1);
    model_check(model_read(&last_words) == 1);
}

static void owner(void) {
    wr_release(kept);
    wr_release(kept);
}

/* An object of another type in the same slot is none of its business. */
static void owner_reuses(void) {
    owner();
    void *obj = make(&other);
    wr_weak weak = wr_weak_of(obj);
    model_check(!wr_weak_is_null(weak) && !wr_weak_is_dead(weak));
    model_check(!wr_weak_is_dead(weak));
    wr_release(obj);
}

static void owner_never_weak_first(void) {
    wr_release(make(&other));
    wr_release(make(&listed));
}

static void make_room(void) {
    wr_release(make(&other));
    things_flush();
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

static void say_in_time(void) {
    death_of_orphans();
    model_outcome("%s", result == 0 ? "ended" : "timeout");
}

static void grower(void) {
    wr_release(make(&listed));
}

MODEL(kill_all_death, .what = "wr_kill_all against the death of an object", .setup = make_kept,
      .threads = {owner, kill_all}, .check = say, .outcomes = "1", .quick = {4, 2}, .deep = {UNBOUNDED, 2});
MODEL(kill_all_reuse, .what = "and its slot's next object, of another type", .setup = make_kept,
      .threads = {owner_reuses, kill_all}, .check = say, .outcomes = "2", .quick = {3, 1}, .deep = {5, 2});
MODEL(kill_all_birth, .what = "and of the same type", .setup = make_kept, .threads = {owner_makes, kill_all},
      .check = say, .outcomes = "2", .quick = {3, 1}, .deep = {5, 2});
MODEL(kill_all_sole, .what = "after an object of another type that died by a plain store", .setup = make_room,
      .threads = {owner_never_weak_first, kill_all}, .check = say, .outcomes = "3", .quick = {4, 3},
      .deep = {UNBOUNDED, 3});
MODEL(kill_all_growth, .what = "wr_kill_all against the first growth", .threads = {grower, kill_all},
      .check = say, .outcomes = "1", .quick = {3, 2}, .deep = {5, 2});
MODEL(kill_all_in_time, .what = "wr_kill_all against a death that it may come by too late to take a part in",
      .setup = make_one, .threads = {owner_of_one, kill_all_in_time}, .check = say_in_time,
      .outcomes = "ended timeout", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(kill_all_too_late, .what = "and whose slot may have been used again", .setup = make_one,
      .threads = {owner_of_one_reuses, kill_all_in_time}, .check = say_in_time, .outcomes = "ended timeout",
      .quick = {3, 2}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(kill_all_finalize, .what = "the same with a finalize", .setup = make_one_finalized,
      .threads = {owner_of_one, kill_all_finalized}, .check = say, .outcomes = "1", .quick = {4, 2},
      .deep = {UNBOUNDED, 2});
