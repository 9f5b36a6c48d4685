/* SPDX-License-Identifier: MIT */
#include "clients.h"

#include <pthread.h>
#include <string.h>

#include "conn.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_id;
static struct client {
    uint64_t id;
    hold_ref conn;
} * clients; /* ascending by id, since ids are */
static size_t client_count, client_cap;

static void sweep(void) {
    size_t kept = 0;
    for (size_t i = 0; i < client_count; i++)
        if (!hold_is_dead(clients[i].conn))
            clients[kept++] = clients[i];
    client_count = kept;
}

/* Room for one more; grows when less than half was dead. */
static bool room(void) {
    if (client_count < client_cap)
        return true;
    sweep();
    if (client_count < client_cap / 2)
        return true;
    size_t cap = client_cap == 0 ? 64 : client_cap * 2;
    struct client *grown = realloc(clients, cap * sizeof *grown);
    if (grown == NULL)
        return client_count < client_cap;
    clients = grown;
    client_cap = cap;
    return true;
}

bool clients_add(struct conn *conn) {
    pthread_mutex_lock(&lock);
    bool added = room();
    conn->id = ++last_id;
    if (added)
        clients[client_count++] = (struct client){conn->id, hold_ref_of(conn)};
    pthread_mutex_unlock(&lock);
    return added;
}

/* Where an id is, or would be. */
static size_t position(uint64_t id) {
    size_t low = 0, high = client_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (clients[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

hold_ref clients_find(uint64_t id) {
    pthread_mutex_lock(&lock);
    size_t at = position(id);
    hold_ref ref = at < client_count && clients[at].id == id ? clients[at].conn : (hold_ref){0};
    pthread_mutex_unlock(&lock);
    return ref;
}

bool clients_copy(struct refs *out) {
    *out = (struct refs){0};
    pthread_mutex_lock(&lock);
    sweep();
    bool copied = true;
    for (size_t i = 0; i < client_count && copied; i++)
        copied = refs_add(out, clients[i].conn);
    pthread_mutex_unlock(&lock);
    return copied;
}

void clients_remove(uint64_t id) {
    pthread_mutex_lock(&lock);
    size_t at = position(id);
    if (at < client_count && clients[at].id == id)
        memmove(&clients[at], &clients[at + 1], (--client_count - at) * sizeof *clients);
    pthread_mutex_unlock(&lock);
}

/* At exit, for who counts what was not freed. */
__attribute__((destructor)) static void drop(void) {
    free(clients);
}
