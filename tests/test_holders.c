/* SPDX-License-Identifier: MIT */
/* Who holds what: records of references, with the places they were taken and given up at. */
#include <stdatomic.h>

#include "reports.h"
#include "backtrace.h"

static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = 96};
static const wr_type other_type = {.abi = WR_TYPE_ABI, .name = "other", .size = 8};

static void *conn_new(void) {
    void *conn = wr_new(&conn_type);
    REQUIRE(conn != NULL);
    return conn;
}

static void *tracked_conn_new(const char *switches) {
    CHECK_EQ(wr_debug(switches), 0);
    return conn_new();
}

static char *holders_text(const void *obj) {
    struct page page = page_open();
    CHECK_EQ(wr_report_holders(page.file, obj), 0);
    return page_text(&page);
}

TEST(a_hold_is_a_retain_and_a_drop_a_release_when_off) {
    CHECK_EQ(wr_debug("holders=0"), 0);
    void *conn = conn_new();
    wr_holder holder = {77};
    CHECK_PTR_EQ(wr_hold(conn, &holder), conn);
    CHECK_EQ(holder.bits, 0);
    CHECK_EQ(wr_refcount(conn), 2);
    wr_track(conn, &holder);
    CHECK_EQ(holder.bits, 0);
    wr_untrack(conn, &holder);
    wr_drop(conn, &holder);
    CHECK_EQ(wr_refcount(conn), 1);
    char *text = live_text();
    CHECK_EQ(occurrences(text, "recorded"), 0);
    free(text);
    wr_drop(conn, &holder);
    CHECK_EQ(stats_now().live, 0);
}

TEST(null_is_held_and_dropped_as_it_is_retained_and_released) {
    CHECK_EQ(wr_debug("holders"), 0);
    wr_holder holder = {77};
    CHECK_NULL(wr_hold(NULL, &holder));
    CHECK_EQ(holder.bits, 0);
    wr_drop(NULL, &holder);
    holder.bits = 77;
    wr_track(NULL, &holder);
    CHECK_EQ(holder.bits, 0);
    wr_untrack(NULL, &holder);
    CHECK_EQ(stats_now().live, 0);
}

TEST(a_report_names_the_places_that_hold_and_where_others_from_there_were_dropped) {
    void *conn = tracked_conn_new("holders");
    wr_holder held[3], own;
    wr_track_at(conn, &own, "new.c:1");
    for (unsigned i = 0; i < 3; i++)
        CHECK_PTR_EQ(wr_hold_at(conn, &held[i], "hold.c:2"), conn);
    wr_drop_at(conn, &held[1], "drop.c:3");
    char *text = holders_text(conn);
    CHECK_STR_HAS(text, "references: 3\n");
    CHECK_STR_HAS(text, "    held at hold.c:2: 2\n");
    CHECK_STR_HAS(text, "    held at new.c:1: 1\n");
    CHECK_EQ(occurrences(text, "without a record"), 0);
    free(text);
    text = live_text();
    CHECK_STR_HAS(
        text, "references recorded: 4, given up: 1, with their object: 0, without memory for a record: 0\n"
              "conn held at hold.c:2: 2\n    others, given up at drop.c:3: 1\nconn held at new.c:1: 1\n");
    free(text);
    wr_drop_at(conn, &held[0], "drop.c:3");
    wr_drop_at(conn, &held[2], "drop.c:4");
    wr_drop_at(conn, &own, "drop.c:5");
    text = live_text();
    CHECK_STR_HAS(text, "given up: 4,");
    CHECK_EQ(occurrences(text, "held at"), 0);
    CHECK_STR_HAS(text, "weakrt: objects alive: 0,");
    free(text);
}

TEST(the_macros_name_file_and_line) {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    char place[200];
    snprintf(place, sizeof place, "held at %s:%d: 1", __FILE__, __LINE__ + 1);
    wr_hold(conn, &held);
    char *text = holders_text(conn);
    CHECK_STR_HAS(text, place);
    CHECK_STR_HAS(text, "held without a record: 1\n"); /* the one of wr_new */
    free(text);
    wr_drop(conn, &held);
    wr_release(conn);
}

TEST(what_was_killed_and_is_held_names_who_holds_it) {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_kill(conn);
    wr_release(conn);
    char *text = live_text();
    CHECK_STR_HAS(text, ", references: 1\n    held at hold.c:2: 1\n");
    free(text);
    wr_drop(conn, &held);
}

TEST(a_killed_object_can_be_held_too) {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_kill(conn);
    wr_hold_at(conn, &held, "hold.c:2");
    CHECK_NE(held.bits, 0);
    wr_drop(conn, &held);
    wr_release(conn);
    CHECK_EQ(stats_now().live, 0);
}

