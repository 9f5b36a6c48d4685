/* SPDX-License-Identifier: MIT */
/* Calls on caches. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"

enum { KEYS = 5, LONG_KEY = 200 };
static const char long_key[LONG_KEY] = "long"; /* in memory of the entry's own, which its end gives back */

/* A key, in bytes of different lengths, one of them 0. */
static size_t key_length(unsigned key) {
    return key == KEYS - 1 ? LONG_KEY : key;
}

static struct thing *pick_cache(void) {
    static const enum container caches[] = {CACHE, LIMITED, WEIGHED};
    return container(caches[take_below(3)]);
}

size_t weigh(const void *obj) {
    for (unsigned i = thing_count; i-- > 0;)
        if (things[i].real == obj && !things[i].ended)
            return weight_of(&things[i]);
    fail("what is weighed is no object");
}

static void found(struct thing *thing) {
    if (thing != NULL)
        thing->held++;
}

static void *real_of(const struct thing *thing) {
    return thing != NULL ? thing->real : NULL;
}

/* What a look-up gives, with a reference, and what it lets go of. */
static struct thing *look_up(struct thing *cache, unsigned key, struct let_go *let_go) {
    struct thing *node = node_of_key(cache, key);
    if (!node_gets(node))
        return NULL;
    node->referent->count++;
    if (cache->most > 0)
        node_use(node, let_go);
    return node->referent;
}

void call_cache_get(void) {
    settle();
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    if (cache == NULL)
        return;
    begin_call(false, "wr_cache_get(#%u, key %u)", cache->number, key);
    struct let_go let_go = {.count = 0};
    struct thing *thing = look_up(cache, key, &let_go);
    let_go_of(&let_go);
    EXPECT(wr_cache_get(cache->real, long_key, key_length(key)), real_of(thing));
    found(thing);
    end_call();
}

/* Put an object, which makes weak references, under a key; with `winner`, unless one is there. Returns false: there
 * are too many things. */
static bool put(struct thing *cache, unsigned key, struct thing *thing, struct thing **winner,
                struct let_go *let_go) {
    struct thing *node = node_make(cache, thing, key);
    if (node == NULL)
        return false;
    node->registered = key == KEYS - 1;
    struct thing *old = node_of_key(cache, key);
    if (winner != NULL && node_gets(old)) {
        node_let_go(node, let_go);
        *winner = look_up(cache, key, let_go);
        return true;
    }
    if (old != NULL) {
        node_out(old);
        node_let_go(old, let_go);
    }
    node_in(node);
    if (cache->most > 0)
        node_use(node, let_go);
    return true;
}

/* What putting comes to, before the call. */
static int put_or_refuse(struct thing *cache, unsigned key, struct thing *thing, struct thing **winner,
                         struct let_go *let_go) {
    int refused = thing_refusal(thing);
    if (refused == ESTALE && key == KEYS - 1)
        oracle_wait_annex(); /* an entry, made in vain, and its key */
    if (refused == 0 && !put(cache, key, thing, winner, let_go))
        fail("too many things");
    return refused;
}

/* Is there room for what a call makes? */
static bool room(void) {
    return thing_count < MAX_THINGS;
}

void call_cache_put(void) {
    settle();
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (cache == NULL || thing == NULL || !room())
        return;
    begin_call(false, "wr_cache_put(#%u, key %u, #%u)", cache->number, key, thing->number);
    pin(thing);
    struct let_go let_go = {.count = 0};
    int refused = put_or_refuse(cache, key, thing, NULL, &let_go);
    let_go_of(&let_go);
    EXPECT(wr_cache_put(cache->real, long_key, key_length(key), thing->real), -refused);
    unpin(thing);
    end_call();
}

void call_cache_set_default(void) {
    settle();
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF)), *winner = NULL;
    if (cache == NULL || thing == NULL || !room())
        return;
    begin_call(false, "wr_cache_set_default(#%u, key %u, #%u)", cache->number, key, thing->number);
    pin(thing);
    struct let_go let_go = {.count = 0};
    int refused = put_or_refuse(cache, key, thing, &winner, &let_go);
    let_go_of(&let_go);
    const void *given = wr_cache_set_default(cache->real, long_key, key_length(key), thing->real);
    EXPECT(given == NULL ? errno : 0, refused);
    if (refused == 0 && winner == NULL) {
        winner = thing;
        thing->count++;
    }
    EXPECT(given, real_of(winner));
    found(winner);
    unpin(thing);
    end_call();
}

