/* SPDX-License-Identifier: MIT */
/* Looks at objects that are not pinned, by a survey, and at all memory, while a slot changes hands or is made. */
#include "survey.h"
#include "things.h"

static uint32_t fields; /* stands for those of `made`, a type made at run time */
static const wr_type made = {.abi = WR_TYPE_ABI, .size = sizeof(struct thing)};
static struct thing *first;
static const struct wr_slot *slot;
static uint32_t tag;
static unsigned seen;

static void make_first(void) {
    first = thing_new(1);
    (void)wr_weak_of(first);
    slot = wr_slot_of(first);
    tag = (uint32_t)slot->word;
}

static void changer(void) {
    wr_release(first);
    model_write(&fields, 1);
    void *next = wr_new(&made);
    model_check(wr_slot_of(next) == slot);
    wr_release(next);
}

/* The type is that of the life that was seen, or of a later one, and its fields are there. */
static void surveyor(void) {
    uint64_t word;
    const wr_type *type;
    if (!survey_look(slot, &word, &type))
        return;
    seen = type == &made ? 2 : 1;
    model_check(type == &made || (type == &thing_type && (uint32_t)word == tag));
    if (type == &made)
        model_check(model_read(&fields) == 1);
}

static void say(void) {
    model_outcome("%u", seen);
}

static void maker(void) {
    wr_release(thing_new(1));
}

static void user(void) {
    struct arena_use use = arena_use();
    seen = use.committed != 0;
}

MODEL(survey_change, .what = "a survey of a slot that changes hands", .setup = make_first,
      .threads = {surveyor, changer}, .check = say, .outcomes = "0 1 2", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(survey_growth, .what = "how much memory there is, against the first growth", .threads = {user, maker},
      .check = say, .outcomes = "0 1", .quick = {UNBOUNDED, UNBOUNDED});
