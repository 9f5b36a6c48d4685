/* SPDX-License-Identifier: MIT */
/* Entries of caches against the ends of their objects: a death takes out its own entry or none (S47). */
#include "things.h"

#include <errno.h>

#include "hash.h"

static wr_cache *cache;
static struct thing *a, *b;
static int result;
static uint32_t before, after;

#define KEY (const void *)(uintptr_t)1, 0
#define OTHER_KEY (const void *)(uintptr_t)2, 0

static int put(struct thing *thing) {
    return wr_cache_put(cache, KEY, thing);
}

/* Give back what a look-up gave. Returns its number; 0: it gave none. */
static uint32_t number_of(struct thing *thing) {
    if (thing == NULL)
        return 0;
    uint32_t number = model_read(&thing->number);
    thing_use(thing, number);
    wr_release(thing);
    return number;
}

static uint32_t look(void) {
    return number_of(wr_cache_get(cache, KEY));
}

static void make_with(const wr_cache_options *others) {
    wr_cache_options o = *others;
    o.flags = WR_KEY_WORDS;
    o.shards = 1;
    cache = wr_cache_new_ex(&o);
    model_check(cache != NULL);
    a = thing_new(1);
    b = thing_new(2);
}

static void make_empty(void) {
    make_with(&(wr_cache_options)WR_CACHE_OPTIONS_INIT);
}

