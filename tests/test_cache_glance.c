/* SPDX-License-Identifier: MIT */
/* Look-ups in caches that are stopped before each of their steps, while everything they look at changes: they take no
 * lock that would keep it out. */
#include "stopper.h"
#include "containers.h"
#include "slots.h"

/* Others: for two segments, for some more, and for a directory that is the second of its kind. */
enum { SOME = 300, MANY = 400, FAR = 2400 };

static wr_cache *c;
static probe *first, *second, *others[FAR];
static unsigned there; /* how many of the others */

/* ---- keys of each kind, all different from one another ---- */

enum kind { SHORT, WHOLE, EMPTY, WORDS, ALIKE, LIMITED, IN_VALUES, LONG, KINDS };
#define LOCKED LIMITED /* from here on look-ups take the lock */
static enum kind kind;

static char texts[FAR + 2][200];

/* Return the key of a number, and its length: 0 and 1 are of the two that are looked for. */
static const void *key_of(unsigned number) {
    return kind == WORDS ? (const void *)(uintptr_t)(number + 1) : texts[number];
}

static size_t length_of(unsigned number) {
    return kind == WORDS || (kind == EMPTY && number == 0) ? 0
           : kind == LONG                                  ? sizeof texts[0]
           : kind == WHOLE                                 ? 24
                                                           : 12;
}

static uint64_t few_hashes(const void *key, size_t len, void *arg) {
    (void)len, (void)arg;
    return (unsigned char)((const char *)key)[11] % 4;
}

static int put(unsigned number, void *obj) {
    return wr_cache_put(c, key_of(number), length_of(number), obj);
}

static void add_others(unsigned count) {
    for (; there < count; there++) {
        others[there] = probe_new(NULL);
        CHECK_EQ(put(there + 2, others[there]), 0);
    }
}

static void drop_others(void) {
    while (there > 0)
        wr_release(others[--there]);
}

static void set_up(void) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.shards = 1;
    o.flags = kind == WORDS ? WR_KEY_WORDS : kind == IN_VALUES ? WR_KEYS_IN_VALUES : 0;
    o.hash = kind == ALIKE ? few_hashes : NULL;
    o.max_entries = kind == LIMITED ? 2 * FAR : 0;
    c = cache_new_ex(&o);
    for (unsigned i = 0; i < FAR + 2 && texts[i][0] == 0; i++)
        (void)snprintf(texts[i], sizeof texts[i], "key %08u .......... ....", i);
    first = probe_new(NULL);
    second = probe_new(NULL);
    there = 0;
    if (kind == ALIKE)
        add_others(40); /* and it finds no place */
    CHECK_EQ(put(0, first), 0);
}

static void tear_down(void) {
    drop_others();
    wr_release(first);
    wr_release(second);
    wr_cache_free(c);
}

/* ---- what comes between two steps ---- */

static void nothing(void) {
}

static void many(void) {
    add_others(MANY);
}

static void grow_far(void) {
    add_others(kind == SHORT ? FAR : MANY); /* with one kind: it takes long */
}

static void shrink(void) {
    drop_others();
    (void)wr_trim();
}

/* And grow again: the memory of buckets goes round. */
static void shrink_and_grow(void) {
    drop_others();
    add_others(SOME);
}

/* Its memory goes back to the system, and is zero until it is there again. */
static void forget_and_replace(void) {
    CHECK_EQ(wr_cache_remove(c, key_of(0), length_of(0)), 0);
    drop_others();
    (void)wr_trim();
    CHECK_EQ(put(0, second), 0);
}

static void replace(void) {
    CHECK_EQ(put(0, second), 0);
}

/* Another key's entry comes into the slot. */
static void reuse(void) {
    CHECK_EQ(wr_cache_remove(c, key_of(0), length_of(0)), 0);
    CHECK_EQ(put(1, second), 0);
}

static void kill(void) {
    CHECK_EQ(wr_kill(first), 1);
}

static void replace_and_kill(void) {
    replace();
    kill();
}

