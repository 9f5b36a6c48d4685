/* SPDX-License-Identifier: MIT */
/* The checker of histories of wr-stress: what it must let through, and what it must not. */
#include "../stress/linear.h"
#include "common.h"

#define CHECKS(references, ...)                                                                              \
    linear_check((const struct linear_step[]){__VA_ARGS__},                                                  \
                 sizeof((const struct linear_step[]){__VA_ARGS__}) / sizeof(struct linear_step), references)
#define GET(start, end, result)                                                                              \
    { start, end, LINEAR_GET, result, 0 }
#define RELEASE(start, end)                                                                                  \
    { start, end, LINEAR_RELEASE, 0, 0 }
#define KILL(start, end, result)                                                                             \
    { start, end, LINEAR_KILL, result, 0 }
#define IS_DEAD(start, end, result)                                                                          \
    { start, end, LINEAR_IS_DEAD, result, 0 }

TEST(a_history_of_one_thread_is_what_the_object_does) {
    CHECK(CHECKS(1, GET(1, 2, 1), RELEASE(3, 4), IS_DEAD(5, 6, 0), RELEASE(7, 8), GET(9, 10, 0),
                 IS_DEAD(11, 12, 1)));
    CHECK(CHECKS(1, KILL(1, 2, 1), KILL(3, 4, 0), GET(5, 6, 0), IS_DEAD(7, 8, 1), RELEASE(9, 10)));
}

TEST(operations_that_overlap_may_go_either_way) {
    CHECK(CHECKS(1, RELEASE(1, 10), GET(2, 9, 1), RELEASE(11, 12)));
    CHECK(CHECKS(1, RELEASE(1, 10), GET(2, 9, 0)));
    CHECK(CHECKS(2, KILL(1, 10, 0), KILL(2, 9, 1), RELEASE(11, 12), RELEASE(11, 13)));
    CHECK(CHECKS(1, KILL(5, 6, 1), GET(1, 9, 0), GET(1, 9, 1), IS_DEAD(1, 9, 0), RELEASE(10, 11)));
    CHECK(CHECKS(1, GET(1, 5, 1), RELEASE(5, 6), RELEASE(5, 6))); /* at the same time is not before */
}

TEST(a_get_after_the_last_release_is_found) {
    CHECK(!CHECKS(1, RELEASE(1, 2), GET(3, 4, 1)));
    CHECK(!CHECKS(1, RELEASE(1, 2), IS_DEAD(3, 4, 0)));
}

TEST(a_get_that_fails_while_there_is_a_reference_is_found) {
    CHECK(!CHECKS(1, GET(1, 2, 0), RELEASE(3, 4)));
    CHECK(!CHECKS(1, GET(1, 2, 1), RELEASE(3, 10), GET(4, 5, 0), RELEASE(11, 12)));
}

TEST(an_object_that_comes_back_is_found) {
    CHECK(!CHECKS(1, RELEASE(1, 20), GET(2, 3, 0), GET(4, 5, 1)));
    CHECK(!CHECKS(2, KILL(1, 20, 1), IS_DEAD(2, 3, 1), IS_DEAD(4, 5, 0)));
}

TEST(two_winners_and_no_winner_of_a_kill_are_found) {
    CHECK(!CHECKS(2, KILL(1, 10, 1), KILL(2, 9, 1)));
    CHECK(!CHECKS(2, KILL(1, 10, 0), KILL(2, 9, 0)));
}

TEST(a_reference_too_many_given_up_is_found) {
    CHECK(!CHECKS(1, RELEASE(1, 10), RELEASE(2, 9)));
}

TEST(the_longest_history_with_all_overlapping_is_decided) {
    struct linear_step steps[LINEAR_MOST];
    for (unsigned i = 0; i < LINEAR_MOST; i++) /* gets that succeed, and the same number of releases */
        steps[i] = (struct linear_step){1, 100, i % 2 ? LINEAR_RELEASE : LINEAR_GET, 1, i};
    CHECK(linear_check(steps, LINEAR_MOST, 1));
    for (unsigned i = 0; i < LINEAR_MOST; i++) { /* four at a time; no get may fail */
        steps[i].start = i / 4 * 10;
        steps[i].end = i / 4 * 10 + 9;
    }
    CHECK(linear_check(steps, LINEAR_MOST, 2));
    steps[LINEAR_MOST - 2].result = 0;
    CHECK(!linear_check(steps, LINEAR_MOST, 2));
}