static void make_cached(void) {
    make_empty();
    model_check(put(a) == 0);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

/* All is dead: no entry is left in the cache, and none of the memory of entries. */
static void end(void) {
    things_all_dead();
    if (cache != NULL)
        model_check(look() == 0 && wr_cache_len(cache) == 0);
    model_check(model_objects_alive() == 0); /* before a free of the cache would see to it */
    wr_cache_free(cache);
}

/* What is cached in the end is `number`. Then its holder lets go of it. */
static void end_with(uint32_t number, struct thing *thing) {
    model_check(look() == number && wr_cache_len(cache) == (number != 0));
    wr_release(thing);
    end();
}

/* ---- a death against what others do to its key ---- */

static void putter(void) {
    before = look();
    model_check(put(b) == 0);
    model_check(look() == 2);
}

static void getter_once(void) {
    before = look();
}

static void say_before(void) {
    end_with(2, b);
    model_outcome("%u", before);
}

static void getter(void) {
    before = look();
    after = look();
    model_check(before != 2 || after == 2); /* never the old one again, nor one that was dead */
    model_check(before != 0 || after != 1);
}

static void say_looks(void) {
    end_with(0, b);
    model_outcome("%u%u", before, after);
}

static void remover(void) {
    result = wr_cache_remove(cache, KEY);
    model_check(look() == 0);
}

static void popper_of_any(void) {
    uintptr_t key = 0;
    size_t len;
    result = number_of(wr_cache_popitem(cache, &key, sizeof key, &len)) == 1 ? 0 : -ENOENT;
    model_check(key == (result == 0));
}

static void say_removed(void) {
    model_check(result == 0 || result == -ENOENT);
    end_with(0, b);
    model_outcome("%s", result == 0 ? "removed" : "none");
}

static void remover_puts(void) {
    remover();
    model_check(put(b) == 0);
}

static void say_removed_and_put(void) {
    model_check(result == 0 || result == -ENOENT);
    end_with(2, b);
    model_outcome("%s", result == 0 ? "removed" : "none");
}

static void clearer(void) {
    before = look();
    wr_cache_clear(cache);
    model_check(look() == 0);
    model_check(put(b) == 0);
}

static void setter(void) {
    struct thing *there = wr_cache_set_default(cache, KEY, b);
    model_check(there != NULL);
    before = number_of(there);
}

static void say_set(void) {
    end_with(before == 2 ? 2 : 0, b);
    model_outcome("%u", before);
}

MODEL(cache_death_put, .what = "a death against a put of another object for its key: that one stays",
      .setup = make_cached, .threads = {owner, putter}, .check = say_before, .outcomes = "0 1",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_get, .what = "a death against two gets: alive, then dead for ever", .setup = make_cached,
      .threads = {owner, getter}, .check = say_looks, .outcomes = "00 10 11",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_remove, .what = "a death against a remove", .setup = make_cached,
      .threads = {owner, remover}, .check = say_removed, .outcomes = "removed none",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_popitem, .what = "a death against a pop of whatever there is", .setup = make_cached,
      .threads = {owner, popper_of_any}, .check = say_removed, .outcomes = "removed none",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_remove_put, .what = "a death against a remove, and a put after it", .setup = make_cached,
      .threads = {owner, remover_puts}, .check = say_removed_and_put, .outcomes = "removed none",
      .quick = {5, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_clear, .what = "a death against a clear of the cache, and a put after it",
      .setup = make_cached, .threads = {owner, clearer}, .check = say_before, .outcomes = "0 1",
      .quick = {5, 3}, .deep = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_set_default, .what = "a death against a set_default: the one that is alive is cached",
      .setup = make_cached, .threads = {owner, setter}, .check = say_set, .outcomes = "1 2",
      .quick = {UNBOUNDED, UNBOUNDED});

/* ---- more than two ---- */

static void putter_alone(void) {
    model_check(put(b) == 0);
}

static void say_put_looks(void) {
    end_with(2, b);
    model_outcome("%u%u", before, after);
}

static void say_put_removed(void) {
    uint32_t there = look();
    model_check(there == (result == 2 ? 0 : 2));
    end_with(there, b);
    model_outcome("%d", result);
}

static void popper_of_either(void) {
    result = (int)number_of(wr_cache_pop(cache, KEY));
}

MODEL(cache_death_put_get, .what = "a death, a put, and two gets: the old, none, the new",
      .setup = make_cached, .threads = {owner, putter_alone, getter}, .check = say_put_looks,
      .outcomes = "00 02 10 11 12 22", .quick = {2, 1}, .deep = {4, 2});
MODEL(cache_death_put_pop, .what = "a death, a put, and a pop of the old, none, or the new",
      .setup = make_cached, .threads = {owner, putter_alone, popper_of_either}, .check = say_put_removed,
      .outcomes = "0 1 2", .quick = {2, 1}, .deep = {4, 2});

/* ---- puts against puts, kills, clears, and the end of the cache ---- */

static void putter_of_a(void) {
    result = put(a);
}

static void killer(void) {
    model_check(wr_kill(a) == 1);
    model_check(look() != 1);
}

static void killer_of_weakrefs(void) {
    model_check(wr_weakref_clear(a) == 0);
}

static void say_last(void) {
    uint32_t last = look();
    model_check(result == 0 && last != 0);
    wr_release(a);
    end_with(last == 2 ? 2 : 0, b);
    model_outcome("%u", last);
}

static void make_b_cached(void) {
    make_empty();
    model_check(put(b) == 0);
}

/* Killed before it was in: b stays. After: a took its place, and left it. */
static void say_killed(void) {
    model_check(result == 0 || result == -ESTALE);
    uint32_t there = look();
    model_check(there == (result == 0 ? 0 : 2));
    wr_release(a);
    end_with(there, b);
    model_outcome("%s", result == 0 ? "in" : "stale");
}

static void say_cleared(void) {
    model_check(result == 0);
    uint32_t there = look();
    model_check(there != 2);
    wr_release(b);
    end_with(there == 1 ? 1 : 0, a);
    model_outcome("%u", there);
}

static void freer(void) {
    before = look();
    wr_cache_free(cache);
}

static void say_freed(void) {
    cache = NULL;
    wr_release(b);
    end();
    model_outcome("%u", before);
}

MODEL(cache_put_put, .what = "two puts of one key: one stays, and the other's entry is gone",
      .setup = make_empty, .threads = {putter_of_a, putter_alone}, .check = say_last, .outcomes = "1 2",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_put_kill, .what = "a put of an object against its kill: it is out, or never was in",
      .setup = make_b_cached, .threads = {putter_of_a, killer}, .check = say_killed, .outcomes = "in stale",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_put_clear, .what = "a put of an object against a clear of what refers to it: one came first",
      .setup = make_b_cached, .threads = {putter_of_a, killer_of_weakrefs}, .check = say_cleared,
      .outcomes = "0 1", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(cache_death_free, .what = "a cache is freed while a death is on its way to it", .setup = make_cached,
      .threads = {owner, freer}, .check = say_freed, .outcomes = "0 1", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- look-ups, which take no lock: of an entry, one that gets its slot, a bucket that they share or not ---- */

static uintptr_t second; /* the key of b; that of a is KEY */

static uint64_t itself(const void *key, size_t len, void *arg) {
    (void)len, (void)arg;
    return (uintptr_t)key;
}

/* Tell whether a key goes with KEY when a bucket is split. */
static bool goes_along(uintptr_t key) {
    return ((hash_spread(1) ^ hash_spread(key)) & 1) == 0;
}

/* Choose a second key, `alike` KEY or not in that. */
static void make_two(bool alike) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.hash = itself;
    make_with(&o);
    for (second = 2; goes_along(second) != alike;)
        second++;
}

static int put_at(uintptr_t key, struct thing *thing) {
    return wr_cache_put(cache, (const void *)key, 0, thing);
}

static void make_one_of_two(void) {
    make_two(true);
    model_check(put(a) == 0);
}

static void make_one_of_two_apart(void) {
    make_two(false);
    model_check(put(a) == 0);
}

static void make_both(void) {
    make_one_of_two();
    model_check(put_at(second, b) == 0);
}

static void make_both_apart(void) {
    make_one_of_two_apart();
    model_check(put_at(second, b) == 0);
}

static void changer(void) {
    model_check(wr_cache_remove(cache, KEY) == 0);
    model_check(put_at(second, b) == 0); /* in the slot of that entry */
}

static void putter_of_second(void) {
    model_check(put_at(second, b) == 0);
}

static void remover_of_first(void) {
    model_check(wr_cache_remove(cache, KEY) == 0);
}

static void looker_for_second(void) {
    before = number_of(wr_cache_get(cache, (const void *)second, 0));
}

static void looker_inside(void) {
    before = wr_cache_contains(cache, (const void *)second, 0);
}

static void say_glance(void) {
    wr_release(a);
    wr_release(b);
    end();
    model_outcome("%u", before);
}

/* The key has an object all the time. */
static void replacer(void) {
    model_check(put(b) == 0);
    wr_release(a);
}

static void looker_inside_first(void) {
    before = wr_cache_contains(cache, KEY);
}

MODEL(glance_replaced,
      .what = "a get against a put in place of an object that ends after it: one of the two is found",
      .setup = make_one_of_two, .threads = {replacer, getter_once}, .check = say_before, .outcomes = "1 2",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_replaced_contains, .what = "the same, and a contains", .setup = make_one_of_two,
      .threads = {replacer, looker_inside_first}, .check = say_before, .outcomes = "1",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_reused, .what = "a get against a remove, and another key's entry in the slot of the one removed",
      .setup = make_one_of_two, .threads = {changer, getter_once}, .check = say_glance, .outcomes = "0 1",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_reused_other, .what = "the same, and a get of that other key: all of its entry is seen",
      .setup = make_one_of_two, .threads = {changer, looker_for_second}, .check = say_glance,
      .outcomes = "0 2", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_split, .what = "a get against a put that splits its bucket: what is there is found",
      .setup = make_one_of_two_apart, .threads = {putter_of_second, getter_once}, .check = say_glance,
      .outcomes = "1", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_new, .what = "a get against the put of its own key, which splits the bucket",
      .setup = make_one_of_two_apart, .threads = {putter_of_second, looker_for_second}, .check = say_glance,
      .outcomes = "0 2", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_merge, .what = "a get against a remove after which two buckets are one",
      .setup = make_both_apart, .threads = {remover_of_first, looker_for_second}, .check = say_glance,
      .outcomes = "2", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_more, .what = "a get of what is to get the place of another", .setup = make_both,
      .threads = {remover_of_first, looker_for_second}, .check = say_glance, .outcomes = "2",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_more_first, .what = "a get of what has a place against the put of one who finds none",
      .setup = make_one_of_two, .threads = {putter_of_second, getter_once}, .check = say_glance,
      .outcomes = "1", .quick = {UNBOUNDED, UNBOUNDED});
MODEL(glance_contains, .what = "a contains of what is to get the place of another", .setup = make_both,
      .threads = {remover_of_first, looker_inside}, .check = say_glance, .outcomes = "1",
      .quick = {UNBOUNDED, UNBOUNDED});

/* KEY has the place; third and then second found none. fourth is to split their bucket, and to leave it. */
static uintptr_t third, fourth;

static void make_three(void) {
    model_most = 3;
    make_two(true);
    for (third = second + 1; !goes_along(third);)
        third++;
    for (fourth = third + 1; goes_along(fourth);)
        fourth++;
    model_check(put(a) == 0 && put_at(second, a) == 0 && put_at(third, a) == 0);
}

static void putter_of_fourth(void) {
    model_check(put_at(fourth, b) == 0);
}

MODEL(glance_more_turned,
      .what = "a get of one of two who found no place, against a split that turns them round",
      .setup = make_three, .threads = {putter_of_fourth, looker_for_second}, .check = say_glance,
      .outcomes = "1", .quick = {UNBOUNDED, UNBOUNDED});

/* ---- two keys that have no lock in common: two shards, or as here two caches ---- */

static wr_cache *other_cache;

static void make_two_caches(void) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    o.shards = 1;
    other_cache = wr_cache_new_ex(&o);
    model_check(other_cache != NULL);
    make_empty();
}

static void puts_and_looks_there(void) {
    model_check(wr_cache_put(cache, KEY, b) == 0);
    before = number_of(wr_cache_get(other_cache, KEY));
}

static void puts_there_and_looks(void) {
    model_check(wr_cache_put(other_cache, KEY, a) == 0);
    after = number_of(wr_cache_get(cache, KEY));
}

static void say_both(void) {
    wr_cache_free(other_cache);
    wr_release(a);
    end_with(2, b);
    model_outcome("%u%u", before, after);
}

MODEL(glance_two_caches, .what = "two who put, and look for what the other puts: nothing orders them",
      .setup = make_two_caches, .threads = {puts_and_looks_there, puts_there_and_looks}, .check = say_both,
      .outcomes = "00 02 10 12", .quick = {2, 6}, .deep = {4, 8});

/* ---- what is kept alive ---- */

static void make_keeping(void) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.keep = 1;
    make_with(&o);
    model_check(put(a) == 0);
    wr_release(a); /* the cache alone holds it */
}

static void putter_of_other(void) {
    model_check(wr_cache_put(cache, OTHER_KEY, b) == 0);
    wr_release(b);
}

static void say_kept(void) {
    uint32_t other = number_of(wr_cache_get(cache, OTHER_KEY));
    wr_cache_free(cache);
    cache = NULL;
    end();
    model_outcome("%u%u", before, other);
}

MODEL(cache_keep_get, .what = "a put displaces the only one kept, against a get, which keeps it again",
      .setup = make_keeping, .threads = {putter_of_other, getter_once}, .check = say_kept,
      .outcomes = "02 10 12", .quick = {3, 2}, .deep = {5, 3});
