/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests whose verdicts are known: each must reach every outcome in its list and no other. The names are those of
 * the literature; r[] are what the loads read, by their order in the file.
 */
#include "model.h"

static uint32_t x, y;
static unsigned r[4];

static void two(void) {
    model_outcome("%u%u", r[0], r[1]);
}

static void four(void) {
    model_outcome("%u%u%u%u", r[0], r[1], r[2], r[3]);
}

/* ---- message passing: x is the message, y the flag ---- */

#define MP(name, store, load, ...)                                                                           \
    static void name##_writer(void) {                                                                        \
        wr_store_relaxed(&x, 1);                                                                             \
        store(&y, 1);                                                                                        \
    }                                                                                                        \
    static void name##_reader(void) {                                                                        \
        r[0] = load(&y);                                                                                     \
        r[1] = wr_load_relaxed(&x);                                                                          \
    }                                                                                                        \
    MODEL(litmus_##name, .threads = {name##_writer, name##_reader}, .check = two, __VA_ARGS__)

MP(mp_release_acquire, wr_store_release, wr_load_acquire,
   .what = "a message that was released and acquired arrives", .outcomes = "00 01 11");
MP(mp_relaxed, wr_store_relaxed, wr_load_relaxed, .what = "a relaxed flag passes no message",
   .outcomes = "00 01 11 10");
MP(mp_release_relaxed, wr_store_release, wr_load_relaxed, .what = "nor does one that is not acquired",
   .outcomes = "00 01 11 10");
MP(mp_relaxed_acquire, wr_store_relaxed, wr_load_acquire, .what = "nor one that was not released",
   .outcomes = "00 01 11 10");

static void mp_fence_writer(void) {
    wr_store_relaxed(&x, 1);
    wr_fence_release();
    wr_store_relaxed(&y, 1);
}

static void mp_fence_reader(void) {
    r[0] = wr_load_relaxed(&y);
    wr_fence_acquire();
    r[1] = wr_load_relaxed(&x);
}

static void mp_no_fence_reader(void) {
    r[0] = wr_load_relaxed(&y);
    r[1] = wr_load_relaxed(&x);
}

MODEL(litmus_mp_fences, .what = "two fences pass a message", .threads = {mp_fence_writer, mp_fence_reader},
      .check = two, .outcomes = "00 01 11");
MODEL(litmus_mp_one_fence, .what = "one does not", .threads = {mp_fence_writer, mp_no_fence_reader},
      .check = two, .outcomes = "00 01 11 10");

/* ---- store buffering ---- */

#define SB(name, store, between, load, ...)                                                                  \
    static void name##_0(void) {                                                                             \
        store(&x, 1);                                                                                        \
        between;                                                                                             \
        r[0] = load(&y);                                                                                     \
    }                                                                                                        \
    static void name##_1(void) {                                                                             \
        store(&y, 1);                                                                                        \
        between;                                                                                             \
        r[1] = load(&x);                                                                                     \
    }                                                                                                        \
    MODEL(litmus_##name, .threads = {name##_0, name##_1}, .check = two, __VA_ARGS__)

SB(sb_relaxed, wr_store_relaxed, (void)0, wr_load_relaxed, .what = "both may miss the other's store",
   .outcomes = "00 01 10 11");
SB(sb_release_acquire, wr_store_release, (void)0, wr_load_acquire, .what = "also with release and acquire",
   .outcomes = "00 01 10 11");
SB(sb_seq_cst, wr_store_seq_cst, (void)0, wr_load_seq_cst, .what = "not with seq_cst",
   .outcomes = "01 10 11");
SB(sb_fences, wr_store_relaxed, wr_fence_seq_cst(), wr_load_relaxed, .what = "nor with seq_cst fences",
   .outcomes = "01 10 11");
SB(sb_fences_weak, wr_store_relaxed, wr_fence_release(), wr_load_relaxed, .what = "but with weaker fences",
   .outcomes = "00 01 10 11");

static void sb_slow(void) {
    wr_store_relaxed(&x, 1);
    model_membarrier(__func__);
    r[0] = wr_load_relaxed(&y);
}

static void sb_fast(void) {
    wr_store_relaxed(&y, 1);
    r[1] = wr_load_relaxed(&x);
}

MODEL(litmus_sb_membarrier, .what = "nor with a membarrier on one side", .threads = {sb_slow, sb_fast},
      .check = two, .outcomes = "01 10 11");

/* ---- load buffering ---- */

static void lb_0(void) {
    r[0] = wr_load_relaxed(&x);
    wr_store_relaxed(&y, 1);
}

static void lb_1(void) {
    r[1] = wr_load_relaxed(&y);
    wr_store_relaxed(&x, 1);
}

MODEL(litmus_lb_is_not_produced, .what = "C11 allows 11; this checker executes in program order",
      .threads = {lb_0, lb_1}, .check = two, .outcomes = "00 01 10");

/* ---- 2+2W: the last stores are both the first ones of their threads ---- */

#define TWO_WRITES(name, store, ...)                                                                         \
    static void name##_0(void) {                                                                             \
        store(&x, 1);                                                                                        \
        store(&y, 2);                                                                                        \
    }                                                                                                        \
    static void name##_1(void) {                                                                             \
        store(&y, 1);                                                                                        \
        store(&x, 2);                                                                                        \
    }                                                                                                        \
    static void name##_check(void) {                                                                         \
        model_outcome("%u%u", wr_load_relaxed(&x), wr_load_relaxed(&y));                                     \
    }                                                                                                        \
    MODEL(litmus_##name, .threads = {name##_0, name##_1}, .check = name##_check, __VA_ARGS__)

TWO_WRITES(two_plus_two_w_relaxed, wr_store_relaxed, .what = "the first stores may both be last",
           .outcomes = "11 12 21 22");
TWO_WRITES(two_plus_two_w_release, wr_store_release, .what = "also with release", .outcomes = "11 12 21 22");
TWO_WRITES(two_plus_two_w_seq_cst, wr_store_seq_cst, .what = "not with seq_cst", .outcomes = "12 21 22");

/* ---- IRIW: two readers see two independent stores in different orders ---- */

#define IRIW(name, store, load, ...)                                                                         \
    static void name##_0(void) {                                                                             \
        store(&x, 1);                                                                                        \
    }                                                                                                        \
    static void name##_1(void) {                                                                             \
        store(&y, 1);                                                                                        \
    }                                                                                                        \
    static void name##_2(void) {                                                                             \
        r[0] = load(&x);                                                                                     \
        r[1] = load(&y);                                                                                     \
    }                                                                                                        \
    static void name##_3(void) {                                                                             \
        r[2] = load(&y);                                                                                     \
        r[3] = load(&x);                                                                                     \
    }                                                                                                        \
    MODEL(litmus_##name, .threads = {name##_0, name##_1, name##_2, name##_3}, .check = four,                 \
          .quick = {UNBOUNDED, UNBOUNDED}, __VA_ARGS__)

IRIW(iriw_release_acquire, wr_store_release, wr_load_acquire, .what = "two readers may disagree on the order",
     .outcomes = "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111");
IRIW(iriw_seq_cst, wr_store_seq_cst, wr_load_seq_cst, .what = "not with seq_cst",
     .outcomes = "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111");
