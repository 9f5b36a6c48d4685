/* SPDX-License-Identifier: MIT */
/*
 * Weak sets and their algebra while members come, go and die. Two sets by identity are everybody's, and each worker has
 * some items of its own, which it alone puts in, takes out, kills and lets go: so it knows of each whether it is in a
 * set, whatever the others do at that moment, and each answer and each set made of the two must agree. A third set, by
 * value, is one that all add to, take from and clear.
 */
#include <errno.h>

#include "item.h"

#define OWN 8u
#define VALUES 16u /* different ones in the set by value */

struct own {
    struct valued_item *member;
    bool in[2]; /* one of the two sets */
};

typedef wr_weakset *algebra(wr_weakset *a, wr_weakset *b);
typedef int change(wr_weakset *set, wr_weakset *other);

static struct {
    wr_weakset *sets[2];
    wr_weakset *by_value;
} shared;

static const wr_type member_type = {.abi = WR_TYPE_ABI,
                                    .name = "member",
                                    .size = sizeof(struct valued_item),
                                    .destroy = item_destroy,
                                    .equal = valued_item_equal,
                                    .hash = valued_item_hash};

static void expect(const struct own *own, int got, int wanted, const char *what) {
    if (got != wanted)
        violation_of(trail_about(own->member),
                     "%s gave %d, not %d, for an object that its owner alone changes", what, got, wanted);
}

static void come_or_go(struct worker *worker, struct own *own) {
    unsigned which = random_below(worker, 2);
    wr_weakset *set = shared.sets[which];
    int was = own->in[which];
    switch (random_below(worker, 4)) {
    case 0:
        expect(own, wr_weakset_discard(set, own->member), was, "wr_weakset_discard");
        own->in[which] = false;
        break;
    case 1:
        expect(own, wr_weakset_remove(set, own->member), was ? 0 : -ENOENT, "wr_weakset_remove");
        own->in[which] = false;
        break;
    default:
        expect(own, wr_weakset_add(set, own->member), !was, "wr_weakset_add");
        own->in[which] = true;
    }
    expect(own, wr_weakset_contains(set, own->member), own->in[which], "wr_weakset_contains");
}

static void die(struct worker *worker, struct own *own) {
    if (random_below(worker, 2) == 0) {
        (void)wr_kill(own->member);
        expect(own, wr_weakset_add(shared.sets[0], own->member), -ESTALE, "wr_weakset_add after a kill");
        expect(own, wr_weakset_contains(shared.sets[0], own->member), false,
               "wr_weakset_contains after a kill");
    }
    wr_release(own->member);
    *own = (struct own){NULL};
}

/* In what order they are: either, both, the first alone, one alone. */
static bool predicted(const struct own *own, unsigned way) {
    const bool of[] = {own->in[0] || own->in[1], own->in[0] && own->in[1], own->in[0] && !own->in[1],
                       own->in[0] != own->in[1]};
    return of[way];
}

/* Make a set of the two: new, or by changing a copy of the first. */
static void combine(struct worker *worker, const struct own *all) {
    static algebra *const make[] = {wr_weakset_union, wr_weakset_intersection, wr_weakset_difference,
                                    wr_weakset_symmetric_difference};
    static change *const alter[] = {wr_weakset_update, wr_weakset_intersection_update,
                                    wr_weakset_difference_update, wr_weakset_symmetric_difference_update};
    unsigned way = random_below(worker, 4);
    bool anew = random_below(worker, 2) == 0;
    wr_weakset *made = anew ? make[way](shared.sets[0], shared.sets[1]) : wr_weakset_copy(shared.sets[0]);
    bool all_of_it = made != NULL && (anew || alter[way](made, shared.sets[1]) == 0);
    if (!all_of_it && !perturb_is_on(PERTURB_MEMORY))
        violation("a set was not made of two");
    for (unsigned i = 0; all_of_it && i < OWN; i++)
        if (all[i].member != NULL)
            expect(&all[i], wr_weakset_contains(made, all[i].member), predicted(&all[i], way),
                   "wr_weakset_contains on a set made of two");
    wr_weakset_free(made);
    worker_count(worker, 0, all_of_it);
}