TEST(a_record_stays_until_its_drop_when_recording_is_switched_off) {
    void *conn = tracked_conn_new("holders");
    wr_holder held, later;
    wr_hold_at(conn, &held, "hold.c:2");
    CHECK_EQ(wr_debug("holders=0"), 0);
    wr_hold_at(conn, &later, "hold.c:3");
    CHECK_EQ(later.bits, 0);
    char *text = holders_text(conn);
    CHECK_EQ(occurrences(text, "held at"), 1);
    free(text);
    wr_drop(conn, &held);
    wr_drop(conn, &later);
    text = holders_text(conn);
    CHECK_EQ(occurrences(text, "held at"), 0);
    free(text);
    wr_release(conn);
    CHECK_EQ(stats_now().live, 0);
}

TEST(a_reference_handed_on_has_no_record_and_is_released_plainly) {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold(conn, &held);
    wr_untrack(conn, &held);
    CHECK_EQ(held.bits, 0);
    wr_release(conn);
    wr_release(conn);
    CHECK_EQ(stats_now().live, 0);
    char *text = live_text();
    CHECK_STR_HAS(text, "recorded: 1, given up: 1, with their object: 0,");
    free(text);
}

TEST(an_object_that_dies_before_the_drop_takes_the_record_with_it) {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_release(conn);
    wr_release(conn); /* and not wr_drop */
    CHECK_EQ(stats_now().live, 0);
    char *text = live_text();
    CHECK_STR_HAS(text, "recorded: 1, given up: 0, with their object: 1,");
    free(text);
}

TEST(weakrefs_killed_and_bound_objects_work_as_ever_with_records) {
    CHECK_EQ(wr_debug("holders"), 0);
    wr_queue *queue = new_queue();
    wr_queue *types_own = queue;
    wr_type type = {.abi = WR_TYPE_ABI, .name = "bound", .size = 8, .queue = &types_own};
    void *bound = wr_new(&type);
    void *conn = conn_new();
    wr_holder held[3];
    wr_hold(conn, &held[0]);
    wr_hold(bound, &held[1]);
    wr_weakref *ref = new_ref(conn, NULL, NULL);
    wr_hold(ref, &held[2]); /* weakrefs have no records */
    CHECK_EQ(held[2].bits, 0);
    CHECK_EQ(wr_bind(conn, queue), 0);
    CHECK_EQ(wr_weakref_is_dead(ref), 0);
    wr_release(conn);
    wr_release(bound);
    wr_drop(conn, &held[0]);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    wr_drop(bound, &held[1]);
    CHECK_EQ(wr_queue_run(queue, 0), 2);
    wr_drop(ref, &held[2]);
    wr_release(ref);
    wr_queue_free(queue);
    CHECK_EQ(stats_now().live, 0);
}

TEST(one_in_n_is_recorded_on_average_and_every_place_comes_up) {
    enum { N = 10, HOLDS = 10000 };
    void *conn = tracked_conn_new("holders=10");
    unsigned recorded[2] = {0, 0};
    for (unsigned i = 0; i < HOLDS; i++) {
        wr_holder held;
        wr_hold(conn, &held);
        recorded[i % 2] += held.bits != 0; /* a rhythm of two, which N divides by */
        wr_drop(conn, &held);
    }
    for (unsigned i = 0; i < 2; i++) { /* the same numbers each time */
        CHECK_GT(recorded[i], HOLDS / N / 4);
        CHECK_LT(recorded[i], HOLDS / N);
    }
    wr_release(conn);
}

enum { MANY = 20 };
static wr_holder many[MANY];

static void *hold_at_many_places(void) {
    static char places[MANY][8];
    void *conn = tracked_conn_new("holders");
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(places[i], sizeof places[i], "p%u", i);
        wr_hold_at(conn, &many[i], places[i]);
    }
    return conn;
}

TEST(more_places_than_a_line_names_are_counted) {
    void *conn = hold_at_many_places();
    char *text = holders_text(conn);
    CHECK_EQ(occurrences(text, "held at"), 6);
    CHECK_STR_HAS(text, "    held elsewhere: 14\n");
    free(text);
    text = live_text();
    CHECK_EQ(occurrences(text, "conn held at p"), MANY);
    free(text);
    for (unsigned i = 0; i < MANY; i++)
        wr_drop(conn, &many[i]);
    wr_release(conn);
}

TEST_ABORTS(a_wait_in_vain_for_many_names_some_and_counts_the_rest, " (1), and elsewhere (14)\n") {
    if (wr_kill_wait(hold_at_many_places(), 0) == -ETIMEDOUT)
        abort();
}

