/* SPDX-License-Identifier: MIT */
/*
 * Listeners: methods to call on objects held weakly, in the order they were added. A table of one shard,
 * hashed by object and method so that one of many is found at once, in a row by age. A call is a reader of
 * the row (table.h): what is taken out before its turn is passed by.
 */
#include "object.h"
#include "os.h"
#include "table.h"

struct wr_listeners {
    struct table table; /* first */
    uint32_t ended;     /* calls that somebody waited for; atomic, changed under the lock */
};

struct listener {
    struct ranked ranked; /* first */
    uint64_t number;      /* guarded by the shard's lock */
    wr_method method;     /* constant, as the next */
    void *arg;
};

/* A walk along all listeners, one of which is at work. */
struct calling {
    struct reader reader;      /* first */
    uint64_t last;             /* those that came later are not met */
    struct listener *listener; /* at work, held, as its target; NULL: none */
    void *self;                /* these are changed under the shard's lock */
    wr_method method;
    bool awaited; /* somebody waits for its end; guarded by the shard's lock */
};

static const wr_type listener_type = {
    .abi = WR_TYPE_ABI, .flags = WR_NO_WEAKREF, .name = "listener", .size = sizeof(struct listener)};

static struct shard *shard_of(const wr_listeners *listeners) {
    return &listeners->table.shards[0];
}

/* ---- the list ---- */

wr_listeners *wr_listeners_new(void) {
    wr_listeners *listeners = table_new(sizeof *listeners, 1);
    if (listeners != NULL)
        listeners->table.ranked = true;
    return listeners;
}

void wr_listeners_free(wr_listeners *listeners) {
    if (listeners == NULL)
        return;
    table_clear(&listeners->table);
    table_free(&listeners->table);
}

void wr_listeners_clear(wr_listeners *listeners) {
    if (listeners != NULL)
        table_clear(&listeners->table);
}

size_t wr_listeners_len(wr_listeners *listeners) {
    return listeners != NULL ? table_count(&listeners->table) : 0;
}

/* ---- adding and taking out ---- */

static uint64_t hash_of(const wr_listeners *listeners, const void *self, wr_method method) {
    uint64_t pair = hash_spread((uint64_t)(uintptr_t)self ^ listeners->table.secret.k0);
    return hash_spread(pair ^ (uint64_t)(uintptr_t)method);
}

/* Return the oldest listener of an object, by its weak value, and method; NULL: none. */
static struct listener *find(uint64_t hash, wr_weak self, wr_method method, struct shard *shard)
    REQUIRES(shard->lock) {
    struct listener *oldest = NULL;
    struct sight sight = bucket_alike(shard_bucket(shard, hash), hash);
    for (struct node *node; (node = sight_next(&sight)) != NULL;) {
        struct listener *listener = (struct listener *)node;
        if (node->entry.referent.bits == self.bits && listener->method == method &&
            (oldest == NULL || listener->number < oldest->number))
            oldest = listener;
    }
    return oldest;
}

/* Returns 1: it is in; 0: with `once`, one like it was there; -EAGAIN: cleared meanwhile; or another error. */
static int try_add(wr_listeners *listeners, void *self, wr_method method, void *arg, bool once) {
    struct shard *shard = shard_of(listeners);
    uint64_t hash = hash_of(listeners, self, method);
    struct listener *listener = node_new(&listener_type, sizeof *listener, shard, hash);
    if (listener == NULL)
        return -ENOMEM;
    struct node *node = &listener->ranked.node;
    listener->method = method;
    listener->arg = arg;
    int error = node_link(node, self);
    if (error != 0)
        return error;
    bool grow = false;
    int result = 1;
    lock_take(&shard->lock);
    if (!node_arrive(node, shard))
        result = -EAGAIN;
    else if (once && find(hash, node->entry.referent, method, shard) != NULL)
        result = 0;
    if (result == 1) {
        listener->number = ++shard->born;
        grow = table_insert(node, NULL, shard);
    }
    lock_give(&shard->lock);
    if (result != 1)
        node_drop(node);
    if (grow)
        table_make_room(shard);
    return result;
}

static int add(wr_listeners *listeners, void *self, wr_method method, void *arg, bool once) {
    if (listeners == NULL || method == NULL)
        return -EINVAL;
    int result = node_refuses(self);
    if (result != 0)
        return result;
    do
        result = try_add(listeners, self, method, arg, once);
    while (result == -EAGAIN);
    return result;
}

int wr_listeners_add(wr_listeners *listeners, void *self, wr_method method, void *arg) {
    int result = add(listeners, self, method, arg, false);
    return result == 1 ? 0 : result;
}

int wr_listeners_add_once(wr_listeners *listeners, void *self, wr_method method, void *arg) {
    return add(listeners, self, method, arg, true);
}

int wr_listeners_remove(wr_listeners *listeners, void *self, wr_method method) {
    if (listeners == NULL || self == NULL || method == NULL)
        return -EINVAL;
    wr_weak weak = wr_weak_of(self);
    if (wr_weak_is_null(weak))
        return -ENOENT;
    struct shard *shard = shard_of(listeners);
    uint32_t garbage = 0;
    lock_take(&shard->lock);
    struct listener *listener = find(hash_of(listeners, self, method), weak, method, shard);
    if (listener != NULL)
        table_remove(&listener->ranked.node, shard, &garbage);
    lock_give(&shard->lock);
    table_discard(garbage);
    if (listener != NULL)
        node_drop(&listener->ranked.node);
    return listener != NULL ? 0 : -ENOENT;
}