/* What is said of both must not be so where one item of the worker's own shows the contrary. */
static void compare(const struct own *all) {
    int within = wr_weakset_is_subset(shared.sets[0], shared.sets[1]);
    int around = wr_weakset_is_superset(shared.sets[0], shared.sets[1]);
    int disjoint = wr_weakset_is_disjoint(shared.sets[0], shared.sets[1]);
    int equal = wr_weakset_equal(shared.sets[0], shared.sets[1]);
    for (unsigned i = 0; i < OWN; i++) {
        if (all[i].in[0] && !all[i].in[1])
            expect(&all[i], within | equal, 0, "is_subset or equal");
        if (!all[i].in[0] && all[i].in[1])
            expect(&all[i], around | equal, 0, "is_superset or equal");
        if (all[i].in[0] && all[i].in[1])
            expect(&all[i], disjoint, 0, "is_disjoint");
    }
}

struct walk {
    const struct own *all;
    unsigned met[OWN];
};

static int visit(void *object, void *arg) {
    struct walk *walk = arg;
    item_check(object, wr_weak_from_u64(0));
    perturb_holding();
    for (unsigned i = 0; i < OWN; i++)
        walk->met[i] += walk->all[i].member == object;
    return 0;
}

static void walk(const struct own *all, unsigned which) {
    struct walk walk = {.all = all};
    size_t least = 0;
    (void)wr_weakset_foreach(shared.sets[which], visit, &walk);
    for (unsigned i = 0; i < OWN; i++)
        if (all[i].member != NULL) {
            expect(&all[i], (int)walk.met[i], all[i].in[which], "a walk");
            least += all[i].in[which];
        }
    if (wr_weakset_len(shared.sets[which]) < least)
        violation("a set counts less than what one worker has in it");
}

static void use_by_value(struct worker *worker) {
    struct valued_item *member = item_new(worker, &member_type, 0), *other;
    member->value = random_below(worker, VALUES);
    if (wr_weakset_add(shared.by_value, member) < 0)
        violation("add failed");
    if (random_below(worker, 4) == 0 && (other = wr_weakset_pop(shared.by_value)) != NULL) {
        item_check(&other->item, wr_weak_from_u64(0));
        item_mark(worker, &other->item);
        worker_count(worker, 1, 1);
        wr_release(other);
    }
    if (random_below(worker, 64) == 0)
        wr_weakset_clear(shared.by_value);
    wr_release(member);
}

static void work(struct worker *worker) {
    struct own all[OWN] = {{NULL}};
    while (worker_goes_on(worker)) {
        struct own *own = &all[random_below(worker, OWN)];
        if (own->member == NULL) {
            own->member = item_new(worker, &member_type, 0);
            (void)item_weak(&own->member->item);
        }
        come_or_go(worker, own);
        if (random_below(worker, 8) == 0)
            die(worker, own);
        use_by_value(worker);
        switch (random_below(worker, 32)) {
        case 0:
            combine(worker, all);
            break;
        case 1:
            compare(all);
            break;
        case 2:
            walk(all, random_below(worker, 2));
            break;
        default:
            break;
        }
    }
    for (unsigned i = 0; i < OWN; i++)
        wr_release(all[i].member);
}

static void begin(struct run *run) {
    wr_weakset_options options = WR_WEAKSET_OPTIONS_INIT;
    (void)run;
    options.shards = 1;
    shared.sets[0] = wr_weakset_new();
    shared.sets[1] = wr_weakset_new_ex(&options);
    options.flags = WR_BY_VALUE;
    shared.by_value = wr_weakset_new_ex(&options);
    if (shared.sets[0] == NULL || shared.sets[1] == NULL || shared.by_value == NULL)
        violation("no memory");
}

static void end(struct run *run) {
    (void)run;
    if (wr_weakset_len(shared.sets[0]) + wr_weakset_len(shared.sets[1]) + wr_weakset_len(shared.by_value) !=
        0)
        violation("members are left, and no object");
    wr_weakset_free(shared.sets[0]);
    wr_weakset_free(shared.sets[1]);
    wr_weakset_free(shared.by_value);
}

SCENARIO(.hunts = "weak sets and their algebra, while members come, go and die",
         .takes = TAKES(entry_removed, entry_passed, entry_back, entry_late, found_by_value, cut_won),
         .counted = {"sets made of two", "popped"}, .mixes = true, .begin = begin, .work = work, .end = end)
