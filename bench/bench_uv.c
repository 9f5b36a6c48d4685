/* SPDX-License-Identifier: MIT */
/* Delivery as users of libuv write it, who have uv_async_send to wake a loop, and a list under a mutex for what it is
 * to do: an object that dies gets on the list itself, or a message about it does. */
#include "work.h"

#if __has_include(<uv.h>)
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#define TEXT(x) #x
#define VERSION_TEXT(x) TEXT(x)
const char bench_peer[] =
    "libuv " VERSION_TEXT(UV_VERSION_MAJOR) "." VERSION_TEXT(UV_VERSION_MINOR) " uv_async_send and "
                                                                               "a list";

struct message {
    struct message *next;
    void (*function)(struct message *message);
};
struct object {
    _Atomic unsigned refs;
    struct message message;
    struct payload payload;
};

static uv_loop_t loop;
static uv_async_t async;
static uv_mutex_t mutex;
static struct message *first, **last = &first;
static uint64_t delivered;

static void deliver_all(uv_async_t *handle) {
    (void)handle;
    uv_mutex_lock(&mutex);
    struct message *message = first;
    first = NULL;
    last = &first;
    uv_mutex_unlock(&mutex);
    while (message != NULL) {
        struct message *next = message->next;
        message->function(message);
        message = next;
    }
}

static void post(struct message *message) {
    message->next = NULL;
    uv_mutex_lock(&mutex);
    *last = message;
    last = &message->next;
    uv_mutex_unlock(&mutex);
    uv_async_send(&async);
}

static void count_delivered(struct message *message) {
    delivered++;
    free(message);
}
static void destroy_here(struct message *message) {
    delivered++;
    free((char *)message - offsetof(struct object, message));
}

static void delivery_prepare(void) {
    BENCH_CHECK(uv_mutex_init(&mutex) == 0 && uv_loop_init(&loop) == 0 &&
                uv_async_init(&loop, &async, deliver_all) == 0);
}
static void *delivery_new(void) {
    struct object *object = calloc(1, sizeof *object);
    BENCH_CHECK(object != NULL);
    atomic_init(&object->refs, 1);
    return object;
}
static bool last_release(struct object *object) {
    return atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1;
}
static void delivery_die(void *obj) {
    BENCH_CHECK(last_release(obj));
    struct message *message = malloc(sizeof *message);
    BENCH_CHECK(message != NULL);
    message->function = count_delivered;
    post(message);
    free(obj);
}
static void *later_new(void) {
    return delivery_new();
}
static void later_die(void *obj) {
    struct object *object = obj;
    BENCH_CHECK(last_release(object));
    object->message.function = destroy_here;
    post(&object->message);
}
static void delivery_run(uint64_t until) {
    while (delivered < until)
        uv_run(&loop, UV_RUN_ONCE);
}

#include "rows_delivery.h"
#else
const char bench_peer[] = "libuv";
BENCH_MISSING("libuv1-dev");
#endif
