/* SPDX-License-Identifier: MIT */
/* S23: tags never wrap. VARIANT=wear starts every slot near the end of its tags; in other builds these tests
 *      age the
 * slots they use by hand. */
#include "word.h"

#include "weakrefs.h"

#define TAG_LAST UINT32_C(0xffffffff) /* the largest there is; odd */

/* Make the only holder's object, which has no weak value yet, as old as if its slot had been used often. */
static void age(void *obj, uint32_t tag) {
    struct wr_slot *slot = wr_slot_of(obj);
    uint64_t word = wr_load_relaxed(&slot->word);
    if (word_tag(word) < tag)
        wr_store_relaxed(&slot->word, (word & ~WR_TAG_MASK) | tag);
}

TEST(S23_a_worn_slot_is_retired_and_its_old_values_stay_dead) {
    enum { LIVES = 3000 };
    static wr_weak old[LIVES];
    unsigned slots = 0, highest = 0;
    for (unsigned i = 0; i < LIVES; i++) {
        probe *p = probe_new(NULL);
        age(p, 0xffffff01u);
        old[i] = wr_weak_of(p);
        CHECK(!wr_weak_is_null(old[i]) && can_get(old[i]));
        uint32_t tag = (uint32_t)old[i].bits;
        CHECK(tag >= 0xffffff01u && tag < TAG_LAST);
        highest = tag > highest ? tag : highest;
        bool first = true;
        for (unsigned j = 0; j < i; j++) {
            if (old[j].bits >> 32 == old[i].bits >> 32) {
                first = false;
                CHECK_LT((uint32_t)old[j].bits, tag); /* within a slot tags only grow */
            }
            CHECK(wr_weak_is_dead(old[j]));
        }
        slots += first;
        wr_release(p);
        CHECK_NULL(wr_weak_get(old[i]));
    }
    for (unsigned i = 0; i < LIVES; i++)
        CHECK(wr_weak_is_dead(old[i]) && wr_weak_get(old[i]) == NULL);
    CHECK_GE(slots, LIVES / 128);       /* 0xffffff01 ... 0xffffffff are 128 lives of a slot */
    if (!ON_DEBUG)                      /* no quarantine: one slot at a time */
        CHECK_GE(highest, 0xfffffff9u); /* which is used to its end, near enough */
}

TEST(S23_kill_has_its_steps_to_the_last) {
    unsigned destroyed = 0;
    wr_weak old[300];
    for (unsigned i = 0; i < 300; i++) {
        probe *p = probe_new(&destroyed);
        age(p, 0xfffffff1u);
        old[i] = wr_weak_of(p);
        CHECK(can_get(old[i]));
        CHECK_EQ(wr_kill(p), 1);
        CHECK(wr_weak_is_dead(old[i]));
        CHECK_EQ(wr_refcount(p), 1);
        wr_release(p);
        CHECK_EQ(destroyed, i + 1);
        for (unsigned j = 0; j <= i; j++)
            CHECK(wr_weak_is_dead(old[j]) && wr_weak_get(old[j]) == NULL);
    }
}

TEST(S23_the_last_birth_leaves_room_for_a_kill_and_the_death) {
    /* An object of the last tag that may be born, killed and dead, in a slot that was minted. */
    unsigned destroyed = 0;
    probe *p = probe_new(&destroyed);
    age(p, TAG_LAST_BIRTH);
    wr_weak w = wr_weak_of(p);
    struct wr_slot *slot = wr_slot_of(p);
    CHECK_EQ(wr_kill(p), 1);
    CHECK(wr_weak_is_dead(w));
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(word_tag(wr_load_relaxed(&slot->word)) & 1, 0);
    CHECK_GT(word_tag(wr_load_relaxed(&slot->word)), TAG_LAST_BIRTH);
    for (unsigned i = 0; i < 600; i++) { /* it is not handed out again */
        p = probe_new(&destroyed);
        CHECK_PTR_NE(wr_slot_of(p), slot);
        wr_release(p);
    }
    CHECK(wr_weak_is_dead(w));
}

TEST(S23_a_worn_slot_stays_readable_after_trim) {
    probe *p = probe_new(NULL);
    age(p, TAG_LAST_BIRTH);
    wr_weak w = wr_weak_of(p);
    struct wr_slot *slot = wr_slot_of(p);
    wr_release(p);
    CHECK_EQ(wr_trim(), 0); /* its chunk stays: what follows would start again at a tag that is used up */
    CHECK(wr_weak_is_dead(w));
    for (unsigned i = 0; i < 600; i++) {
        p = probe_new(NULL);
        CHECK_PTR_NE(wr_slot_of(p), slot);
        CHECK_NULL(wr_weak_get(w));
        wr_release(p);
    }
}

TEST(S41_kill_works_where_clear_says_EOVERFLOW) {
    int (*const clears[])(void *) = {wr_weakref_clear, wr_weakref_clear_no_callbacks};
    for (unsigned i = 0; i < 4; i++) { /* each clear, without a weakref and with one */
        struct log log = {0};
        unsigned destroyed = 0;
        probe *p = probe_new(&destroyed);
        age(p, TAG_LAST_BIRTH);
        wr_weak w = wr_weak_of(p);
        wr_weakref *ref = i % 2 ? new_owning_ref(p, &log) : NULL;
        CHECK_EQ(clears[i / 2](p), -EOVERFLOW);
        CHECK(can_get(w)); /* nothing is changed */
        CHECK_EQ(wr_weakref_count(p), i % 2);
        CHECK_EQ(log.calls + log.freed, 0);
        CHECK_EQ(wr_kill(p), 1);
        CHECK(wr_weak_is_dead(w));
        CHECK_EQ(log.dead, i % 2);
        wr_release(ref);
        wr_release(p);
        CHECK_EQ(log.calls, i % 2);
        CHECK_EQ(destroyed, 1);
    }
}

TEST(S39_the_last_clear_leaves_a_kill_and_the_death) {
    probe *p = probe_new(NULL);
    age(p, TAG_LAST_BIRTH - 2);
    wr_weak first = wr_weak_of(p);
    CHECK_EQ(wr_weakref_clear(p), 0);
    CHECK(wr_weak_is_dead(first));
    wr_weak last = wr_weak_of(p);
    CHECK(can_get(last));
    CHECK_EQ(wr_weakref_clear(p), -EOVERFLOW);
    CHECK(can_get(last));
    CHECK_EQ(wr_kill(p), 1);
    CHECK(wr_weak_is_dead(last));
    wr_release(p);
    CHECK(wr_weak_is_dead(first) && wr_weak_is_dead(last));
}

TEST(a_slot_that_was_never_weak_does_not_age) {
    wr_type type = PLAIN_TYPE(700);
    void *p = wr_new(&type);
    uint32_t first = (uint32_t)wr_load_relaxed(&wr_slot_of(p)->word);
    wr_release(p);
    for (unsigned i = 0; i < 2000; i++) {
        p = wr_new(&type);
        CHECK_EQ((uint32_t)wr_load_relaxed(&wr_slot_of(p)->word), first);
        wr_release(p);
    }
}
