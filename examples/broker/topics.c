/* SPDX-License-Identifier: MIT */
#include "topics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "conn.h"
#include "counters.h"
#include "glob.h"
#include "refs.h"
#include "resp.h"

enum { STRIPES = 64 }; /* locks for channels; more than loops there are likely to be */

struct topic {
    struct topic *next;
    uint64_t hash;
    struct refs subscribers;
    size_t len;
    char name[];
};

struct table {
    pthread_mutex_t lock; /* guards all of it, and is held while its messages are appended */
    struct topic **buckets;
    size_t bucket_count, count;
};

static struct table channels[STRIPES];
static struct table patterns;
static atomic_size_t pattern_hint; /* patterns.count; 0 lets publishers pass by */

static uint64_t hash_of(const char *s, size_t len) {
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static struct table *table_of(enum topic_kind kind, uint64_t hash) {
    return kind == PATTERN ? &patterns : &channels[hash % STRIPES];
}

static struct topic **bucket(struct table *table, uint64_t hash) {
    return &table->buckets[hash / STRIPES % table->bucket_count];
}

/* Where the topic of a name hangs, or would; NULL: the table is empty. */
static struct topic **find(struct table *table, uint64_t hash, const char *name, size_t len) {
    if (table->bucket_count == 0)
        return NULL;
    struct topic **link = bucket(table, hash);
    while (*link != NULL &&
           ((*link)->hash != hash || (*link)->len != len || memcmp((*link)->name, name, len) != 0))
        link = &(*link)->next;
    return link;
}

static void drop(struct table *table, struct topic **link) {
    struct topic *topic = *link;
    *link = topic->next;
    free(topic->subscribers.at);
    free(topic);
    table->count--;
    if (table == &patterns)
        atomic_store(&pattern_hint, table->count);
}

/* Drop dead subscribers, and topics that have no other. */
static void sweep(struct table *table) {
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct topic **link = &table->buckets[i]; *link != NULL;) {
            refs_sweep(&(*link)->subscribers);
            if ((*link)->subscribers.count == 0)
                drop(table, link);
            else
                link = &(*link)->next;
        }
    }
}

static void grow(struct table *table) {
    struct table old = *table;
    size_t bucket_count = old.bucket_count == 0 ? 16 : old.bucket_count * 2;
    struct topic **buckets = calloc(bucket_count, sizeof(void *));
    if (buckets == NULL)
        return; /* longer chains, then */
    table->buckets = buckets;
    table->bucket_count = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (struct topic *topic = old.buckets[i], *next; topic != NULL; topic = next) {
            next = topic->next;
            topic->next = *bucket(table, topic->hash);
            *bucket(table, topic->hash) = topic;
        }
    }
    free(old.buckets);
}

static struct topic *find_or_make(struct table *table, uint64_t hash, const char *name, size_t len) {
    struct topic **link = find(table, hash, name, len);
    if (link != NULL && *link != NULL)
        return *link;
    if (table->count >= table->bucket_count) {
        sweep(table);
        if (table->count >= table->bucket_count / 2)
            grow(table);
    }
    struct topic *topic = table->bucket_count == 0 ? NULL : calloc(1, sizeof *topic + len);
    if (topic == NULL)
        return NULL;
    topic->hash = hash;
    topic->len = len;
    memcpy(topic->name, name, len);
    topic->next = *bucket(table, hash);
    *bucket(table, hash) = topic;
    table->count++;
    if (table == &patterns)
        atomic_store(&pattern_hint, table->count);
    return topic;
}

bool topics_add(enum topic_kind kind, const char *name, size_t len, hold_ref ref) {
    uint64_t hash = hash_of(name, len);
    struct table *table = table_of(kind, hash);
    pthread_mutex_lock(&table->lock);
    struct topic *topic = find_or_make(table, hash, name, len);
    bool added = topic != NULL && refs_add_or_replace(&topic->subscribers, ref);
    pthread_mutex_unlock(&table->lock);
    return added;
}

void topics_remove(enum topic_kind kind, const char *name, size_t len, hold_ref ref) {
    uint64_t hash = hash_of(name, len);
    struct table *table = table_of(kind, hash);
    pthread_mutex_lock(&table->lock);
    struct topic **link = find(table, hash, name, len);
    if (link != NULL && *link != NULL) {
        refs_remove(&(*link)->subscribers, ref);
        if ((*link)->subscribers.count == 0)
            drop(table, link);
    }
    pthread_mutex_unlock(&table->lock);
}

