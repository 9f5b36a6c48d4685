/* SPDX-License-Identifier: MIT */
/* The topics that a connection subscribed to: a set by name, which keeps them alive. Of one thread. */
#ifndef BROKER_SUBSCRIPTIONS_H
#define BROKER_SUBSCRIPTIONS_H

#include "topic.h"

struct subscriptions {
    void *tree; /* of tsearch */
    unsigned count;
};

/* Add a topic, and when it was added take the caller's reference. Returns 1: added; 0: it was there; -1: no memory. */
int subscriptions_add(struct subscriptions *set, struct topic *topic);
/* Take out the topic of a name, or any, and give the reference. Returns NULL: none. */
struct topic *subscriptions_take(struct subscriptions *set, const char *name, size_t len);
struct topic *subscriptions_take_any(struct subscriptions *set);
void subscriptions_free(struct subscriptions *set);

#endif
