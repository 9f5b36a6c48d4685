/* SPDX-License-Identifier: MIT */
/*
 * A registry of connections by number. Who serves a connection owns it; the registry only finds it. Closing it is
 * wr_kill: from then on nobody finds it, while those who are just using it go on until they let go. A thread that looks
 * numbers up meanwhile gets the connection or nothing, never one that is gone.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct connection {
    uintptr_t number;
    char *buffer;
};

static wr_cache *connections;
static atomic_long opened, closed, found;
static atomic_bool over;

static void connection_destroy(void *self) {
    free(((struct connection *)self)->buffer);
    closed++;
}

static const wr_type connection_type = {.abi = WR_TYPE_ABI,
                                        .name = "connection",
                                        .size = sizeof(struct connection),
                                        .destroy = connection_destroy};

static struct connection *connection_open(uintptr_t number) {
    struct connection *c = wr_new(&connection_type);
    REQUIRE(c != NULL && (c->buffer = malloc(64)) != NULL);
    c->number = number;
    (void)snprintf(c->buffer, 64, "connection %ju", (uintmax_t)number);
    opened++;
    REQUIRE(wr_cache_put(connections, (void *)number, 0, c) == 0);
    return c;
}

/* What a statistics page, a timer or another connection does. */
static void *look_up(void *arg) {
    (void)arg;
    for (uintptr_t number = 0; !over; number = (number + 1) % 100) {
        struct connection *c = wr_cache_get(connections, (void *)number, 0);
        if (c == NULL)
            continue;
        REQUIRE(c->number == number && c->buffer[0] == 'c'); /* there for as long as we hold it */
        found++;
        wr_release(c);
    }
    return NULL;
}

int main(void) {
    wr_cache_options options = WR_CACHE_OPTIONS_INIT;
    options.flags = WR_KEY_WORDS; /* numbers are keys as they are */
    connections = wr_cache_new_ex(&options);
    REQUIRE(connections != NULL);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, look_up, NULL) == 0);
    for (int i = 0; i < 20000 || found == 0; i++) {
        uintptr_t number = (uintptr_t)i % 100;
        struct connection *c = connection_open(number);
        if (i % 2 == 0)
            REQUIRE(wr_kill(c) == 1 && !wr_cache_contains(connections, (void *)number, 0));
        wr_release(c);
    }
    over = true;
    REQUIRE(pthread_join(thread, NULL) == 0);
    REQUIRE(wr_cache_len(connections) == 0 && opened == closed);
    wr_cache_free(connections);
    return 0;
}
