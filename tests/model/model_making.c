/* SPDX-License-Identifier: MIT */
/* get_or_create: one maker at a time for a key, against others, deaths, puts, failures, and itself (S48). */
#include "things.h"

#include <errno.h>

static wr_cache *cache;
static struct thing *a, *kept[MODEL_THREADS];
static unsigned runs, failures;
static int errors[MODEL_THREADS];
static uint32_t seen, maker_wrote;

static const uintptr_t key_a = 1, key_b = 2, key_c = 3;

static void make_cache(void) {
    wr_cache_options o = WR_CACHE_OPTIONS_INIT;
    o.flags = WR_KEY_WORDS;
    o.shards = 1;
    cache = wr_cache_new_ex(&o);
    model_check(cache != NULL);
}

#define MADE 10u /* the number of the first that is made */

static void *maker(const void *key, size_t len, void *arg) {
    (void)key, (void)arg;
    model_check(len == 0);
    return thing_new(MADE + runs++);
}

/* Use what is held, whichever it is. Returns its number. */
static uint32_t use(struct thing *thing) {
    model_check(thing != NULL);
    uint32_t number = model_read(&thing->number);
    thing_use(thing, number);
    return number;
}

static struct thing *get_or_create(uintptr_t key, wr_make make) {
    errno = 0;
    struct thing *thing = wr_cache_get_or_create(cache, (const void *)key, 0, make, NULL);
    errors[model_thread()] = errno;
    return thing;
}

static struct thing *get(uintptr_t key) {
    return wr_cache_get(cache, (const void *)key, 0);
}

/* All is dead: no entry is left in the cache, and none of the memory of entries. */
static void end(void) {
    things_all_dead();
    model_check(get(key_a) == NULL && get(key_b) == NULL && wr_cache_len(cache) == 0);
    model_check(model_objects_alive() == 0); /* before a free of the cache would see to it */
    wr_cache_free(cache);
}

/* ---- two callers ---- */

static void caller(void) {
    kept[model_thread()] = get_or_create(key_a, maker);
    (void)use(kept[model_thread()]);
}

static void caller_drops(void) {
    caller();
    wr_release(kept[model_thread()]);
}

static void say_same(void) {
    model_check(kept[0] == kept[1] && get(key_a) == kept[0]);
    for (int i = 0; i < 3; i++) /* with the one just got */
        wr_release(kept[0]);
    end();
    model_outcome("%u", runs);
}

static void say_runs(void) {
    end();
    model_outcome("%u", runs);
}

MODEL(making_two, .what = "two want what is not there: one makes it, both have it", .setup = make_cache,
      .threads = {caller, caller}, .check = say_same, .outcomes = "1", .quick = {4, 2}, .deep = {6, 3});
MODEL(making_two_drop, .what = "and let go of it: who comes after its death makes another",
      .setup = make_cache, .threads = {caller_drops, caller_drops}, .check = say_runs, .outcomes = "1 2",
      .quick = {4, 2}, .deep = {6, 3});
MODEL(making_three, .what = "three want it: two wait for one", .setup = make_cache,
      .threads = {caller_drops, caller_drops, caller_drops}, .check = say_runs, .outcomes = "1 2 3",
      .quick = {1, 1}, .deep = {3, 1});

/* ---- against the death of what was there ---- */

static void make_cached(void) {
    make_cache();
    a = thing_new(1);
    model_check(wr_cache_put(cache, (const void *)key_a, 0, a) == 0);
}

static void owner(void) {
    thing_use(a, 1);
    wr_release(a);
}

MODEL(making_death, .what = "a caller against the death of what is there: that, or a new one",
      .setup = make_cached, .threads = {owner, caller_drops}, .check = say_runs, .outcomes = "0 1",
      .quick = {UNBOUNDED, UNBOUNDED});
MODEL(making_death_two, .what = "the same with two callers", .setup = make_cached,
      .threads = {owner, caller_drops, caller_drops}, .check = say_runs, .outcomes = "0 1 2", .quick = {2, 1},
      .deep = {3, 2});

/* ---- a maker that fails ---- */

static void *maker_fails_once(const void *key, size_t len, void *arg) {
    if (runs != 0)
        return maker(key, len, arg);
    runs++;
    errno = EHOSTUNREACH;
    return NULL;
}

static void caller_of_failing(void) {
    struct thing *thing = get_or_create(key_a, maker_fails_once);
    if (thing == NULL) {
        failures++;
        model_check(errors[model_thread()] == EHOSTUNREACH);
        return;
    }
    (void)use(thing);
    wr_release(thing);
}

static void say_failed(void) {
    model_check(failures == 1 && runs == 2);
    end();
    model_outcome("%s", errors[0] != 0 ? "first" : "second");
}

MODEL(making_fails, .what = "a maker fails: its caller is told, the other makes it itself",
      .setup = make_cache, .threads = {caller_of_failing, caller_of_failing}, .check = say_failed,
      .outcomes = "first second", .quick = {4, 2}, .deep = {6, 3});

