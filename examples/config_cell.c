/* SPDX-License-Identifier: MIT */
/*
 * The configuration of a server, read by all threads for each request and replaced now and then. Readers borrow it from
 * a cell: they write to no memory that they share. An old configuration goes when its last reader has returned it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct config {
    int version, limit; /* constant once it is in the cell */
};

static atomic_int alive;

static void config_destroy(void *self) {
    ((struct config *)self)->limit = -1;
    alive--;
}

static const wr_type config_type = {.abi = WR_TYPE_ABI,
                                    .flags = WR_BORROWABLE, /* without it readers would take references */
                                    .name = "config",
                                    .size = sizeof(struct config),
                                    .destroy = config_destroy};

static wr_cell current;
static atomic_bool over;

static void reload(int version) {
    struct config *config = wr_new(&config_type);
    REQUIRE(config != NULL);
    alive++;
    config->version = version;
    config->limit = 2 * version;
    wr_cell_store(&current, config); /* the cell takes its own reference, and drops that to the old one */
    wr_release(config);
}

static void handle_request(void) {
    wr_borrowed borrowed;
    const struct config *config = wr_cell_borrow(&current, &borrowed);
    REQUIRE(config->limit == 2 * config->version); /* of one configuration, and not of two */
    wr_return(&borrowed);
}

static void *reader(void *requests) {
    for (; !over; ++*(long *)requests)
        handle_request();
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    long requests[2] = {0};
    reload(1);
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, reader, &requests[i]) == 0);
    for (int version = 2; version <= 1000; version++)
        reload(version);
    over = true;
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    REQUIRE(alive == 1);
    wr_cell_store(&current, NULL); /* before the cell's memory goes */
    REQUIRE(alive == 0);
    puts("1000 configurations, none left");
    return 0;
}
