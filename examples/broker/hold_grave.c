/* SPDX-License-Identifier: MIT */
#include "hold_grave.h"

#include <inttypes.h>
#include <stdlib.h>

#include "clients.h"
#include "loop.h"

static atomic_uint_fast64_t made, destroyed;

/* One for each loop. */
struct grave {
    uv_async_t async;     /* first: closed as a handle */
    pthread_mutex_t lock; /* guards what follows, and uv_async_send, so that none comes after the last look */
    struct mortal *dead;
};

struct mortal *mortal_new(struct loop *loop) {
    struct mortal *mortal = calloc(1, sizeof *mortal);
    if (mortal == NULL)
        return NULL;
    mortal->conn.loop = loop;
    (void)atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
    return mortal;
}

void mortal_free(struct mortal *mortal) {
    free(mortal);
    (void)atomic_fetch_add_explicit(&destroyed, 1, memory_order_relaxed);
}

static void on_async(uv_async_t *async) {
    struct grave *grave = (struct grave *)async;
    hold_enter();
    pthread_mutex_lock(&grave->lock);
    struct mortal *dead = grave->dead;
    grave->dead = NULL;
    pthread_mutex_unlock(&grave->lock);
    for (struct mortal *next; dead != NULL; dead = next) {
        next = dead->next;
        mortal_last_rites(&dead->conn);
        conn_destroy(&dead->conn);
        mortal_free(dead);
    }
    hold_leave();
}

int hold_loop_init(struct loop *loop) {
    struct grave *grave = calloc(1, sizeof *grave);
    if (grave == NULL)
        return UV_ENOMEM;
    (void)pthread_mutex_init(&grave->lock, NULL);
    loop->hold = grave;
    return uv_async_init(&loop->uv, &grave->async, on_async);
}

void hold_loop_end(struct loop *loop) {
    struct grave *grave = loop->hold;
    (void)pthread_mutex_destroy(&grave->lock);
    free(grave);
}

void mortal_bury(struct mortal *mortal) {
    struct grave *grave = mortal->conn.loop->hold;
    pthread_mutex_lock(&grave->lock);
    mortal->next = grave->dead;
    grave->dead = mortal;
    (void)uv_async_send(&grave->async);
    pthread_mutex_unlock(&grave->lock);
}

static void forget_topics(struct subscriptions *set, hold_ref ref) {
    for (struct topic *topic; (topic = subscriptions_take_any(set)) != NULL;) {
        topic_remove(topic, ref);
        topic_put(topic);
    }
}

void mortal_forget(struct conn *conn) {
    hold_ref ref = hold_ref_of(conn);
    clients_remove(conn->id);
    forget_topics(&conn->channels, ref);
    forget_topics(&conn->patterns, ref);
    loop_forget(conn->loop, ref);
}

static uint64_t live(void) {
    uint64_t gone = atomic_load(&destroyed); /* first, so that it is not more than were made */
    return atomic_load(&made) - gone;
}

void hold_info(FILE *f) {
    (void)fprintf(f, "live:%" PRIu64 "\r\n", live());
}

void hold_metrics(FILE *f) {
    (void)fprintf(f, "# TYPE broker_live gauge\nbroker_live{type=\"connection\"} %" PRIu64 "\n", live());
}

uint64_t hold_left(FILE *f) {
    size_t topics = topic_count(CHANNEL) + topic_count(PATTERN);
    if (live() + topics != 0)
        (void)fprintf(f, "%" PRIu64 " connections and %zu channels or patterns are left\n", live(), topics);
    return live() + topics;
}