/* Append a message to the output of all subscribers, and drop those that are gone. */
static size_t deliver(struct refs *subscribers, const struct buf *message) {
    size_t sent = 0;
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
    return sent;
}

static size_t publish_to_channel(const char *channel, size_t channel_len, const char *message, size_t len) {
    uint64_t hash = hash_of(channel, channel_len);
    struct table *table = table_of(CHANNEL, hash);
    struct buf text = {0};
    size_t sent = 0;
    pthread_mutex_lock(&table->lock);
    struct topic **link = find(table, hash, channel, channel_len);
    if (link != NULL && *link != NULL) {
        resp_array(&text, 3);
        resp_string(&text, "message");
        resp_bulk(&text, channel, channel_len);
        resp_bulk(&text, message, len);
        if (!text.failed)
            sent = deliver(&(*link)->subscribers, &text);
        if ((*link)->subscribers.count == 0)
            drop(table, link);
    }
    pthread_mutex_unlock(&table->lock);
    buf_free(&text);
    return sent;
}

static size_t publish_to_patterns(const char *channel, size_t channel_len, const char *message, size_t len) {
    size_t sent = 0;
    pthread_mutex_lock(&patterns.lock);
    for (size_t i = 0; i < patterns.bucket_count; i++) {
        for (struct topic **link = &patterns.buckets[i]; *link != NULL;) {
            struct topic *topic = *link;
            struct buf text = {0};
            if (glob_match(topic->name, topic->len, channel, channel_len)) {
                resp_array(&text, 4);
                resp_string(&text, "pmessage");
                resp_bulk(&text, topic->name, topic->len);
                resp_bulk(&text, channel, channel_len);
                resp_bulk(&text, message, len);
                if (!text.failed)
                    sent += deliver(&topic->subscribers, &text);
                buf_free(&text);
            }
            if (topic->subscribers.count == 0)
                drop(&patterns, link);
            else
                link = &topic->next;
        }
    }
    pthread_mutex_unlock(&patterns.lock);
    return sent;
}

size_t topics_publish(const char *channel, size_t channel_len, const char *message, size_t len) {
    size_t sent = publish_to_channel(channel, channel_len, message, len);
    if (atomic_load(&pattern_hint) != 0)
        sent += publish_to_patterns(channel, channel_len, message, len);
    count(PUBLISHED, 1);
    count(DELIVERED, sent);
    return sent;
}

size_t topics_subscribers(enum topic_kind kind, const char *name, size_t len) {
    uint64_t hash = hash_of(name, len);
    struct table *table = table_of(kind, hash);
    size_t found = 0;
    pthread_mutex_lock(&table->lock);
    struct topic **link = find(table, hash, name, len);
    if (link != NULL && *link != NULL) {
        refs_sweep(&(*link)->subscribers);
        found = (*link)->subscribers.count;
    }
    pthread_mutex_unlock(&table->lock);
    return found;
}

size_t topics_patterns(void) {
    pthread_mutex_lock(&patterns.lock);
    sweep(&patterns);
    size_t found = patterns.count;
    pthread_mutex_unlock(&patterns.lock);
    return found;
}

void topics_each_channel(void (*fn)(const char *name, size_t len, void *arg), void *arg) {
    for (struct table *table = channels; table < channels + STRIPES; table++) {
        pthread_mutex_lock(&table->lock);
        sweep(table);
        for (size_t i = 0; i < table->bucket_count; i++)
            for (struct topic *topic = table->buckets[i]; topic != NULL; topic = topic->next)
                fn(topic->name, topic->len, arg);
        pthread_mutex_unlock(&table->lock);
    }
}

void topics_init(void) {
    for (struct table *table = channels; table < channels + STRIPES; table++)
        (void)pthread_mutex_init(&table->lock, NULL);
    (void)pthread_mutex_init(&patterns.lock, NULL);
}

static void table_free(struct table *table) {
    for (size_t i = 0; i < table->bucket_count; i++)
        while (table->buckets[i] != NULL)
            drop(table, &table->buckets[i]);
    free(table->buckets);
    (void)pthread_mutex_destroy(&table->lock);
}

void topics_free(void) {
    for (struct table *table = channels; table < channels + STRIPES; table++)
        table_free(table);
    table_free(&patterns);
}