/* ---- against a put ---- */

static void make_with_a(void) {
    make_cache();
    a = thing_new(2);
}

static void putter(void) {
    model_check(wr_cache_put(cache, (const void *)key_a, 0, a) == 0);
}

/* What was there before the making ended wins over what was made; a put that came later takes its place. */
static void caller_sees(void) {
    struct thing *thing = get_or_create(key_a, maker);
    seen = use(thing);
    struct thing *there = get(key_a);
    model_check(there != NULL && (there == thing || seen == MADE));
    wr_release(there);
    wr_release(thing);
}

static void say_seen(void) {
    struct thing *there = get(key_a);
    model_check(there == a);
    wr_release(there);
    wr_release(a);
    end();
    model_outcome("%u%s", runs, seen == MADE ? "made" : "put");
}

MODEL(making_put,
      .what = "a put against a making: it comes first, or wins, or takes the place of what was made",
      .setup = make_with_a, .threads = {caller_sees, putter}, .check = say_seen,
      .outcomes = "0put 1put 1made", .quick = {UNBOUNDED, UNBOUNDED});

static void putter_drops(void) {
    putter();
    wr_release(a);
}

static void caller_uses(void) {
    struct thing *thing = get_or_create(key_a, maker);
    seen = use(thing);
    wr_release(thing);
}

static void say_seen_last(void) {
    end();
    model_outcome("%u%s", runs, seen == MADE ? "made" : "put");
}

MODEL(making_put_dies, .what = "a put of what dies at once against a making: the dead does not win",
      .setup = make_with_a, .threads = {caller_uses, putter_drops}, .check = say_seen_last,
      .outcomes = "0put 1put 1made", .quick = {3, 2}, .deep = {UNBOUNDED, UNBOUNDED});

/* ---- what was made is taken out again ---- */

static void remover(void) {
    int result = wr_cache_remove(cache, (const void *)key_a, 0);
    model_check(result == 0 || result == -ENOENT);
}

MODEL(making_remove, .what = "a remove against two callers: each has one, of one or two", .setup = make_cache,
      .threads = {caller_drops, caller_drops, remover}, .check = say_runs, .outcomes = "1 2", .quick = {2, 1},
      .deep = {3, 2});

/* ---- who waits sees what the maker did ---- */

/* Fails each time. */
static void *maker_sees(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    if (runs++ == 0)
        model_write(&maker_wrote, 1);
    else
        model_check(model_read(&maker_wrote) == 1);
    return NULL;
}

static void caller_for_nothing(void) {
    model_check(get_or_create(key_a, maker_sees) == NULL);
}

MODEL(making_order, .what = "who makes after another that failed sees what that one did", .setup = make_cache,
      .threads = {caller_for_nothing, caller_for_nothing}, .check = say_runs, .outcomes = "2",
      .quick = {4, 2}, .deep = {6, 3});

/* ---- circles ---- */

/* a is made of b, and b and c of a. */
static void *maker_of_other(const void *key, size_t len, void *arg) {
    struct thing *other = get_or_create((uintptr_t)key == key_a ? key_b : key_a, maker);
    if (other == NULL) {
        failures++;
        model_check(errors[model_thread()] == EDEADLK);
    }
    wr_release(other);
    return maker(key, len, arg);
}

static void caller_of_circle(void) {
    struct thing *thing = get_or_create(model_thread() == 0 ? key_a : key_b, maker_of_other);
    (void)use(thing);
    wr_release(thing);
}

static void say_circle(void) {
    model_check(failures <= 1);
    end();
    model_outcome("%s", failures == 1 ? "refused" : "apart");
}

MODEL(making_circle,
      .what = "two that make each of the other's: one of them is refused, none sleeps for ever",
      .setup = make_cache, .threads = {caller_of_circle, caller_of_circle}, .check = say_circle,
      .outcomes = "refused apart", .quick = {2, 1}, .deep = {4, 1});

static void caller_of_a(void) {
    struct thing *thing = get_or_create(key_a, maker_of_other);
    (void)use(thing);
    wr_release(thing);
}

/* Both makings have the same memory: from one place, at one depth of the stack. */
static void caller_of_b_then_c(void) {
    for (uintptr_t key = key_b; key <= key_c; key++) {
        struct thing *thing = get_or_create(key, key == key_b ? maker : maker_of_other);
        (void)use(thing);
        wr_release(thing);
    }
}

static void say_no_circle(void) {
    model_check(failures == 0);
    end();
    model_outcome("%u", runs);
}

MODEL(making_no_circle,
      .what = "who was waited for makes again, and waits in turn for who waited: that is no circle",
      .setup = make_cache, .threads = {caller_of_a, caller_of_b_then_c}, .check = say_no_circle,
      .outcomes = "3 4 5", .quick = {2, 1}, .deep = {4, 1});
