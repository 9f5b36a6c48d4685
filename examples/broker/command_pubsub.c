/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <string.h>

#include "glob.h"
#include "topics.h"

/* ---- SUBSCRIBE and its like ---- */

static const struct way {
    enum topic_kind kind;
    const char *subscribe, *unsubscribe;
} channel_way = {CHANNEL, "subscribe", "unsubscribe"}, pattern_way = {PATTERN, "psubscribe", "punsubscribe"};

static struct subscriptions *subscriptions_of(struct conn *conn, const struct way *way) {
    return way->kind == CHANNEL ? &conn->channels : &conn->patterns;
}

static void reply(struct conn *conn, const char *verb, const char *name, size_t len) {
    resp_array(&conn->reply, 3);
    resp_string(&conn->reply, verb);
    if (name == NULL)
        resp_null(&conn->reply);
    else
        resp_bulk(&conn->reply, name, len);
    resp_integer(&conn->reply, conn->channels.count + conn->patterns.count);
}

static void show_counts(struct conn *conn) {
    atomic_store_explicit(&conn->channel_count, conn->channels.count, memory_order_relaxed);
    atomic_store_explicit(&conn->pattern_count, conn->patterns.count, memory_order_relaxed);
}

static void subscribe_one(struct conn *conn, const struct arg *name, const struct way *way) {
    struct topic *topic = topics_get(way->kind, name->s, name->len);
    int added = topic == NULL ? -1 : subscriptions_add(subscriptions_of(conn, way), topic);
    reply(conn, way->subscribe, name->s, name->len);
    if (added == 1) {
        conn_reply(conn); /* stands in the output before the first message can */
        if (!topic_add(topic, hold_ref_of(conn)))
            conn_doom(conn);
        return;
    }
    topic_put(topic);
    if (added < 0)
        conn_doom(conn);
}

static void subscribe(struct conn *conn, const struct arg *args, size_t count, const struct way *way) {
    for (size_t i = 1; i < count; i++)
        subscribe_one(conn, &args[i], way);
    show_counts(conn);
}

/* Leave a topic that was taken out of the subscriptions, and give it up. */
static void leave(struct conn *conn, struct topic *topic, const struct way *way) {
    topic_remove(topic, hold_ref_of(conn));
    reply(conn, way->unsubscribe, topic_name(topic)->s, topic_name(topic)->len);
    topic_put(topic);
}

static void unsubscribe_one(struct conn *conn, const struct arg *name, const struct way *way) {
    struct topic *topic = subscriptions_take(subscriptions_of(conn, way), name->s, name->len);
    if (topic != NULL)
        leave(conn, topic, way);
    else
        reply(conn, way->unsubscribe, name->s, name->len);
}

static void unsubscribe_all(struct conn *conn, const struct way *way) {
    struct subscriptions *set = subscriptions_of(conn, way);
    if (set->count == 0)
        reply(conn, way->unsubscribe, NULL, 0);
    for (struct topic *topic; (topic = subscriptions_take_any(set)) != NULL;)
        leave(conn, topic, way);
}

static void unsubscribe(struct conn *conn, const struct arg *args, size_t count, const struct way *way) {
    for (size_t i = 1; i < count; i++)
        unsubscribe_one(conn, &args[i], way);
    if (count == 1)
        unsubscribe_all(conn, way);
    show_counts(conn);
}

void command_subscribe(struct conn *conn, const struct arg *args, size_t count) {
    subscribe(conn, args, count, &channel_way);
}

void command_psubscribe(struct conn *conn, const struct arg *args, size_t count) {
    subscribe(conn, args, count, &pattern_way);
}

void command_unsubscribe(struct conn *conn, const struct arg *args, size_t count) {
    unsubscribe(conn, args, count, &channel_way);
}

void command_punsubscribe(struct conn *conn, const struct arg *args, size_t count) {
    unsubscribe(conn, args, count, &pattern_way);
}

void command_publish(struct conn *conn, const struct arg *args, size_t count) {
    (void)count;
    resp_integer(&conn->reply, topics_publish(args[1].s, args[1].len, args[2].s, args[2].len));
}

/* ---- PUBSUB ---- */

struct listing {
    const struct arg *pattern; /* or NULL: all */
    struct buf text;
    size_t count;
};

static void list_channel(const struct topic_name *name, void *arg) {
    struct listing *listing = arg;
    if (listing->pattern != NULL &&
        !glob_match(listing->pattern->s, listing->pattern->len, name->s, name->len))
        return;
    resp_bulk(&listing->text, name->s, name->len);
    listing->count++;
}

/* PUBSUB CHANNELS [pattern] */
static void list_channels(struct conn *conn, const struct arg *args, size_t count) {
    struct listing listing = {.pattern = count == 3 ? &args[2] : NULL};
    topics_each_channel(list_channel, &listing);
    if (listing.text.failed) {
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    } else {
        resp_array(&conn->reply, listing.count);
        buf_add(&conn->reply, listing.text.data, listing.text.len);
    }
    buf_free(&listing.text);
}

/* PUBSUB NUMSUB [channel ...] */
static void count_subscribers(struct conn *conn, const struct arg *args, size_t count) {
    resp_array(&conn->reply, 2 * (count - 2));
    for (size_t i = 2; i < count; i++) {
        resp_bulk(&conn->reply, args[i].s, args[i].len);
        resp_integer(&conn->reply, topics_channel_subscribers(args[i].s, args[i].len));
    }
}

static void count_patterns(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    resp_integer(&conn->reply, topics_patterns());
}

const struct command pubsub_commands[] = {{"channels", 2, 3, 0, list_channels, NULL},
                                          {"numsub", 2, RESP_MAX_ARGS, 0, count_subscribers, NULL},
                                          {"numpat", 2, 2, 0, count_patterns, NULL},
                                          {0}};
