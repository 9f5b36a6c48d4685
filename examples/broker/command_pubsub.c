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

static struct names *names_of(struct conn *conn, const struct way *way) {
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

static void subscribe(struct conn *conn, const struct arg *args, size_t count, const struct way *way) {
    for (size_t i = 1; i < count; i++) {
        int added = names_add(names_of(conn, way), args[i].s, args[i].len);
        reply(conn, way->subscribe, args[i].s, args[i].len);
        if (added == 1) {
            conn_reply(
                conn); /* stands in the output before the first message can, and is sent after the next line */
            if (!topics_add(way->kind, args[i].s, args[i].len, hold_ref_of(conn)))
                added = -1;
        }
        if (added < 0)
            conn_doom(conn);
    }
    show_counts(conn);
}

static void unsubscribe_one(struct conn *conn, const char *name, size_t len, const struct way *way) {
    if (names_remove(names_of(conn, way), name, len) == 1)
        topics_remove(way->kind, name, len, hold_ref_of(conn));
    reply(conn, way->unsubscribe, name, len);
}

static void unsubscribe(struct conn *conn, const struct arg *args, size_t count, const struct way *way) {
    const struct name *name = names_any(names_of(conn, way));
    for (size_t i = 1; i < count; i++)
        unsubscribe_one(conn, args[i].s, args[i].len, way);
    if (count == 1 && name == NULL)
        reply(conn, way->unsubscribe, NULL, 0);
    for (; count == 1 && name != NULL; name = names_any(names_of(conn, way))) {
        struct buf copy = {0}; /* the set frees the name */
        buf_add(&copy, name->s, name->len);
        if (copy.failed) {
            conn_doom(conn);
            break;
        }
        unsubscribe_one(conn, copy.len == 0 ? "" : copy.data, copy.len, way);
        buf_free(&copy);
    }
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

static void list_channel(const char *name, size_t len, void *arg) {
    struct listing *listing = arg;
    if (listing->pattern != NULL && !glob_match(listing->pattern->s, listing->pattern->len, name, len))
        return;
    resp_bulk(&listing->text, name, len);
    listing->count++;
}

static void list_channels(struct conn *conn, const struct arg *pattern) {
    struct listing listing = {.pattern = pattern};
    topics_each_channel(list_channel, &listing);
    if (listing.text.failed) {
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    } else {
        resp_array(&conn->reply, listing.count);
        buf_add(&conn->reply, listing.text.data, listing.text.len);
    }
    buf_free(&listing.text);
}

void command_pubsub(struct conn *conn, const struct arg *args, size_t count) {
    if (arg_is(&args[1], "CHANNELS") && count <= 3) {
        list_channels(conn, count == 3 ? &args[2] : NULL);
    } else if (arg_is(&args[1], "NUMSUB")) {
        resp_array(&conn->reply, 2 * (count - 2));
        for (size_t i = 2; i < count; i++) {
            resp_bulk(&conn->reply, args[i].s, args[i].len);
            resp_integer(&conn->reply, topics_subscribers(CHANNEL, args[i].s, args[i].len));
        }
    } else if (arg_is(&args[1], "NUMPAT") && count == 2) {
        resp_integer(&conn->reply, topics_patterns());
    } else {
        reply_unknown(conn, "subcommand or wrong number of arguments for", &args[1]);
    }
}
