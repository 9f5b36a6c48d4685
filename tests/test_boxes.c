/* SPDX-License-Identifier: MIT */
/* Boxes: objects that stand for memory of the caller's own. */
#include "common.h"

static unsigned destroyed;
static void *last;

static void note(void *ptr) {
    destroyed++;
    last = ptr;
}

TEST(a_box_gives_its_pointer_and_destroys_it_once) {
    int mine = 5;
    void *box = wr_box_new(&mine, note);
    REQUIRE(box != NULL);
    CHECK_PTR_EQ(wr_box_get(box), &mine);
    wr_retain(box);
    wr_release(box);
    CHECK_EQ(destroyed, 0);
    wr_release(box);
    CHECK_EQ(destroyed, 1);
    CHECK_PTR_EQ(last, &mine);
}

TEST(a_box_may_have_no_destroy_and_no_pointer) {
    int mine;
    void *box = wr_box_new(&mine, NULL);
    CHECK_PTR_EQ(wr_box_get(box), &mine);
    wr_release(box);
    box = wr_box_new(NULL, note);
    CHECK_NULL(wr_box_get(box));
    wr_release(box);
    CHECK_EQ(destroyed, 1);
    CHECK_NULL(last);
}

TEST(what_is_in_a_box_at_the_end_is_no_leak) { /* LeakSanitizer looks */
    static void *volatile kept;                /* or the compiler does without it */
    kept = wr_box_new(malloc(100), free);
    CHECK_NOT_NULL(kept);
}

TEST(what_is_no_box_has_nothing_in_it) {
    probe *p = probe_new(NULL);
    CHECK_NULL(wr_box_get(p));
    CHECK_NULL(wr_box_get(NULL));
    wr_release(p);
}

TEST(a_box_has_weak_values) {
    int mine;
    void *box = wr_box_new(&mine, note);
    wr_weak w = wr_weak_of(box);
    void *again = wr_weak_get(w);
    CHECK_PTR_EQ(again, box);
    CHECK_PTR_EQ(wr_box_get(again), &mine);
    wr_release(again);
    wr_release(box);
    CHECK(wr_weak_is_dead(w));
    CHECK_NULL(wr_weak_get(w));
    CHECK_EQ(destroyed, 1);
}

TEST(a_box_holds_memory_larger_than_any_object) {
    char *large = malloc(10 * WR_MAX_SIZE);
    REQUIRE(large != NULL);
    void *box = wr_box_new(large, free);
    large[10 * WR_MAX_SIZE - 1] = 1;
    CHECK_PTR_EQ(wr_box_get(box), large);
    wr_release(box);
}
