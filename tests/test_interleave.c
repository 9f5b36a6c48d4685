/* SPDX-License-Identifier: MIT */
/* Every interleaving of three actors on one object in which the first is stopped once, at each of its atomic steps in
 * turn, the second is stopped once while the first stands, and the third does all it does in between. */
#include "puppet.h"

#ifndef WR_HOOK
TEST(all_interleavings_of_three) {
    SKIP("needs VARIANT=hook");
}
#else

enum { ACTORS = 3 };
enum kind {
    RELEASE,
    MINT,
    KILL,
    RETAIN,
    GET,
    LOOK,
    KINDS
}; /* from GET on: without a reference of their own */
static const char *const names[] = {"release", "mint", "kill", "retain", "get", "look"};

struct subject {
    uint64_t magic;
    uint64_t written[ACTORS]; /* by each actor before it lets go */
};
#define MAGIC UINT64_C(0x5eedf00d12345678)

static unsigned destroyed, finalized;
static struct subject *kept;

/* Read what the actors wrote, not atomically: S57. */
static void read_all(const struct subject *s) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < ACTORS; i++)
        sum += s->written[i];
    CHECK_LE(sum, ACTORS);
    CHECK(s->magic == MAGIC);
}

static void destroy(void *self) {
    read_all(self);
    ((struct subject *)self)->magic = 0;
    destroyed++;
}

static void finalize(void *self) {
    read_all(self);
    finalized++;
}

static void resurrect(void *self) {
    finalize(self);
    kept = wr_retain(self);
}

static const wr_type types[] = {
    {.abi = WR_TYPE_ABI, .name = "plain", .size = 64, .destroy = destroy},
    {.abi = WR_TYPE_ABI, .name = "finalized", .size = 64, .destroy = destroy, .finalize = finalize},
    {.abi = WR_TYPE_ABI, .name = "resurrected", .size = 64, .destroy = destroy, .finalize = resurrect}};

struct world {
    const wr_type *type;
    struct subject *object;
    wr_weak value; /* null: never minted */
    atomic_bool seen_dead;
    unsigned killers;
    atomic_uint kills;
    struct actor {
        struct world *world;
        enum kind kind;
        unsigned index;
        wr_weak made;
    } actors[ACTORS];
};

/* Is dead seen by anybody before binding for whoever begins to look after? */
static void look(struct actor *a, bool dead_before) {
    bool dead = wr_weak_is_dead(a->world->value);
    CHECK(dead || !dead_before);
    if (dead)
        atomic_store_explicit(&a->world->seen_dead, true, memory_order_relaxed);
}

static void act(void *arg) {
    struct actor *a = arg;
    struct world *w = a->world;
    bool dead_before = atomic_load_explicit(&w->seen_dead, memory_order_relaxed);
    struct subject *s = w->object;
    int killed;
    switch (a->kind) {
    case RELEASE:
        break;
    case MINT:
        a->made = wr_weak_of(s);
        CHECK(!wr_weak_is_null(a->made) || w->killers > 0);
        break;
    case KILL:
        killed = wr_kill(s);
        CHECK(killed == 0 || killed == 1);
        atomic_fetch_add_explicit(&w->kills, (unsigned)killed, memory_order_relaxed);
        CHECK(wr_weak_is_null(wr_weak_of(s)));
        if (!wr_weak_is_null(w->value))
            look(a, true);
        break;
    case RETAIN:
        wr_release(wr_retain(s));
        break;
    case GET:
        s = wr_weak_get(w->value);
        CHECK(!(s != NULL && dead_before));
        break;
    default:
        look(a, dead_before);
        s = NULL;
        break;
    }
    if (s != NULL) {
        CHECK(s->magic == MAGIC);
        s->written[a->index] = 1;
        wr_release(s);
    }
}

static void world_begin(struct world *w, const wr_type *type, bool minted, const enum kind *kinds) {
    memset(w, 0, sizeof *w);
    destroyed = finalized = 0;
    kept = NULL;
    w->type = type;
    REQUIRE((w->object = wr_new(type)) != NULL);
    w->object->magic = MAGIC;
    unmint(w->object);
    if (minted)
        w->value = wr_weak_of(w->object);
    for (unsigned i = 0, holders = 0; i < ACTORS; i++) {
        w->actors[i] = (struct actor){w, kinds[i], i, {0}};
        w->killers += kinds[i] == KILL;
        if (kinds[i] < GET && holders++ > 0)
            wr_retain(w->object);
    }
}

