/* SPDX-License-Identifier: MIT */
#include "topic.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <weakrt.h>

#include "conn.h"
#include "refs.h"

struct topic {
    struct topic_name name; /* first: subscriptions are sought by it */
    char *copy;             /* of the name */
    enum topic_kind kind;
    pthread_mutex_t lock; /* guards what follows, and is held while a message is appended */
    struct refs subscribers;
};

static atomic_size_t counts[TOPIC_KINDS];

static void destroy(void *self) {
    struct topic *topic = self;
    (void)pthread_mutex_destroy(&topic->lock);
    free(topic->subscribers.at);
    free(topic->copy);
    (void)atomic_fetch_sub(&counts[topic->kind], 1);
}

static int describe(const void *self, char *buf, size_t len) {
    const struct topic *topic = self;
    return snprintf(buf, len, "%.*s", (int)(topic->name.len < 64 ? topic->name.len : 64), topic->name.s);
}

static const wr_type types[TOPIC_KINDS] = {
    [CHANNEL] = {.abi = WR_TYPE_ABI,
                 .name = "channel",
                 .size = sizeof(struct topic),
                 .destroy = destroy,
                 .describe = describe},
    [PATTERN] = {.abi = WR_TYPE_ABI,
                 .name = "pattern",
                 .size = sizeof(struct topic),
                 .destroy = destroy,
                 .describe = describe},
};

struct topic *topic_new(enum topic_kind kind, const char *name, size_t len) {
    char *copy = malloc(len + 1);
    struct topic *topic = copy == NULL ? NULL : wr_new(&types[kind]);
    if (topic == NULL) {
        free(copy);
        errno = ENOMEM;
        return NULL;
    }
    memcpy(copy, name, len);
    topic->name = (struct topic_name){copy, len};
    topic->copy = copy;
    topic->kind = kind;
    (void)pthread_mutex_init(&topic->lock, NULL);
    (void)atomic_fetch_add(&counts[kind], 1);
    return topic;
}

void topic_put(struct topic *topic) {
    wr_release(topic);
}

const struct topic_name *topic_name(const struct topic *topic) {
    return &topic->name;
}

bool topic_add(struct topic *topic, hold_ref ref) {
    pthread_mutex_lock(&topic->lock);
    bool added = refs_add_or_replace(&topic->subscribers, ref);
    pthread_mutex_unlock(&topic->lock);
    return added;
}

void topic_remove(struct topic *topic, hold_ref ref) {
    pthread_mutex_lock(&topic->lock);
    refs_remove(&topic->subscribers, ref);
    pthread_mutex_unlock(&topic->lock);
}

size_t topic_deliver(struct topic *topic, const struct buf *message) {
    struct refs *subscribers = &topic->subscribers;
    size_t sent = 0;
    pthread_mutex_lock(&topic->lock);
    for (size_t i = 0; i < subscribers->count;) {
        struct conn *conn = hold_get(subscribers->at[i]);
        if (conn == NULL) {
            subscribers->at[i] = subscribers->at[--subscribers->count];
            continue;
        }
        sent += conn_send(conn, message->data, message->len);
        hold_put(conn);
        i++;
    }
    pthread_mutex_unlock(&topic->lock);
    return sent;
}

size_t topic_subscribers(struct topic *topic) {
    pthread_mutex_lock(&topic->lock);
    refs_sweep(&topic->subscribers);
    size_t found = topic->subscribers.count;
    pthread_mutex_unlock(&topic->lock);
    return found;
}

size_t topic_count(enum topic_kind kind) {
    return atomic_load(&counts[kind]);
}
