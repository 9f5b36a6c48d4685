/* SPDX-License-Identifier: MIT */
/* link: -luv */
/* Delivery to a libuv loop. A uv_poll_t watches the queue's descriptor. A worker thread looks an object up under
 * its own lock and drops it with wr_release_later: should that have been the last reference, destroy, which takes
 * the same lock, runs in the loop and not under the lock. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <weakrt.h>

enum { ENTRIES = 500 };

static uv_loop_t loop;
static uv_poll_t poller;
static uv_mutex_t table_lock;
static wr_weak table[ENTRIES];
static int in_table = ENTRIES;
static wr_queue *queue;

struct entry {
    int number;
};

static void entry_destroy(void *self) {
    uv_mutex_lock(&table_lock); /* would deadlock if it ran in a release under the lock */
    table[((struct entry *)self)->number] = (wr_weak){0};
    in_table--;
    uv_mutex_unlock(&table_lock);
}

static const wr_type entry_type = {
    .abi = WR_TYPE_ABI, .name = "entry", .size = sizeof(struct entry), .destroy = entry_destroy};

static void on_readable(uv_poll_t *handle, int status, int events) {
    (void)status, (void)events;
    (void)wr_queue_run(queue, 0);
    if (in_table == 0)
        uv_poll_stop(handle);
}

static void look_around(void *owned) {
    for (int i = 0; i < ENTRIES; i++) {
        uv_mutex_lock(&table_lock);
        void *entry = wr_weak_get(table[i]);
        wr_release_later(((void **)owned)[i], queue); /* the owner lets go meanwhile */
        wr_release_later(entry, queue);               /* the last reference, under the lock */
        uv_mutex_unlock(&table_lock);
    }
}

int main(void) {
    static void *owned[ENTRIES];
    uv_loop_init(&loop);
    uv_mutex_init(&table_lock);
    queue = wr_queue_new();
    for (int i = 0; i < ENTRIES; i++) {
        struct entry *entry = wr_new(&entry_type);
        entry->number = i;
        table[i] = wr_weak_of(entry);
        owned[i] = entry;
    }
    uv_poll_init(&loop, &poller, wr_queue_fd(queue));
    uv_poll_start(&poller, UV_READABLE, on_readable);

    uv_thread_t worker;
    uv_thread_create(&worker, look_around, owned);
    uv_run(&loop, UV_RUN_DEFAULT); /* until the poller is stopped */
    uv_thread_join(&worker);

    printf("%d entries left in the table\n", in_table);
    uv_close((uv_handle_t *)&poller, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    wr_queue_free(queue);
    uv_loop_close(&loop);
    return in_table == 0 ? 0 : 1;
}
