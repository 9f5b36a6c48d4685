/* SPDX-License-Identifier: MIT */
/* What is switched on at run time. The environment is the business of tests/debugging/run. */
#include "arena.h"
#include "os.h"
#include "poison.h"

#include "reports.h"

static const wr_type small_type = {.abi = WR_TYPE_ABI, .name = "small", .size = 8};

static void *make_and_free(void) {
    void *obj = wr_new(&small_type);
    REQUIRE(obj != NULL);
    wr_release(obj);
    return obj;
}

TEST(a_slot_in_quarantine_is_not_used_until_that_many_others_were_freed) {
    CHECK_EQ(wr_debug("quarantine=3"), 0);
    void *first = make_and_free();
    for (unsigned i = 0; i < 3; i++)
        CHECK_PTR_NE(make_and_free(), first);
    CHECK_PTR_EQ(make_and_free(), first);
}

TEST(without_quarantine_a_slot_is_used_again_at_once) {
    CHECK_EQ(wr_debug("quarantine=0,poison=0"), 0);
    void *first = make_and_free();
    CHECK_PTR_EQ(make_and_free(), first);
}

TEST(slots_in_quarantine_are_free_for_trim) {
    CHECK_EQ(wr_debug("quarantine=50,poison"), 0);
    for (unsigned i = 0; i < 200; i++)
        (void)make_and_free();
    CHECK(ON_WEAR || wr_trim() > 0);
    wr_release(wr_new(&small_type));
}

TEST(switches_that_are_not_understood_change_nothing) {
    static const char *const bad[] = {"nonsense",
                                      "quarantine=2,nonsense",
                                      "quarantine=x",
                                      "quarantine=",
                                      "quarantine=-1",
                                      "quarantine=4294967297",
                                      "quarantine=2000000",
                                      "poison=2",
                                      "guard=2",
                                      "ages=x",
                                      "poisonous",
                                      "pois",
                                      "=1",
                                      "report,quarantine=1x"};
    CHECK_EQ(wr_debug("quarantine=0,poison=0"), 0);
    CHECK_EQ(wr_debug(NULL), -EINVAL);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(wr_debug(bad[i]), -EINVAL);
    void *first = make_and_free();
    CHECK_PTR_EQ(make_and_free(), first);
}

TEST(empty_switches_are_fine) {
    CHECK_EQ(wr_debug(""), 0);
    CHECK_EQ(wr_debug(",,quarantine=2,"), 0);
    void *first = make_and_free();
    CHECK_PTR_NE(make_and_free(), first);
}

TEST(memory_is_watched_from_the_first_object_on_or_not_at_all) {
    CHECK_EQ(wr_debug("quarantine=0,poison=0"), 0);
    void *first = make_and_free();
    CHECK_EQ(wr_debug("quarantine=5"), -EBUSY);
    CHECK_EQ(wr_debug("poison"), -EBUSY);
    CHECK_EQ(wr_debug("guard"), -EBUSY);
    CHECK_EQ(wr_debug("ages"), -EBUSY);
    CHECK_EQ(wr_debug("quarantine=0,report=0"), 0); /* no change of these */
    CHECK_PTR_EQ(make_and_free(), first);
}

/* ---- guard ---- */

static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = 96};

/* AddressSanitizer and valgrind notice an overrun by themselves, and the library leaves that to them. */
static bool left_to_tools(const char *message) {
    if (!ON_ASAN && !RUNNING_ON_VALGRIND)
        return false;
    fputs(message, stderr);
    return true;
}

static void overrun(const char *switches, size_t byte, const char *message) {
    CHECK_EQ(wr_debug(switches), 0);
    char *conn = wr_new(&conn_type);
    REQUIRE(conn != NULL);
    if (left_to_tools(message))
        abort();
    conn[byte] = 1;
    wr_release(conn);
}

#define BEHIND "type 'conn': byte 96 was written to while it lived, but it has only 96"
TEST_ABORTS(a_write_behind_an_object_is_noticed_at_its_death, BEHIND) {
    overrun("guard", 96, BEHIND);
}
#define FAR_BEHIND "type 'conn': byte 111 was written to while it lived, but it has only 96"
TEST_ABORTS(a_write_somewhat_behind_an_object_too, FAR_BEHIND) {
    overrun("guard,poison", 111, FAR_BEHIND);
}
#define ON_TAIL "type 'conn': what is behind it was written to while it lived"
TEST_ABORTS(a_write_to_the_end_of_its_slot_too, ON_TAIL) {
    overrun("guard,ages", 112, ON_TAIL);
}

