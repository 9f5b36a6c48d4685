/* SPDX-License-Identifier: MIT */
/*
 * A mix: several scenarios at once, on one set of workers and over shared objects. Each worker is in one scenario for a
 * turn of some hundred steps, then in another. Between turns it uses objects of all of them, by the weak values that
 * item_weak offers to the commons: gets, keeps, borrows, and puts in cells that all load from.
 *
 * A scenario that may be mixed goes by worker_goes_on, begins and ends its work as often as it is asked to, puts up
 * with others holding its items for a while, and depends on none of its worker.counts.
 */
#ifndef STRESS_MIX_H
#define STRESS_MIX_H

#include "stress.h"

#define MIX_NAME "mix"

/* Make a scenario of several. Returns NULL and says so if one cannot be mixed. */
struct scenario *mix_make(struct scenario *const *parts, unsigned count);

/* Offer a weak value of an item to all, if there is a mix. */
void mix_offer(wr_weak weak);

#endif /* STRESS_MIX_H */