static void take_out(struct thing *cache, unsigned key, bool pop) {
    settle();
    begin_call(false, "wr_cache_%s(#%u, key %u)", pop ? "pop" : "remove", cache->number, key);
    struct thing *node = node_of_key(cache, key), *thing = node_gets(node) ? node->referent : NULL;
    struct let_go let_go = {.count = 0};
    if (thing != NULL) {
        thing->count++;
        node_out(node);
        node_let_go(node, &let_go);
        if (!pop)
            let_go.list[let_go.count++] = thing;
    }
    let_go_of(&let_go);
    if (pop) {
        EXPECT(wr_cache_pop(cache->real, long_key, key_length(key)), real_of(thing));
        found(thing);
    } else {
        EXPECT(wr_cache_remove(cache->real, long_key, key_length(key)), thing != NULL ? 0 : -ENOENT);
    }
    end_call();
}

void call_cache_take(void) {
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    bool pop = take_below(2);
    if (cache != NULL)
        take_out(cache, key, pop);
}

void empty_cache(struct thing *cache) {
    for (unsigned key = 0; key < KEYS; key++)
        take_out(cache, key, false);
}

/* Nothing dies of it: the caller gets a reference to the object. */
void call_cache_popitem(void) {
    settle();
    struct thing *cache = pick_cache();
    if (cache == NULL)
        return;
    for (unsigned i = 0; i < cache->node_count; i++)
        if (cache->nodes[i]->registered)
            return; /* it is not said whether this one goes, whose end waits for its turn */
    begin_call(false, "wr_cache_popitem(#%u)", cache->number);
    char key[KEYS];
    size_t length = KEYS;
    bool any = live_nodes(cache, true) > 0;
    const void *given = wr_cache_popitem(cache->real, key, sizeof key, &length);
    EXPECT(given != NULL, any);
    if (any) {
        struct thing *node = node_of_key(cache, (unsigned)length);
        EXPECT(node_gets(node), true);
        EXPECT(given, node->referent->real);
        EXPECT(memcmp(key, long_key, length), 0);
        node->referent->count++;
        found(node->referent);
        node_out(node);
        struct let_go let_go = {.count = 0};
        node_let_go(node, &let_go);
        let_go_of(&let_go);
    }
    end_call();
}

static int visit_entry(const void *key, size_t length, void *obj, void *arg) {
    const struct thing *cache = ((struct thing **)arg)[0];
    const struct thing *node = node_of_key(cache, length == LONG_KEY ? KEYS - 1 : (unsigned)length);
    EXPECT(node_gets(node), true);
    EXPECT(obj, node->referent->real);
    EXPECT(memcmp(key, long_key, length), 0);
    return 0;
}

void call_cache_look(void) {
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    if (cache == NULL)
        return;
    const struct thing *node = node_of_key(cache, key);
    bool there = node != NULL && !value_dead(node->referent, node->referent_epoch);
    begin_call(false, "wr_cache_contains(#%u, key %u), _len(), _foreach()", cache->number, key);
    EXPECT(wr_cache_contains(cache->real, long_key, key_length(key)), there);
    EXPECT(wr_cache_len(cache->real), live_nodes(cache, false));
    EXPECT(wr_cache_foreach(cache->real, visit_entry, &cache), 0);
    end_call();
}

/* ---- one from another ---- */

/* Put what can be had of one cache into another, the order of which does not show. */
static void put_all(struct thing *to, const struct thing *from, struct let_go *let_go) {
    for (unsigned i = 0; i < from->node_count; i++)
        if (node_gets(from->nodes[i]) &&
            !put(to, from->nodes[i]->key, from->nodes[i]->referent, NULL, let_go))
            fail("too many things");
}

/* Is all of `from` put into a cache with the limits of `to` kept, and the order does not show for that? */
static bool keeps_all(const struct thing *to, const struct thing *from) {
    unsigned live = live_nodes(from, true), weight = 0;
    for (unsigned i = 0; i < from->node_count; i++)
        weight += weight_of(from->nodes[i]->referent);
    return to->most == 0 || live <= 1 ||
           (live <= to->keep && (to->keep_weight == 0 || weight <= to->keep_weight));
}

