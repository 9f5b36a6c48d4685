/* SPDX-License-Identifier: MIT */
/*
 * A reference dropped under a lock that destroy takes too. The look-up may turn out to hold the last reference, when
 * the owner lets go meanwhile; wr_release would then run destroy here, which waits for the lock that we hold.
 * wr_release_later runs nothing: what is left to do is done where the queue is run, with no lock held.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static wr_weak table[10]; /* guarded by the lock */
static wr_queue *later;

struct entry {
    int place;
};

static void entry_destroy(void *self) {
    REQUIRE(pthread_mutex_lock(&table_lock) == 0);
    table[((struct entry *)self)->place] = (wr_weak){0};
    REQUIRE(pthread_mutex_unlock(&table_lock) == 0);
    printf("entry %d left the table\n", ((struct entry *)self)->place);
}

static const wr_type entry_type = {
    .abi = WR_TYPE_ABI, .name = "entry", .size = sizeof(struct entry), .destroy = entry_destroy};

static void count(struct entry **owner) {
    int alive = 0;
    REQUIRE(pthread_mutex_lock(&table_lock) == 0);
    for (int i = 0; i < 10; i++) {
        struct entry *entry = wr_weak_get(table[i]);
        alive += entry != NULL;
        wr_release(*owner); /* another thread would do this, at this very moment */
        *owner = NULL;
        wr_release_later(entry, later); /* wr_release would never return */
    }
    REQUIRE(pthread_mutex_unlock(&table_lock) == 0);
    printf("%d alive\n", alive);
}

int main(void) {
    struct entry *entry = wr_new(&entry_type);
    REQUIRE(entry != NULL && (later = wr_queue_new()) != NULL);
    entry->place = 0;
    table[0] = wr_weak_of(entry);
    wr_weak weak = table[0];

    count(&entry);
    REQUIRE(wr_weak_is_dead(weak)); /* at once, for everybody */

    struct pollfd loop = {.fd = wr_queue_fd(later), .events = POLLIN};
    REQUIRE(poll(&loop, 1, -1) == 1 && wr_queue_run(later, 0) == 1);
    wr_queue_free(later);
    return 0;
}