TEST(references_given_up_at_more_places_than_are_remembered_are_counted) {
    enum { PLACES = 300, REMEMBERED = 256 };
    static char places[PLACES][8];
    void *conn = tracked_conn_new("holders");
    for (unsigned i = 0; i < PLACES; i++) {
        wr_holder held;
        snprintf(places[i], sizeof places[i], "p%u", i);
        wr_hold_at(conn, &held, "hold.c:2");
        wr_drop_at(conn, &held, places[i]);
    }
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    char *text = live_text();
    CHECK_EQ(occurrences(text, "    others, given up at p"), REMEMBERED);
    CHECK_STR_HAS(text, "given up at more places than are remembered: 44\n");
    free(text);
    wr_drop(conn, &held);
    wr_release(conn);
}

TEST_ABORTS(a_second_drop_long_after_the_first_is_named_without_places,
            "this reference was given up already: each is once; held at a place no longer known, long ago") {
    void *conn = tracked_conn_new("holders");
    wr_holder held, later;
    wr_hold(conn, &held);
    wr_holder first = held;
    wr_drop(conn, &held);
    for (unsigned i = 0; i < 200; i++) {
        wr_hold(conn, &later);
        wr_drop(conn, &later);
    }
    wr_drop(conn, &first);
}

TEST(a_backtrace_is_there_on_request) {
    void *conn = tracked_conn_new("holders,backtrace=4");
    wr_holder held;
    void *frame;
    if (backtrace_frames(&frame, 1) == 0)
        SKIP("the C library has no backtrace, and libunwind is not here");
    wr_hold_at(conn, &held, "hold.c:2");
    char *text = live_text();
    CHECK_STR_HAS(text, "conn held at hold.c:2: 1\n        by ");
    CHECK_LE(occurrences(text, "        by "), 4);
    free(text);
    wr_drop(conn, &held);
    wr_release(conn);
}

TEST(a_report_on_what_is_no_object_or_dead_is_refused) {
    void *conn = tracked_conn_new("holders");
    struct page page = page_open();
    CHECK_EQ(wr_report_holders(NULL, conn), -EINVAL);
    CHECK_EQ(wr_report_holders(page.file, NULL), -EINVAL);
    CHECK_EQ(wr_report_holders(page.file, &page), -EINVAL);
    wr_release(conn);
    CHECK_EQ(wr_report_holders(page.file, conn), -ESTALE);
    free(page_text(&page));
}

/* ---- no memory: on the bare machine, where a record is a slot of a class of its own that is not there yet ---- */

static void *refuse_all(void *ctx, void *ptr, size_t size) {
    (void)ctx, (void)ptr, (void)size;
    return NULL;
}

TEST(recording_and_reporting_without_memory_crash_nothing) {
    CHECK_EQ(wr_set_allocator(refuse_all, NULL), 0);
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    CHECK_PTR_EQ(wr_hold(conn, &held), conn);
    struct page page = page_open();
    CHECK_EQ(wr_report_holders(page.file, conn), 0);
    CHECK_EQ(wr_report_live(page.file), -ENOMEM);
    free(page_text(&page));
    wr_drop(conn, &held);
    wr_release(conn);
}

/* ---- misuse ---- */

