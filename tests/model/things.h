/* SPDX-License-Identifier: MIT */
/* The objects of the models: each has a number, content whose readers the checker watches, and one death. */
#ifndef WR_MODEL_THINGS_H
#define WR_MODEL_THINGS_H

#include "model.h"

#include "death.h"
#include "word.h"

struct thing {
    uint32_t number;              /* written before the thing is shown to anybody */
    uint32_t mark[MODEL_THREADS]; /* each written by one thread, read by destroy */
};

extern const wr_type thing_type;           /* has a destroy */
extern const wr_type finalized_thing_type; /* and a finalize, which calls thing_finalize */
extern const wr_type borrowable_thing_type;
extern const wr_type finalized_borrowable_thing_type;
extern void (*thing_finalize)(struct thing *thing);

/* Make a thing; its weak value goes to nobody yet. */
struct thing *thing_new(uint32_t number);
struct thing *thing_new_finalized(uint32_t number);
struct thing *thing_new_borrowable(uint32_t number);
struct thing *thing_new_finalized_borrowable(uint32_t number);

/* Read its number and write the calling thread's mark: allowed to who has a reference. */
void thing_use(struct thing *thing, uint32_t number);

/* wr_weak_get, and thing_use on success. */
struct thing *thing_get(wr_weak weak, uint32_t number);

/* The same, and the reference given back. Returns whether it was alive. */
bool thing_look(wr_weak weak, uint32_t number);

/* wr_borrow, and thing_use on success, and the return. Returns whether it was alive. */
bool thing_borrow(wr_weak weak, uint32_t number);

/* How often a thing was destroyed. */
unsigned thing_deaths(uint32_t number);

/* What the destroy of thing 1 wrote: plain, and not in the thing. */
uint32_t *thing_1_destroyed(void);

/* For `check`: run what waits for a death, then claim that every thing died once. */
void things_all_dead(void);

/* The weak value of a thing in the slot of `thing` with another tag, made up. */
wr_weak thing_forge(const void *thing, uint32_t tag);

/* Hand a weak value from thread to thread, with release and acquire. */
void weak_show(uint64_t *shared, wr_weak weak);
wr_weak weak_see(uint64_t *shared);

/* Put the calling thread's free slots into the depot, the last freed first. */
void things_flush(void);

/* For `check`, with `exits`, when all is dead: claim that no slot is lost. Returns how many chunks there are. */
unsigned things_all_slots_back(void);

#endif /* WR_MODEL_THINGS_H */