#define AT_REUSE "type 'conn': byte 100 was written to after the object that had it died"
TEST_ABORTS(a_write_behind_a_dead_object_is_noticed_at_reuse, AT_REUSE) {
    CHECK_EQ(wr_debug("guard,poison,quarantine=0"), 0);
    char *conn = wr_new(&conn_type);
    wr_release(conn);
    if (left_to_tools(AT_REUSE))
        abort();
    conn[100] = 1;
    for (unsigned i = 0; i < 1000; i++)
        wr_release(wr_new(&conn_type));
}

#define WITH_PLACES "but it has only 96; given up, last first: held at hold.c:2 and given up at drop.c:3"
TEST_ABORTS(a_write_behind_an_object_names_where_it_was_given_up, WITH_PLACES) {
    CHECK_EQ(wr_debug("guard,holders"), 0);
    char *conn = wr_new(&conn_type);
    wr_holder held;
    wr_track_at(conn, &held, "hold.c:2");
    if (left_to_tools(WITH_PLACES))
        abort();
    conn[96] = 1;
    wr_drop_at(conn, &held, "drop.c:3");
}

TEST(objects_of_all_sizes_may_be_written_to_their_end_when_guarded) {
    CHECK_EQ(wr_debug("guard,poison,ages"), 0);
    static const wr_type flexible = {.abi = WR_TYPE_ABI, .name = "flexible"};
    for (unsigned round = 0; round < 2; round++)
        for (size_t size = 0; size <= WR_MAX_SIZE; size += size < 2000 ? 1 : 31) {
            char *obj = wr_new_flex(&flexible, size);
            REQUIRE(obj != NULL);
            memset(obj, 0xa5, size);
            (void)wr_weak_of(obj);
            wr_release(obj);
        }
    CHECK_EQ(stats_now().live, 0);
}

TEST(an_object_of_the_largest_size_has_no_guard_and_is_fine) {
    CHECK_EQ(wr_debug("guard,ages"), 0);
    static const wr_type largest = {.abi = WR_TYPE_ABI, .name = "largest", .size = WR_MAX_SIZE};
    char *obj = wr_new(&largest);
    REQUIRE(obj != NULL);
    memset(obj, 0xff, WR_MAX_SIZE);
    free(live_text());
    wr_release(obj);
}

/* ---- ages ---- */

/* As if an object had been made that long ago. */
static void *made_before(const wr_type *type, unsigned seconds) {
    void *obj = wr_new(type);
    REQUIRE(obj != NULL);
    struct poison_tail *tail = poison_tail_of(obj, class_payload(arena_class(wr_slot_of(obj))));
    REQUIRE(tail != NULL);
    tail->born = (uint64_t)os_now() - seconds * UINT64_C(1000000000);
    return obj;
}

/* The age in a type's line; -1: there is none. */
static double oldest_of(const char *text, const char *type) {
    char start[32];
    snprintf(start, sizeof start, "\n%s ", type);
    const char *at = strstr(text, start);
    REQUIRE(at != NULL);
    at += strlen(start);
    for (unsigned i = 0; i < 4; i++) { /* alive, killed, references, bytes */
        at += strspn(at, " ");
        at += strcspn(at, " \n");
    }
    return *at == '\n' ? -1 : strtod(at, NULL);
}

TEST(the_oldest_of_each_type_is_reported) {
    static const wr_type same_name = {.abi = WR_TYPE_ABI, .name = "conn", .size = 8};
    CHECK_EQ(wr_debug("ages"), 0);
    void *conns[] = {made_before(&conn_type, 1000), made_before(&same_name, 2000),
                     made_before(&conn_type, 500)};
    void *small = made_before(&small_type, 10);
    char *text = live_text();
    CHECK_STR_HAS(text, "bytes   oldest (s)\n");
    CHECK_GE((long)oldest_of(text, "conn"), 2000);
    CHECK_GE((long)oldest_of(text, "small"), 10);
    free(text);
    wr_release(small);
    for (unsigned i = 0; i < 3; i++)
        wr_release(conns[i]);
}

TEST(nobody_is_old_unless_ages_are_noted) {
    CHECK_EQ(wr_debug("guard"), 0);
    void *conn = wr_new(&conn_type);
    char *text = live_text();
    CHECK_EQ(occurrences(text, "oldest"), 0);
    CHECK(oldest_of(text, "conn") < 0);
    free(text);
    wr_release(conn);
}
