/* SPDX-License-Identifier: MIT */
/*
 * A channel, or a pattern of channels, and who subscribed to it: references only. A subscriber that goes tells nobody;
 * who finds its reference dead drops it.
 *
 * It is an object of weakrt, and lives for as long as a connection has it among its subscriptions.
 */
#ifndef BROKER_TOPIC_H
#define BROKER_TOPIC_H

#include "buf.h"
#include "hold.h"

enum topic_kind { CHANNEL, PATTERN, TOPIC_KINDS };

struct topic_name {
    const char *s;
    size_t len;
};

struct topic;

/* Make a topic. Returns NULL: no memory. */
struct topic *topic_new(enum topic_kind kind, const char *name, size_t len);
/* Give a reference up; NULL does nothing. */
void topic_put(struct topic *topic);
/* Its name, which is there as long as it is. */
const struct topic_name *topic_name(const struct topic *topic);

/* Add a subscriber that is not there yet. Returns false: no memory. */
bool topic_add(struct topic *topic, hold_ref ref);
void topic_remove(struct topic *topic, hold_ref ref);

/* Append a message to the output of all subscribers, who all see the messages of a topic in one order. Returns how many
 * got it. */
size_t topic_deliver(struct topic *topic, const struct buf *message);

/* Count the subscribers that are still there. */
size_t topic_subscribers(struct topic *topic);

/* How many topics of a kind there are, at least; 0 lets publishers pass by. */
size_t topic_count(enum topic_kind kind);

#endif
