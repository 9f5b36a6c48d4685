/* SPDX-License-Identifier: MIT */
#include "holders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "backtrace.h"
#include "fatal.h"
#include "object.h"
#include "past.h"
#include "survey.h"
#include "weakref.h"

uint32_t wr_holders_every;    /* atomic */
static uint32_t frames_asked; /* atomic */

/* How many references this thread takes before the next that is recorded, and where its random numbers are. */
static _Thread_local uint32_t gap __attribute__((tls_model("initial-exec")));
static _Thread_local uint32_t noise __attribute__((tls_model("initial-exec"))) = 1;

static const wr_type holder_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "holder", .size = sizeof(struct holder)};

void holders_choose(uint32_t every, uint32_t frames) {
    if (frames != 0)
        backtrace_prepare();
    /* relaxed, both: from when on references are recorded is a matter of luck. */
    wr_store_relaxed(&frames_asked, frames);
    wr_store_relaxed(&wr_holders_every, every);
}

bool holders_is(const wr_type *type) {
    return type == &holder_type;
}

/* ---- records ---- */

/* Tell whether the next reference is to be recorded: one in `every` on average, at random distances, so that no rhythm
 * of the program hides a place. */
static bool is_chosen(uint32_t every) {
    if (every <= 1)
        return every == 1;
    if (gap == 0 || gap >= 2 * every) {
        noise = noise * 1664525u + 1013904223u; /* a linear congruence: the upper bits are good enough */
        gap = 1 + (uint32_t)((uint64_t)noise * (2 * every - 1) >> 32);
    }
    return --gap == 0;
}

/* Write the caller's frames, from the one that returns to `from` on. Returns how many. */
static uint32_t trace_back(void **frames, uint32_t most, const void *from) {
    void *all[HOLDERS_FRAMES + 8]; /* the library's own are in front */
    uint32_t count = backtrace_frames(all, most + 8);
    uint32_t own = 0;
    while (own < count && all[own] != from)
        own++;
    if (own == count)
        own = 0; /* its end is not known exactly: give all */
    uint32_t kept = 0;
    while (own < count && kept < most)
        frames[kept++] = all[own++];
    return kept;
}

static struct holder *make(const struct wr_slot *slot, const char *place, const void *from) {
    uint32_t frames = wr_load_relaxed(&frames_asked);
    struct holder *holder = object_new(&holder_type, sizeof *holder + frames * sizeof(void *), WR_DONE);
    if (holder == NULL)
        return NULL;
    wr_mint(wr_slot_of(holder)); /* so that its death spends the tag the caller keeps */
    holder->entry.kind = ENTRY_WAITER;
    holder->entry.referent = wr_weak_from_u64((uint64_t)wr_index_of(slot) << 32);
    holder->place = place;
    holder->type = wr_read(&slot->type);
    holder->frame_count = frames != 0 ? trace_back(holder->frames, frames, from) : 0;
    /* order: release [RECORD], with the acquire in pin of a report: what it reads of the record is written. */
    wr_store_release(&holder->ready, 1);
    return holder;
}

/* Link a record to an object that the caller holds; with `made`, if the object has no annex. Returns its annex; NULL:
 * it has none. */
static struct annex *link_to(struct wr_slot *slot, struct holder *holder, struct annex *made) {
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    struct annex *annex = annex_find_or_link(slot, made, stripe);
    if (annex != NULL) {
        annex->held = true;
        if (annex == made) {
            wr_mint(slot); /* a death then spends its tag (past.h) */
            (void)wr_or_relaxed(&slot->word,
                                WR_REG); /* relaxed: the caller holds a reference, and the stripe */
        }
        registry_link(&holder->entry, &annex->holders, stripe);
    }
    lock_give(stripe);
    return annex;
}

/* Try to record a reference. Returns the record, which is the list's; NULL: no memory. */
static struct holder *add(struct wr_slot *slot, const char *place, const void *from) {
    struct holder *holder = make(slot, place, from);
    if (holder == NULL || link_to(slot, holder, NULL) != NULL)
        return holder;
    struct annex *made = annex_new();
    if (made == NULL) {
        wr_release(holder);
        return NULL;
    }
    if (link_to(slot, holder, made) != made)
        wr_release(made);
    return holder;
}

/* Record a reference of the caller's, if it is to be. */
static void record(void *obj, wr_holder *cookie, const char *place, const void *from) {
    if (!is_chosen(wr_load_relaxed(&wr_holders_every)) || weakref_is(obj))
        return;
    int saved = errno;
    struct holder *holder = add(wr_slot_of(obj), place, from);
    errno = saved;
    if (holder != NULL) {
        uint64_t word = wr_load_relaxed(
            &wr_slot_of(holder)->word); /* relaxed: the caller's reference is recorded by it */
        cookie->bits = word_value(wr_slot_of(holder), word).bits;
    }
    past_recorded(holder != NULL);
}

/* ---- misuse ---- */

/* A call as messages name it: the function, and the place that it is called at. */
#define NAME_BYTES 256
static const char *name_call(char name[NAME_BYTES], const char *function, const char *place) {
    (void)snprintf(name, NAME_BYTES, "%s: %s", place, function);
    return name;
}

