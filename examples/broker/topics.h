/* SPDX-License-Identifier: MIT */
/*
 * Channels and patterns, and who subscribed to them: references only. A subscriber that goes tells nobody; a publisher
 * that finds its reference dead drops it, and so does a table before it grows.
 */
#ifndef BROKER_TOPICS_H
#define BROKER_TOPICS_H

#include "hold.h"

#include <stddef.h>

enum topic_kind { CHANNEL, PATTERN };

/* Add a subscriber that is not there yet. Returns false: no memory. */
bool topics_add(enum topic_kind kind, const char *name, size_t len, hold_ref ref);
void topics_remove(enum topic_kind kind, const char *name, size_t len, hold_ref ref);

/* Send a message to all who subscribed to its channel or to a pattern that matches it. Those of one channel see the
 * messages in one order. Returns how many got it. */
size_t topics_publish(const char *channel, size_t channel_len, const char *message, size_t len);

/* Count the subscribers of a name, or of all patterns those that have any. */
size_t topics_subscribers(enum topic_kind kind, const char *name, size_t len);
size_t topics_patterns(void);

/* Call fn for each channel that has a subscriber. No call of this module may follow inside fn. */
void topics_each_channel(void (*fn)(const char *name, size_t len, void *arg), void *arg);

/* Before any loop runs, and after all have ended. */
void topics_init(void);
void topics_free(void);

#endif