bool wr_listeners_contains(wr_listeners *listeners, void *self, wr_method method) {
    if (listeners == NULL || self == NULL || method == NULL)
        return false;
    wr_weak weak = wr_weak_of(self);
    struct shard *shard = shard_of(listeners);
    lock_take(&shard->lock);
    bool there =
        !wr_weak_is_null(weak) && find(hash_of(listeners, self, method), weak, method, shard) != NULL;
    lock_give(&shard->lock);
    return there;
}

/* ---- walking along ---- */

static void begin(wr_listeners *listeners, struct calling *calling) {
    struct shard *shard = shard_of(listeners);
    lock_take(&shard->lock);
    struct row *row = &shard->row;
    *calling =
        (struct calling){.reader = {.outer = row->readers, .next = row->oldest, .thread = &thread_current},
                         .last = shard->born};
    row->readers = &calling->reader;
    lock_give(&shard->lock);
}

static void leave(struct calling *calling, struct shard *shard) REQUIRES(shard->lock) {
    struct reader **at = &shard->row.readers;
    while (*at != &calling->reader)
        at = &(*at)->outer;
    *at = calling->reader.outer;
}

/* End the work of a listener, and if the walk is to go on, come to the next, held, as its target. Returns
 * false: the walk is over. */
static bool next(wr_listeners *listeners, struct calling *calling, bool go_on) {
    struct shard *shard = shard_of(listeners);
    wr_release(calling->self);
    wr_release(calling->listener);
    lock_take(&shard->lock);
    bool awaited = calling->awaited;
    if (awaited)
        wr_store_relaxed(&listeners->ended, listeners->ended + 1); /* relaxed: the waiter takes the lock */
    calling->awaited = false;
    calling->self = NULL;
    calling->listener = NULL;
    while (go_on && calling->reader.next != NULL && calling->self == NULL) {
        struct listener *listener = (struct listener *)calling->reader.next;
        if (listener->number > calling->last)
            break;
        calling->reader.next = listener->ranked.newer;
        calling->self = wr_weak_get(listener->ranked.node.entry.referent);
        if (calling->self != NULL) {
            calling->listener = wr_retain(listener);
            calling->method = listener->method;
        }
    }
    bool more = calling->self != NULL;
    if (!more)
        leave(calling, shard);
    lock_give(&shard->lock);
    if (awaited)
        os_wake_all(&listeners->ended);
    lock_none_held();
    return more;
}

int wr_listeners_call(wr_listeners *listeners, void *event) {
    if (listeners == NULL)
        return -EINVAL;
    struct calling calling;
    int called = 0;
    begin(listeners, &calling);
    while (next(listeners, &calling, true)) {
        calling.method(calling.self, event, calling.listener->arg);
        called++;
    }
    return called;
}

int wr_listeners_foreach(wr_listeners *listeners,
                         int (*visit)(void *self, wr_method method, void *method_arg, void *arg), void *arg) {
    if (listeners == NULL || visit == NULL)
        return -EINVAL;
    struct calling calling;
    int result = 0;
    begin(listeners, &calling);
    while (next(listeners, &calling, result == 0))
        result = visit(calling.self, calling.method, calling.listener->arg, arg);
    return result;
}

/* ---- removing and waiting ---- */

/* Return a call of a method on an object that this thread has to wait for, or NULL. One that it is inside of
 * itself is waited for by nobody: two threads inside of the same would wait for each other. */
static struct calling *at_work(const void *self, wr_method method, const struct shard *shard)
    REQUIRES(shard->lock) {
    struct calling *found = NULL;
    for (struct reader *reader = shard->row.readers; reader != NULL; reader = reader->outer) {
        struct calling *calling = (struct calling *)reader;
        if (calling->self != self || calling->method != method)
            continue;
        if (reader->thread == &thread_current)
            return NULL;
        found = calling;
    }
    return found;
}

int wr_listeners_remove_wait_timed(wr_listeners *listeners, void *self, wr_method method,
                                   int64_t timeout_ms) {
    int result = wr_listeners_remove(listeners, self, method);
    if (result == -EINVAL)
        return result;
    int64_t deadline = os_deadline(timeout_ms);
    struct shard *shard = shard_of(listeners);
    for (;;) {
        lock_take(&shard->lock);
        struct calling *calling = at_work(self, method, shard);
        if (calling != NULL)
            calling->awaited = true;
        uint32_t ended = listeners->ended;
        lock_give(&shard->lock);
        if (calling == NULL)
            return result;
        if (deadline >= 0 && os_now() >= deadline)
            return -ETIMEDOUT;
        wr_path(listener_awaited);
        os_wait(&listeners->ended, ended, deadline);
    }
}

int wr_listeners_remove_wait(wr_listeners *listeners, void *self, wr_method method) {
    return wr_listeners_remove_wait_timed(listeners, self, method, -1);
}