/* Report misuse in `function`, called at `place`. */
static _Noreturn void misuse(const char *function, const char *place, const void *obj, const char *rule) {
    char name[NAME_BYTES];
    fatal_object(name_call(name, function, place), obj, rule);
}

/* See that what the caller says it holds is an object, and alive. */
static void check(const void *obj, const char *function, const char *place) {
    if (!wr_in_arena(obj)) {
        char name[NAME_BYTES];
        wr_not_an_object(name_call(name, function, place), obj);
    }
    if (!word_alive(wr_load_relaxed(&wr_slot_of(obj)->word))) /* relaxed: alive, the caller holds it */
        misuse(function, place, obj,
               "the object is dead already: each reference is released once, and none is used after");
}

static _Noreturn void given_up_twice(const char *function, const char *place, const void *obj,
                                     uint64_t bits) {
    char rule[512];
    struct end end = past_end_of(bits);
    (void)snprintf(rule, sizeof rule, "this reference was given up already: each is once; held at %s, %s%s",
                   end.held != NULL ? end.held : "a place no longer known",
                   end.dropped != NULL ? "given up at "
                   : end.held != NULL  ? "when the object died"
                                       : "long ago",
                   end.dropped != NULL ? end.dropped : "");
    char name[NAME_BYTES];
    fatal_object_only(name_call(name, function, place), obj, rule);
}

/* End the record that a cookie stands for, of a reference that is given up. */
static void end_record(void *obj, wr_holder *cookie, const char *function, const char *place) {
    if (cookie->bits == 0)
        return;
    struct holder *holder = wr_weak_get(wr_weak_from_u64(cookie->bits));
    if (holder == NULL)
        given_up_twice(function, place, obj, cookie->bits);
    if (wr_read(&wr_slot_of(holder)->type) != &holder_type)
        misuse(function, place, obj, "the wr_holder was not set by wr_hold or wr_track");
    struct wr_slot *slot = wr_slot_of(obj);
    if (holder->entry.referent.bits >> 32 != wr_index_of(slot))
        misuse(function, place, obj, "the wr_holder is that of a reference to another object");
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    bool linked = wr_load_relaxed(&holder->entry.at) != NULL; /* relaxed: guarded by the stripe */
    if (linked)
        registry_unlink(&holder->entry, stripe);
    lock_give(stripe);
    if (!linked)
        given_up_twice(function, place, obj, cookie->bits);
    past_ended(holder, place);
    wr_release(holder); /* the list's */
    wr_release(holder);
}

/* ---- what the inline functions call ---- */

void *wr_hold_slow(void *obj, wr_holder *holder, const char *place) {
    const void *from = __builtin_return_address(0);
    holder->bits = 0;
    if (obj == NULL)
        return NULL;
    check(obj, "wr_hold", place);
    record(wr_retain(obj), holder, place, from);
    return obj;
}

void wr_drop_slow(void *obj, wr_holder *holder, const char *place) {
    if (obj == NULL)
        return;
    end_record(obj, holder, "wr_drop", place);
    check(obj, "wr_drop", place);
    wr_release(obj);
}

void wr_track_at(void *obj, wr_holder *holder, const char *place) {
    const void *from = __builtin_return_address(0);
    holder->bits = 0;
    if (obj == NULL || wr_load_relaxed(&wr_holders_every) == 0)
        return;
    check(obj, "wr_track", place);
    record(obj, holder, place, from);
}

void wr_untrack_at(void *obj, wr_holder *holder, const char *place) {
    if (obj == NULL)
        return;
    end_record(obj, holder, "wr_untrack", place);
    holder->bits = 0;
}

/* ---- the end of the object ---- */

void holders_forget(struct wr_slot *slot, struct annex *annex) {
    struct lock *stripe = registry_stripe(slot);
    for (;;) {
        lock_take(stripe);
        struct wr_entry *entry = annex->holders;
        if (entry != NULL)
            registry_unlink(entry, stripe);
        lock_give(stripe);
        if (entry == NULL)
            break;
        past_ended((struct holder *)entry, NULL);
        wr_release(entry);
    }
    if (annex->held)
        past_died(slot);
}

/* ---- who holds an object ---- */

void holders_collect(struct wr_slot *slot, struct holders *holders, struct lock *stripe) {
    uint64_t word;
    memset(holders, 0, sizeof *holders);
    if (!survey_look(slot, &word, &holders->type))
        return;
    holders->references = word_count(word);
    /* While the stripe is held, an object that is alive with WR_REG, which is set under it, keeps its list. */
    struct annex *annex = (word & WR_REG) ? annex_find(slot, stripe) : NULL;
    for (struct wr_entry *entry = annex ? annex->holders : NULL; entry != NULL; entry = entry->next) {
        const char *place = ((struct holder *)entry)->place;
        uint32_t i = 0;
        while (i < holders->place_count && holders->places[i].place != place)
            i++;
        if (i < HOLDERS_NAMED) {
            holders->places[i].place = place;
            holders->places[i].count++;
            holders->place_count += i == holders->place_count;
        }
        holders->count++;
    }
}

void holders_look(struct wr_slot *slot, struct holders *holders) {
    struct lock *stripe = registry_stripe(slot);
    lock_take(stripe);
    holders_collect(slot, holders, stripe);
    lock_give(stripe);
}
