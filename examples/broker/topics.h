/* SPDX-License-Identifier: MIT */
/* All channels and patterns by name, in caches of weakrt: they hold them weakly, so that one whose last subscriber goes
 * is in no list, and their hashes are keyed, so that no names can be made up that all fall into one chain. */
#ifndef BROKER_TOPICS_H
#define BROKER_TOPICS_H

#include "topic.h"

/* Before any loop runs; returns 0 or an error of libuv. And after all have ended. */
int topics_init(void);
void topics_free(void);

/* The topic of a name, which is made if there is none, for the caller to put back. NULL: no memory. */
struct topic *topics_get(enum topic_kind kind, const char *name, size_t len);

/* Send a message to all who subscribed to its channel or to a pattern that matches it. Returns how many got it. */
size_t topics_publish(const char *channel, size_t channel_len, const char *message, size_t len);

/* Count the subscribers of a channel, and the patterns that have any. */
size_t topics_channel_subscribers(const char *channel, size_t len);
size_t topics_patterns(void);

/* Call fn for each channel that has a subscriber. */
void topics_each_channel(void (*fn)(const struct topic_name *name, void *arg), void *arg);

#endif