static const struct {
    void (*before)(void), (*between)(void);
    bool may_be_first, may_be_second, may_be_none;
} changes[] = {
    {nothing, many, true, false, false},
    {many, grow_far, true, false, false},
    {many, shrink, true, false, false},
    {many, shrink_and_grow, true, false, false},
    {nothing, forget_and_replace, true, true, true},
    {nothing, replace, true, true, false},
    {nothing, reuse, true, false, true},
    {many, reuse, true, false, true},
    {nothing, kill, true, false, true},
    {nothing, replace_and_kill, true, true, false},
};
enum { CHANGES = sizeof changes / sizeof changes[0] };

/* ---- who looks ---- */

static void *got;
static bool inside;

static void *made(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    return NULL;
}

static void get(void *arg) {
    (void)arg;
    got = wr_cache_get(c, key_of(0), length_of(0));
}

static void get_or_create(void *arg) {
    (void)arg;
    got = wr_cache_get_or_create(c, key_of(0), length_of(0), made, NULL);
}

static void contains(void *arg) {
    (void)arg;
    inside = wr_cache_contains(c, key_of(0), length_of(0));
}

/* Stop a look-up at each of its steps, up to where it takes the lock, if it does. Returns how many there are. */
static unsigned stop_everywhere(void (*look)(void *arg), unsigned change) {
    bool looking = true;
    unsigned steps = 0;
    while (looking) {
        struct stopper s;
        set_up();
        changes[change].before();
        looking = stopper_try(&s, look, NULL, "", NULL, ++steps) &&
                  wr_load_relaxed((const uint32_t *)shard_lock(c)) == 0; /* nobody else has it now */
        if (looking)
            changes[change].between();
        stopper_finish_unordered(&s);
        if (look == contains)
            got = inside ? first : NULL;
        bool good = got == NULL     ? changes[change].may_be_none
                    : got == first  ? changes[change].may_be_first
                    : got == second ? changes[change].may_be_second
                                    : false;
        if (!good)
            FAIL("kind %d, change %u, step %u: %s", (int)kind, change, steps,
                 got == NULL     ? "nothing"
                 : got == second ? "the second"
                                 : "another");
        if (look != contains)
            wr_release(got);
        got = NULL;
        tear_down();
    }
    return steps - 1;
}

static void stop_at_each_change(void (*look)(void *arg)) {
    for (unsigned change = 0; change < CHANGES; change++) {
        bool long_one = changes[change].before != nothing || changes[change].between == many;
        if (ON_TSAN && long_one && (kind != SHORT || look != get || change != 0))
            continue; /* one of those is enough where they take so long */
        unsigned steps = stop_everywhere(look, change);
        if (kind < LOCKED)
            CHECK_GE(steps, kind == EMPTY ? 10 : 12);
    }
}

static void stop_for_each_kind(void (*look)(void *arg), bool all) {
    for (unsigned k = 0; k < KINDS; k++) {
        kind = (enum kind)k;
        if (!all && kind != SHORT && kind != ALIKE && kind != LIMITED)
            continue;
        stop_at_each_change(look);
        check_nothing_left();
    }
}

TEST(S49_a_get_finds_what_is_there_all_the_time_and_nothing_else) {
    NEEDS_STOPPER;
    stop_for_each_kind(get, true);
}

TEST(S49_a_contains_finds_what_is_there_all_the_time_and_nothing_else) {
    NEEDS_STOPPER;
    stop_for_each_kind(contains, false);
}

TEST(S48_a_get_or_create_finds_what_is_there_all_the_time_and_makes_nothing_else) {
    NEEDS_STOPPER;
    stop_for_each_kind(get_or_create, false);
}

/* ---- buckets that are replaced ---- */

static void put_one_more(void *arg) {
    (void)arg;
    add_others(there + 1);
}

/* Give buckets that are free to somebody else, who clears them. */
static void reuse_piece(struct bucket *piece) {
    uint32_t taken = 0;
    bool found = false;
    for (unsigned i = 0; i < 1000 && !found; i++) {
        struct wr_slot *slot = slots_take(&taken, STEADY_PIECE);
        REQUIRE(slot != NULL);
        found = (char *)wr_payload_of(slot) + WR_GRANULE == (char *)piece;
    }
    REQUIRE(found);
    for (unsigned i = 0; i < PIECE; i++)
        bucket_clear(&piece[i]);
    slots_give(&taken);
}

