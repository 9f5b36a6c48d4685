/* SPDX-License-Identifier: MIT */
/* Coherence, atomicity of read-modify-writes and release sequences: outcomes that are allowed and that are not. */
#include "model.h"

static uint32_t x, y;
static int data;
static unsigned r[4];

static void two(void) {
    model_outcome("%u%u", r[0], r[1]);
}

static void last(void) {
    model_outcome("%u%u%u", r[0], r[1], wr_load_relaxed(&x));
}

/* ---- coherence, all relaxed ---- */

static void store_1(void) {
    wr_store_relaxed(&x, 1);
}

static void store_2(void) {
    wr_store_relaxed(&x, 2);
}

static void store_1_2(void) {
    wr_store_relaxed(&x, 1);
    wr_store_relaxed(&x, 2);
}

static void load_load(void) {
    r[0] = wr_load_relaxed(&x);
    r[1] = wr_load_relaxed(&x);
}

static void load_load_too(void) {
    r[2] = wr_load_relaxed(&x);
    r[3] = wr_load_relaxed(&x);
}

static void load_store(void) {
    r[0] = wr_load_relaxed(&x);
    wr_store_relaxed(&x, 2);
}

static void store_load(void) {
    wr_store_relaxed(&x, 2);
    r[0] = wr_load_relaxed(&x);
}

static void one_order(void) {
    bool differ =
        r[0] != 0 && r[1] != 0 && r[2] != 0 && r[3] != 0 && r[0] != r[1] && r[2] != r[3] && r[0] != r[2];
    model_outcome("%s", differ ? "differ" : "agree");
}

MODEL(litmus_corr, .what = "two loads never go back", .threads = {store_1, load_load}, .check = two,
      .outcomes = "00 01 11");
MODEL(litmus_coww, .what = "a thread's own stores are in order", .threads = {store_1_2, load_load},
      .check = last, .outcomes = "002 012 022 112 122 222");
MODEL(litmus_corw, .what = "a store goes behind what its thread loaded", .threads = {store_1, load_store},
      .check = last, .outcomes = "001 002 102");
MODEL(litmus_cowr, .what = "a load sees its thread's store, or one behind it",
      .threads = {store_1, store_load}, .check = last, .outcomes = "201 202 101");
MODEL(litmus_coherence_is_one_order, .what = "two readers agree on the order of stores to one place",
      .threads = {store_1, store_2, load_load, load_load_too}, .check = one_order, .outcomes = "agree");

/* ---- read-modify-writes ---- */

static void add_1(void) {
    r[model_thread()] = wr_add_relaxed(&x, 1);
}

static void cas_0_1(void) {
    uint32_t expected = 0;
    r[model_thread()] = wr_cas_relaxed(&x, &expected, 1);
}

static void load_store_3(void) {
    wr_store_relaxed(&x, 3);
}

MODEL(litmus_add_is_atomic, .what = "two relaxed additions both count", .threads = {add_1, add_1},
      .check = last, .outcomes = "012 102");
MODEL(litmus_cas_has_one_winner, .what = "of two compare-exchanges one wins", .threads = {cas_0_1, cas_0_1},
      .check = last, .outcomes = "011 101");
MODEL(litmus_add_against_store, .what = "nothing comes between what an addition reads and what it writes",
      .threads = {add_1, load_store_3}, .check = last, .outcomes = "003 304");

/* ---- release sequences: the message is a plain variable, so that a missing edge is a data race ---- */

static void release_1(void) {
    model_write(&data, 1);
    wr_store_release(&x, 1);
}

static void release_1_then_relaxed_2(void) {
    release_1();
    wr_store_relaxed(&x, 2);
}

static void add_relaxed_10(void) {
    (void)wr_add_relaxed(&x, 10);
}

static void store_relaxed_11(void) {
    wr_store_relaxed(&x, 11);
}

static void acquire_11(void) {
    if (wr_load_acquire(&x) == 11)
        r[0] = (unsigned)model_read(&data);
}

static void acquire_2(void) {
    if (wr_load_acquire(&x) == 2)
        r[0] = (unsigned)model_read(&data);
}

MODEL(litmus_release_sequence, .what = "a relaxed addition in the middle keeps the release",
      .threads = {release_1, add_relaxed_10, acquire_11}, .check = last, .outcomes = "001 0011 1011");
MODEL(litmus_release_sequence_broken, .what = "a relaxed store by another thread does not",
      .threads = {release_1, store_relaxed_11, acquire_11}, .fails = "data race: read of data");
MODEL(litmus_release_sequence_own_store,
      .what = "nor one by the same thread (C++20; C11 had it keep the release)",
      .threads = {release_1_then_relaxed_2, acquire_2}, .fails = "data race: read of data");

/* Three threads: what is read in the middle is passed on. */
static void pass_on(void) {
    if (wr_load_acquire(&x) == 1)
        wr_store_release(&y, 1);
}

static void pass_on_relaxed(void) {
    if (wr_load_relaxed(&x) == 1)
        wr_store_release(&y, 1);
}

static void take_y(void) {
    if (wr_load_acquire(&y) == 1)
        r[0] = (unsigned)model_read(&data);
}

MODEL(litmus_happens_before_is_transitive, .what = "what was acquired is released again",
      .threads = {release_1, pass_on, take_y}, .check = two, .outcomes = "00 10");
MODEL(litmus_relaxed_breaks_the_chain, .what = "what was only read is not",
      .threads = {release_1, pass_on_relaxed, take_y}, .fails = "data race: read of data");
