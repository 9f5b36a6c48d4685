/* SPDX-License-Identifier: MIT */
#include "topics.h"

#include <uv.h>
#include <weakrt.h>

#include "counters.h"
#include "glob.h"
#include "resp.h"

static wr_cache *caches[TOPIC_KINDS];

int topics_init(void) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++)
        if ((caches[kind] = wr_cache_new()) == NULL)
            return UV_ENOMEM;
    return 0;
}

void topics_free(void) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++)
        wr_cache_free(caches[kind]);
}

static void *make(const void *name, size_t len, void *kind) {
    return topic_new(*(enum topic_kind *)kind, name, len);
}

struct topic *topics_get(enum topic_kind kind, const char *name, size_t len) {
    return wr_cache_get_or_create(caches[kind], name, len, make, &kind);
}

/* ---- messages ---- */

static size_t publish_to_channel(const char *channel, size_t channel_len, const char *message, size_t len) {
    struct topic *topic = wr_cache_get(caches[CHANNEL], channel, channel_len);
    if (topic == NULL)
        return 0;
    struct buf text = {0};
    resp_array(&text, 3);
    resp_string(&text, "message");
    resp_bulk(&text, channel, channel_len);
    resp_bulk(&text, message, len);
    size_t sent = text.failed ? 0 : topic_deliver(topic, &text);
    buf_free(&text);
    topic_put(topic);
    return sent;
}

struct publication {
    const char *channel, *message;
    size_t channel_len, len;
    size_t sent;
};

static int publish_to_pattern(const void *pattern, size_t pattern_len, void *topic, void *arg) {
    struct publication *publication = arg;
    if (!glob_match(pattern, pattern_len, publication->channel, publication->channel_len))
        return 0;
    struct buf text = {0};
    resp_array(&text, 4);
    resp_string(&text, "pmessage");
    resp_bulk(&text, pattern, pattern_len);
    resp_bulk(&text, publication->channel, publication->channel_len);
    resp_bulk(&text, publication->message, publication->len);
    publication->sent += text.failed ? 0 : topic_deliver(topic, &text);
    buf_free(&text);
    return 0;
}

size_t topics_publish(const char *channel, size_t channel_len, const char *message, size_t len) {
    struct publication publication = {channel, message, channel_len, len, 0};
    publication.sent = publish_to_channel(channel, channel_len, message, len);
    if (topic_count(PATTERN) != 0)
        (void)wr_cache_foreach(caches[PATTERN], publish_to_pattern, &publication);
    count(PUBLISHED, 1);
    count(DELIVERED, publication.sent);
    return publication.sent;
}

/* ---- questions ---- */

size_t topics_channel_subscribers(const char *channel, size_t len) {
    struct topic *topic = wr_cache_get(caches[CHANNEL], channel, len);
    size_t found = topic == NULL ? 0 : topic_subscribers(topic);
    topic_put(topic);
    return found;
}

static int count_pattern(const void *name, size_t len, void *topic, void *arg) {
    (void)name, (void)len;
    *(size_t *)arg += topic_subscribers(topic) != 0;
    return 0;
}

size_t topics_patterns(void) {
    size_t found = 0;
    (void)wr_cache_foreach(caches[PATTERN], count_pattern, &found);
    return found;
}

struct tour {
    void (*fn)(const struct topic_name *name, void *arg);
    void *arg;
};

static int visit_channel(const void *name, size_t len, void *topic, void *arg) {
    (void)name, (void)len;
    struct tour *tour = arg;
    if (topic_subscribers(topic) != 0)
        tour->fn(topic_name(topic), tour->arg);
    return 0;
}

void topics_each_channel(void (*fn)(const struct topic_name *name, void *arg), void *arg) {
    struct tour tour = {fn, arg};
    (void)wr_cache_foreach(caches[CHANNEL], visit_channel, &tour);
}