void call_cache_update(void) {
    settle();
    struct thing *to = pick_cache(), *from = pick_cache();
    if (to == NULL || from == NULL || thing_count + from->node_count > MAX_THINGS ||
        (to->most > 0 && live_nodes(from, true) > 1))
        return;
    begin_call(false, "wr_cache_update(#%u, #%u)", to->number, from->number);
    struct let_go let_go = {.count = 0};
    if (to != from)
        put_all(to, from, &let_go);
    let_go_of(&let_go);
    EXPECT(wr_cache_update(to->real, from->real), 0);
    end_call();
}

/* The copy is looked at and freed at once. */
void call_cache_copy(void) {
    static const struct traits copy_traits = {"copy", .no_weakref = true};
    settle();
    struct thing *from = pick_cache();
    if (from == NULL || thing_count + from->node_count >= MAX_THINGS || !keeps_all(from, from))
        return;
    struct thing *copy = thing_new(CONTAINER, &copy_traits);
    begin_call(false, "wr_cache_free(#%u = wr_cache_copy(#%u))", copy->number, from->number);
    struct let_go let_go = {.count = 0};
    copy->held = 0;
    copy->most = from->most;
    copy->keep = from->keep;
    copy->keep_weight = from->keep_weight;
    put_all(copy, from, &let_go);
    wr_cache *real = wr_cache_copy(from->real);
    EXPECT(wr_cache_len(real), copy->node_count);
    EXPECT(wr_cache_foreach(real, visit_entry, &copy), 0);
    for (unsigned i = 0; i < copy->node_count; i++)
        EXPECT(wr_refcount(copy->nodes[i]->referent->real), copy->nodes[i]->referent->count);
    while (copy->node_count > 0) {
        struct thing *node = copy->nodes[0];
        node_out(node);
        node_let_go(node, &let_go);
    }
    let_go_of(&let_go);
    wr_cache_free(real);
    copy->alive = false;
    copy->ended = true;
    end_call();
}

/* ---- one maker at a time ---- */

struct order {
    struct thing *cache;
    unsigned key;
    struct thing *given; /* what is to come of it, with a reference */
    int error;
};

static void *makes(const void *bytes, size_t length, void *arg) {
    struct order *order = arg;
    EXPECT(bytes == long_key && length == key_length(order->key), true);
    begin_event(CALLED, order->cache);
    settle();
    struct thing *thing = room() && take_below(4) ? pick(ANY_OF(OBJECT)) : NULL;
    if (thing != NULL && !thing->alive)
        thing = NULL;
    if (thing != NULL)
        thing->count++;
    end_event();
    errno = 0;
    if (thing == NULL)
        return NULL;
    (void)wr_retain(thing->real);
    struct let_go let_go = {.count = 0};
    struct thing *winner = NULL;
    order->error = put_or_refuse(order->cache, order->key, thing, &winner, &let_go);
    order->given = winner;
    if (order->error == 0 && winner == NULL)
        order->given = thing;
    else
        let_go.list[let_go.count++] = thing;
    let_go_of(&let_go);
    return thing->real;
}

void call_cache_make(void) {
    settle();
    struct thing *cache = pick_cache();
    unsigned key = take_below(KEYS);
    if (cache == NULL)
        return;
    begin_call(false, "wr_cache_get_or_create(#%u, key %u)", cache->number, key);
    struct order order = {.cache = cache, .key = key};
    struct let_go let_go = {.count = 0};
    bool making = cache->making >> key & 1;
    order.given = look_up(cache, key, &let_go);
    let_go_of(&let_go);
    bool make = order.given == NULL && !making;
    if (order.given == NULL && making)
        order.error = EDEADLK;
    if (make) {
        cache->making |= 1u << key;
        oracle_push_called(cache);
    }
    errno = 0;
    const void *given = wr_cache_get_or_create(cache->real, long_key, key_length(key), makes, &order);
    EXPECT(given == NULL ? errno : 0, order.error);
    EXPECT(given, real_of(order.given));
    found(order.given);
    if (make)
        cache->making &= ~(1u << key);
    end_call();
}