/* All actors are done: the object must be gone, once, and its slot fit for the next. */
static bool world_end(struct world *w) {
    struct wr_slot *slot = wr_slot_of(w->object);
    bool good = true;
    wr_release(probe_new(NULL)); /* a death takes care of what a failed get had to leave */
    if (w->type->finalize == resurrect) {
        good &= CHECK(kept == w->object) && CHECK_EQ(destroyed, 0);
        wr_release(kept);
    }
    good &= CHECK_EQ(destroyed, 1);
    good &= CHECK_EQ(finalized, w->type->finalize != NULL);
    good &= CHECK_EQ(atomic_load(&w->kills), w->killers > 0);

    void *next = object_in(slot);
    if (next != NULL) { /* else its tags are used up */
        good &= CHECK_EQ(wr_refcount(next), 1);
        wr_weak now = wr_weak_of(next);
        for (unsigned i = 0; i < ACTORS; i++)
            good &= CHECK(!wr_weak_equal(now, w->actors[i].made) && wr_weak_is_dead(w->actors[i].made) &&
                          wr_weak_get(w->actors[i].made) == NULL);
        good &= CHECK(wr_weak_is_dead(w->value) && wr_weak_get(w->value) == NULL);
        good &= CHECK_EQ(wr_refcount(next), 1);
        wr_release(next);
    }
    return good;
}

/* One run: the first stops after i steps, the second after j, the third runs. Says which of the first two got that
 * far. */
static bool run(const wr_type *type, bool minted, const enum kind *kinds, unsigned i, unsigned j, bool swap,
                bool *first_stood, bool *second_stood) {
    struct world w;
    puppet first, second;
    world_begin(&w, type, minted, kinds);
    puppet_start(&first, act, &w.actors[0]);
    puppet_start(&second, act, &w.actors[1]);
    *first_stood = puppet_steps(&first, i);
    *second_stood = puppet_steps(&second, j);
    act(&w.actors[2]);
    puppet_run_out(swap ? &second : &first);
    puppet_run_out(swap ? &first : &second);
    bool good = world_end(&w);
    if (!good)
        fprintf(stderr, "%s%s: %s stopped after %u steps, %s after %u, %s runs; the %s goes on first\n",
                type->name, minted ? "" : ", never minted", names[kinds[0]], i, names[kinds[1]], j,
                names[kinds[2]], swap ? "second" : "first");
    return good;
}

/* All stops of one set of actors; of these, one in `thin`, at random. */
static unsigned run_all(const wr_type *type, bool minted, const enum kind *kinds, unsigned thin,
                        test_rng *rng) {
    unsigned runs = 0;
    bool first_stood = true, second_stood = true;
    for (unsigned i = 0; first_stood; i++) {
        second_stood = true;
        for (unsigned j = 0; second_stood; j++) {
            if (i + j > 200) { /* some 25 steps are the most */
                FAIL("no end of steps");
                return runs;
            }
            if (i + j > 0 && rng_below(rng, thin) != 0) {
                if (j > 30)
                    break;
                continue;
            }
            bool swap = rng_below(rng, 2) != 0;
            if (!run(type, minted, kinds, i, j, swap, &first_stood, &second_stood))
                return runs;
            runs++;
        }
        if (i > 30)
            break;
    }
    return runs;
}

static void all_kinds(const wr_type *type, bool minted) {
    enum kind kinds[ACTORS];
    unsigned runs = 0;
    test_rng rng = rng_make((uint64_t)(type - types) * 2 + minted);
    unsigned thin = 100 / scaled(100) * (ON_DEBUG ? 4 : 1);
    for (unsigned set = 0; set < KINDS * KINDS * KINDS; set++) {
        unsigned holders = 0, strangers = 0;
        for (unsigned i = 0, rest = set; i < ACTORS; i++, rest /= KINDS) {
            kinds[i] = (enum kind)(rest % KINDS);
            holders += kinds[i] < GET;
            strangers += kinds[i] >= GET;
        }
        if (holders == 0 || (strangers > 0 && !minted) || atomic_load(&test_this->failures) > 0)
            continue;
        runs += run_all(type, minted, kinds, thin, &rng);
    }
    printf("%s, %s: %u interleavings\n", type->name, minted ? "minted" : "never minted", runs);
    CHECK_GT(runs, 100);
}

TEST(all_interleavings_of_three_on_a_plain_object) {
    all_kinds(&types[0], true);
}
TEST(all_interleavings_of_three_on_a_never_minted_object) {
    all_kinds(&types[0], false);
}
TEST(all_interleavings_of_three_on_an_object_with_finalize) {
    all_kinds(&types[1], true);
}
TEST(all_interleavings_of_three_on_a_never_minted_object_with_finalize) {
    all_kinds(&types[1], false);
}
TEST(all_interleavings_of_three_on_an_object_that_is_resurrected) {
    all_kinds(&types[2], true);
}
TEST(all_interleavings_of_three_on_a_never_minted_object_that_is_resurrected) {
    all_kinds(&types[2], false);
}

#endif
