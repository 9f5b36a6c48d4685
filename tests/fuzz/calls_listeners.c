/* SPDX-License-Identifier: MIT */
/* Calls on listeners. */
#include <errno.h>

#include "fuzz.h"

static void works(void *self, void *event, void *arg) {
    struct thing *thing = arg;
    EXPECT(self, thing->real);
    EXPECT(event, container(LISTENERS));
    begin_event(CALLED, thing);
    settle();
    end_event();
}

static void works_too(void *self, void *event, void *arg) {
    works(self, event, arg);
}

static const wr_method methods[] = {works, works_too};
enum { METHODS = sizeof methods / sizeof *methods };

/* The oldest of an object and method. */
static struct thing *find(const struct thing *listeners, const struct thing *thing, unsigned method) {
    for (unsigned i = 0; i < listeners->node_count; i++) {
        struct thing *node = listeners->nodes[i];
        if (node->referent == thing && node->key == method && node->referent_epoch == thing->epoch &&
            thing->alive && !thing->killed)
            return node;
    }
    return NULL;
}

void call_listeners_add(void) {
    settle();
    struct thing *listeners = container(LISTENERS), *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    unsigned method = take_below(METHODS);
    bool once = take_below(2);
    if (listeners == NULL || thing == NULL || thing_count == MAX_THINGS)
        return;
    int result = -thing_refusal(thing);
    if (result == 0) {
        result = !(once && find(listeners, thing, method) != NULL);
        if (result == 1)
            node_in(node_make(listeners, thing, method));
    }
    begin_call(false, "wr_listeners_add%s(#%u, #%u, %u): %d", once ? "_once" : "", listeners->number,
               thing->number, method, result);
    if (once)
        EXPECT(wr_listeners_add_once(listeners->real, thing->real, methods[method], thing), result);
    else
        EXPECT(wr_listeners_add(listeners->real, thing->real, methods[method], thing),
               result > 0 ? 0 : result);
    end_call();
}

void call_listeners_remove(void) {
    settle();
    struct thing *listeners = container(LISTENERS), *thing = pick(ANY_OF(OBJECT) | ANY_OF(REF));
    unsigned method = take_below(METHODS);
    bool wait = take_below(2);
    if (listeners == NULL || thing == NULL)
        return;
    struct thing *node = find(listeners, thing, method);
    begin_call(false, "wr_listeners_remove%s(#%u, #%u, %u): %d", wait ? "_wait" : "", listeners->number,
               thing->number, method, node != NULL);
    EXPECT(wr_listeners_contains(listeners->real, thing->real, methods[method]), node != NULL);
    struct let_go let_go = {.count = 0};
    if (node != NULL) {
        node_out(node);
        node_let_go(node, &let_go);
    }
    let_go_of(&let_go);
    EXPECT((wait ? wr_listeners_remove_wait : wr_listeners_remove)(listeners->real, thing->real,
                                                                   methods[method]),
           node != NULL ? 0 : -ENOENT);
    EXPECT(wr_listeners_len(listeners->real), live_nodes(listeners, false));
    end_call();
}

void call_listeners_call(void) {
    settle();
    struct thing *listeners = container(LISTENERS);
    if (listeners == NULL)
        return;
    begin_call(false, "wr_listeners_call(#%u)", listeners->number);
    int expected;
    oracle_push_listen(listeners, &expected);
    int called = wr_listeners_call(listeners->real, listeners);
    end_call();
    EXPECT(called, expected);
}