TEST_ABORTS(a_reference_that_is_dropped_twice_names_all_places, "weakrt: drop.c:4: wr_drop(") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_drop_at(conn, &held, "drop.c:3");
    wr_drop_at(conn, &held, "drop.c:4");
}
TEST_ABORTS(a_second_drop_says_where_the_first_was, "type 'conn': this reference was given up already: each "
                                                    "is once; held at hold.c:2, given up at drop.c:3") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_drop_at(conn, &held, "drop.c:3");
    wr_drop_at(conn, &held, "drop.c:4");
}
TEST_ABORTS(a_drop_after_the_object_died_by_another_release,
            "this reference was given up already: each is once; held at hold.c:2, when the object died") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_release(conn);
    wr_release(conn);
    wr_drop_at(conn, &held, "drop.c:4");
}
TEST_ABORTS(a_double_release_names_where_references_were_given_up,
            "none is used after; given up, last first: held at hold.c:2 and given up at drop.c:3") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    wr_release(conn);
    wr_drop_at(conn, &held, "drop.c:3");
    wr_release(conn);
}
TEST_ABORTS(a_double_release_in_a_used_slot_names_no_places_of_the_object_before, "none is used after\n") {
    wr_debug("quarantine=0,poison=0");
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_track_at(conn, &held, "new.c:1");
    wr_drop_at(conn, &held, "drop.c:3");
    void *next = conn_new();
    for (unsigned i = 0; i < 10000 && next != conn; i++)
        next = conn_new();
    if (next != conn) { /* worn, or in a quarantine of a tool's */
        fputs("none is used after\n", stderr);
        abort();
    }
    wr_release(conn);
    wr_release(conn);
}
TEST_ABORTS(a_count_that_overflows_names_who_holds,
            "of which most were never released; held at hold.c:2 (1)") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    for (unsigned i = 0; i < (1u << 26) - 2 && !watched(); i++)
        wr_retain(conn);
    if (watched()) { /* it takes too long there */
        fputs("of which most were never released; held at hold.c:2 (1)", stderr);
        abort();
    }
    wr_retain(conn);
}
TEST_ABORTS(the_holder_of_another_object, "the wr_holder is that of a reference to another object") {
    void *conn = tracked_conn_new("holders");
    void *other = conn_new();
    wr_holder held;
    wr_hold(conn, &held);
    wr_drop(other, &held);
}
TEST_ABORTS(a_holder_that_was_never_set, "the wr_holder was not set by wr_hold or wr_track") {
    void *conn = tracked_conn_new("holders");
    wr_holder held = {wr_weak_of(conn).bits};
    wr_drop(conn, &held);
}
TEST_ABORTS(a_hold_of_a_dead_object_names_its_place, "weakrt: hold.c:9: wr_hold(") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_release(conn);
    wr_hold_at(conn, &held, "hold.c:9");
}
TEST_ABORTS(a_hold_of_what_is_no_object_names_its_place, "weakrt: hold.c:9: wr_hold(") {
    wr_release(tracked_conn_new("holders"));
    wr_holder held;
    wr_hold_at(&held, &held, "hold.c:9");
}
TEST_ABORTS(a_wait_in_vain_names_who_holds,
            "type 'conn': not destroyed after 0 ms, references: 1; held at hold.c:2 (1)") {
    void *conn = tracked_conn_new("holders");
    wr_holder held;
    wr_hold_at(conn, &held, "hold.c:2");
    if (wr_kill_wait(conn, 0) == -ETIMEDOUT)
        abort();
}

#if !ON_ASAN
TEST_ABORTS(
    a_write_after_death_names_where_the_last_references_were_given_up,
    "was written to after the object that had it died; given up, last first: held at new.c:1 and given up at "
    "drop.c:3") {
    if (RUNNING_ON_VALGRIND) { /* it notices by itself */
        fputs("was written to after the object that had it died; given up, last first: held at new.c:1 and "
              "given up at "
              "drop.c:3",
              stderr);
        abort();
    }
    char *conn = tracked_conn_new("holders,poison");
    wr_holder held;
    wr_track_at(conn, &held, "new.c:1");
    wr_drop_at(conn, &held, "drop.c:3");
    conn[50] = 1;
    for (unsigned i = 0; i < 10000; i++)
        wr_release(conn_new());
}
#endif

/* ---- threads ---- */

enum { THREADS = 4 };

static atomic_bool reported;

/* One reports, the others go on until it is through: a report meets records that are new to it. */
static void hold_and_drop(unsigned index, void *conn) {
    for (unsigned i = 0; index == 0 && i < 60; i++)
        free(live_text());
    if (index == 0)
        atomic_store_explicit(&reported, true, memory_order_relaxed);
    for (unsigned i = 0; i < scaled(20000) || !atomic_load_explicit(&reported, memory_order_relaxed); i++) {
        wr_holder held, second;
        wr_hold_at(conn, &held, "hold.c:2");
        if (i % 3 == 0)
            wr_hold_at(conn, &second, "hold.c:3");
        void *own = wr_new(&other_type);
        wr_holder owned;
        wr_track_at(own, &owned, "new.c:1");
        if (i % 3 == 0)
            wr_drop_at(conn, &second, "drop.c:3");
        wr_drop_at(conn, &held, "drop.c:2");
        if (i % 2 == 0)
            wr_drop_at(own, &owned, "drop.c:1");
        else
            wr_release(own);
    }
}

TEST(references_are_recorded_on_many_threads_beside_reports) {
    void *conn = tracked_conn_new("holders");
    atomic_store(&reported, false);
    run_threads(THREADS, hold_and_drop, conn);
    char *text = holders_text(conn);
    CHECK_STR_HAS(text, "references: 1\n");
    CHECK_EQ(occurrences(text, "held at"), 0);
    free(text);
    wr_release(conn);
    CHECK_EQ(stats_now().live, 0);
}