TEST(S49_a_get_that_began_before_the_buckets_were_replaced) {
    NEEDS_STOPPER;
    bool looking = true;
    kind = SHORT;
    for (unsigned step = 2; looking; step++) { /* each twice */
        struct stopper grower, looker;
        set_up();
        add_others(PIECE * WR_MOST - 1);
        const struct shard *shard = &((const struct table *)(const void *)c)->shards[0];
        struct bucket *piece = shard->directory[0];
        CHECK_EQ(shard->room, PIECE);
        /* It has the larger ones. */
        stopper_start(&grower, put_one_more, NULL, "cas_acquire", shard_lock(c), 3);
        looking = stopper_try(&looker, get, NULL, "", NULL, step / 2);
        stopper_finish(&grower);
        CHECK_EQ(shard->room, SEGMENT);
        if (step % 2 == 0)
            reuse_piece(piece);
        else
            (void)wr_trim();
        stopper_finish_unordered(&looker);
        CHECK_PTR_EQ(got, first);
        wr_release(got);
        tear_down();
    }
    check_nothing_left();
}

/* Return the class of the slot that a table's first buckets are in. */
static uint32_t class_of_buckets(const void *container) {
    const struct shard *shard = ((const struct table *)container)->shards;
    REQUIRE(shard->room >= PIECE);
    return arena_class(wr_slot_of((char *)shard->directory[0] - WR_GRANULE));
}

/* And one of its nodes. */
static uint32_t class_of_node(const void *container) {
    const struct bucket *bucket = ((const struct table *)container)->shards[0].directory[0];
    while ((bucket->tags & 0xff) == 0)
        bucket++;
    return arena_class(wr_slot_of(bucket_node_at(bucket->places[0])));
}

static void check_classes(void *const *steady, void *const *other, bool segments) {
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(class_of_buckets(steady[i]), segments ? STEADY_SEGMENT : STEADY_PIECE);
        CHECK_GE(class_of_node(steady[i]), STEADY_ENTRY);
        CHECK_LT(class_of_node(steady[i]), STEADY_PIECE);
    }
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(class_of_buckets(other[i]), segments ? OTHER_SEGMENT : OTHER_PIECE);
        CHECK_LT(class_of_node(other[i]), OBJECT_CLASSES);
    }
}

/* Else a look-up that was overtaken could come to nodes of others, or to what is no node. */
TEST(what_is_looked_at_without_a_lock_is_in_slots_of_its_own) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT, limited = WR_CACHE_OPTIONS_INIT,
                     in_values = WR_CACHE_OPTIONS_INIT;
    wr_weakset_options of_set = WR_WEAKSET_OPTIONS_INIT;
    kind = SHORT;
    o.shards = limited.shards = in_values.shards = of_set.shards = 1;
    limited.max_entries = FAR;
    in_values.flags = WR_KEYS_IN_VALUES;
    set_up();
    void *steady[] = {c, cache_new_ex(&o)}; /* the second for long keys */
    void *other[] = {cache_new_ex(&limited), cache_new_ex(&in_values), wr_weakset_new_ex(&of_set)};
    REQUIRE(other[2] != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        add_others(i + 1);
        CHECK_EQ(wr_cache_put(steady[1], texts[i], sizeof texts[i], others[i]), 0);
        CHECK_EQ(wr_cache_put(other[0], texts[i], 12, others[i]), 0);
        CHECK_EQ(wr_cache_put(other[1], texts[i], 12, others[i]), 0);
        CHECK_EQ(wr_weakset_add(other[2], others[i]), 1);
        if (i == 20 || i == MANY - 1)
            check_classes(steady, other, i != 20);
    }
    wr_cache_free(steady[1]);
    wr_cache_free(other[0]);
    wr_cache_free(other[1]);
    wr_weakset_free(other[2]);
    tear_down();
    check_nothing_left();
}
