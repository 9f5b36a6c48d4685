/* SPDX-License-Identifier: MIT */
/* What is switched on at run time. The environment is the business of tests/debugging/run. */
#include "common.h"

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
    CHECK_EQ(wr_debug("quarantine=0,report=0"), 0); /* no change of these */
    CHECK_PTR_EQ(make_and_free(), first);
}
