/* SPDX-License-Identifier: MIT */
/* The object protocol: on objects, and by proxies on what they stand for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

/* The object that an operation acts on; NULL: a dead proxy. */
static struct thing *resolved(struct thing *thing) {
    if (thing->kind != REF || !thing->proxy)
        return thing;
    return value_gets(thing->referent, thing->referent_epoch) ? thing->referent : NULL;
}

/* What is hashed: of a weakref its referent, for ever when it was once. */
static struct thing *hashed(struct thing *thing) {
    if (thing->kind != REF)
        return thing;
    return thing->hash_kept || value_gets(thing->referent, thing->referent_epoch) ? thing->referent : NULL;
}

void call_hash(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (thing == NULL)
        return;
    struct thing *of = thing->kind == REF && thing->proxy ? NULL : hashed(thing);
    int expected = of != NULL ? 0 : thing->proxy ? -ENOTSUP : -ESTALE;
    begin_call(false, "wr_hash(#%u): %d", thing->number, expected);
    uint64_t hash = 0;
    EXPECT(wr_hash(thing->real, &hash), expected);
    if (of != NULL && of->traits->by_value)
        EXPECT(hash, equality_class(of));
    else if (of != NULL && of->hash_known)
        EXPECT(hash, of->hash);
    if (of != NULL) {
        of->hash = hash;
        of->hash_known = thing->hash_kept = true;
    }
    end_call();
}

void call_equal(void) {
    struct thing *a = pick(ANY_OF(OBJECT) | ANY_OF(REF)), *b = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (a == NULL || b == NULL || !a->alive || !b->alive)
        return;
    const struct thing *x = resolved(a), *y = resolved(b);
    int expected = -ESTALE;
    if (x != NULL && y != NULL) {
        expected = x == y;
        if (x->kind == REF && y->kind == REF && value_gets(x->referent, x->referent_epoch) &&
            value_gets(y->referent, y->referent_epoch))
            expected = x == y || things_equal(x->referent, y->referent);
        else if (x->kind == OBJECT && y->kind == OBJECT)
            expected = things_equal(x, y);
    }
    begin_call(false, "wr_equal(#%u, #%u): %d", a->number, b->number, expected);
    EXPECT(wr_equal(a->real, b->real), expected);
    end_call();
}

void call_describe(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    size_t room = take_below(80);
    if (thing == NULL)
        return;
    char expected[200], text[80] = "";
    const char *kind = thing->proxy ? "weakproxy" : "weakref";
    if (thing->kind == OBJECT)
        (void)snprintf(expected, sizeof expected, "<%s at %p>", thing->traits->name, thing->real);
    else if (value_gets(thing->referent, thing->referent_epoch))
        (void)snprintf(expected, sizeof expected, "<%s at %p; to '%s' at %p>", kind, thing->real,
                       thing->referent->traits->name, thing->referent->real);
    else
        (void)snprintf(expected, sizeof expected, "<%s at %p; dead>", kind, thing->real);
    begin_call(false, "wr_describe(#%u, %zu): %s", thing->number, room, expected);
    EXPECT(wr_describe(thing->real, text, room), strlen(expected));
    EXPECT(strncmp(text, expected, room > 0 ? room - 1 : 0), 0);
    EXPECT(strlen(text) < (room > 0 ? room : 1), true);
    end_call();
}

static int called(void *self, void *arg) {
    struct thing **thing = arg;
    EXPECT(self, thing[0]->real);
    begin_event(CALLED, thing[0]);
    end_event();
    return 7;
}

void call_proxy_call(void) {
    struct thing *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    if (thing == NULL || !thing->alive)
        return;
    struct thing *self = thing->kind == REF && thing->proxy ? thing->referent : thing;
    bool stale = self != thing && !value_gets(self, thing->referent_epoch);
    begin_call(false, "wr_call(#%u)%s", thing->number, stale ? ": -ESTALE" : "");
    pin(thing);
    if (!stale)
        oracle_push_called(self);
    int result = 0;
    EXPECT(wr_call(thing->real, called, &self, &result), stale ? -ESTALE : 0);
    EXPECT(result, stale ? 0 : 7);
    unpin(thing);
    end_call();
}
