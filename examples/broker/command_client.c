/* SPDX-License-Identifier: MIT */
/* CLIENT: looks at connections of other loops, and ends them. */
#include "command.h"

#include <inttypes.h>
#include <string.h>

#include "clients.h"
#include "counters.h"

bool client_set_name(struct conn *conn, const struct arg *name) {
    bool plain = true;
    for (size_t i = 0; i < name->len; i++)
        plain &= name->s[i] > ' ' && name->s[i] < 127;
    if (!plain) {
        buf_addf(&conn->reply,
                 "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
        return false;
    }
    if (name->len >= CONN_NAME_SIZE) {
        buf_addf(&conn->reply, "-ERR Client names have less than %d bytes\r\n", CONN_NAME_SIZE);
        return false;
    }
    pthread_mutex_lock(&conn->lock);
    memcpy(conn->name, name->s, name->len);
    conn->name[name->len] = '\0';
    pthread_mutex_unlock(&conn->lock);
    return true;
}

static void set_name(struct conn *conn, const struct arg *args, size_t count) {
    (void)count;
    if (client_set_name(conn, &args[2]))
        resp_ok(&conn->reply);
}

static void get_name(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    if (conn->name[0] == '\0') /* written by this thread only */
        resp_null(&conn->reply);
    else
        resp_string(&conn->reply, conn->name);
}

static void get_id(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    resp_integer(&conn->reply, conn->id);
}

/* ---- which clients are meant ---- */

enum type { ANY, NORMAL, PUBSUB, NONE };

struct filter {
    long id;                /* 0: any */
    const struct arg *addr; /* NULL: any */
    enum type type;
    bool skip_me;
};

static unsigned channels_of(struct conn *conn) {
    return atomic_load_explicit(&conn->channel_count, memory_order_relaxed);
}

static unsigned patterns_of(struct conn *conn) {
    return atomic_load_explicit(&conn->pattern_count, memory_order_relaxed);
}

static enum type type_of(struct conn *conn) {
    return channels_of(conn) + patterns_of(conn) == 0 ? NORMAL : PUBSUB;
}

static bool is_meant(struct conn *conn, const struct filter *filter) {
    return (filter->id == 0 || conn->id == (uint64_t)filter->id) &&
           (filter->addr == NULL || arg_is(filter->addr, conn->addr)) &&
           (filter->type == ANY || filter->type == type_of(conn));
}

/* Returns ANY when there is no such type, and the reply says so. Of masters and replicas there are none. */
static enum type parse_type(struct conn *conn, const struct arg *arg) {
    if (arg_is(arg, "normal"))
        return NORMAL;
    if (arg_is(arg, "pubsub"))
        return PUBSUB;
    if (arg_is(arg, "master") || arg_is(arg, "replica") || arg_is(arg, "slave"))
        return NONE;
    buf_addf(&conn->reply, "-ERR Unknown client type ");
    reply_quoted(&conn->reply, arg, 128);
    buf_add(&conn->reply, "\r\n", 2);
    return ANY;
}

static bool syntax_error(struct conn *conn) {
    buf_addf(&conn->reply, "-ERR syntax error\r\n");
    return false;
}

/* ---- CLIENT LIST ---- */

static void describe(struct conn *conn, struct buf *out) {
    pthread_mutex_lock(&conn->lock);
    buf_addf(out, "id=%" PRIu64 " addr=%s name=%s age=%lld flags=%c db=0 sub=%u psub=%u omem=%zu\n", conn->id,
             conn->addr, conn->name, (long long)(time(NULL) - conn->since),
             type_of(conn) == PUBSUB ? 'P' : 'N', channels_of(conn), patterns_of(conn),
             conn->output.len + conn->in_flight);
    pthread_mutex_unlock(&conn->lock);
}

static void describe_if_meant(hold_ref ref, const struct filter *filter, struct buf *out) {
    struct conn *conn = hold_get(ref);
    if (conn == NULL)
        return; /* gone since */
    if (is_meant(conn, filter))
        describe(conn, out);
    hold_put(conn);
}

/* Returns false: no memory. */
static bool describe_all(const struct filter *filter, struct buf *out) {
    struct refs all;
    bool copied = clients_copy(&all);
    for (size_t i = 0; i < all.count; i++)
        describe_if_meant(all.at[i], filter, out);
    free(all.at);
    return copied;
}

/* Describe those of some numbers. Returns false: not a number, and the reply says so. */
static bool describe_ids(struct conn *conn, const struct arg *args, size_t count, struct buf *out) {
    const struct filter any = {0};
    long id;
    for (size_t i = 0; i < count; i++) {
        if (resp_number(args[i].s, args[i].len, &id) != 0 || id <= 0) {
            buf_addf(&conn->reply, "-ERR Invalid client ID\r\n");
            return false;
        }
        describe_if_meant(clients_find((uint64_t)id), &any, out);
    }
    return true;
}

/* CLIENT LIST [TYPE type | ID n ...] */
static void list(struct conn *conn, const struct arg *args, size_t count) {
    struct filter filter = {0};
    struct buf text = {0};
    bool done;
    if (count > 3 && arg_is(&args[2], "ID")) {
        if (!describe_ids(conn, args + 3, count - 3, &text)) {
            buf_free(&text);
            return;
        }
        done = true;
    } else {
        if (count == 4 && arg_is(&args[2], "TYPE")) {
            if ((filter.type = parse_type(conn, &args[3])) == ANY)
                return;
        } else if (count != 2) {
            (void)syntax_error(conn);
            return;
        }
        done = describe_all(&filter, &text);
    }
    if (!done || text.failed)
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    else
        resp_bulk(&conn->reply, text.data, text.len);
    buf_free(&text);
}

/* ---- CLIENT KILL ---- */

/* Kill what a filter asks for; this very connection lives until its reply is written. Returns how many. */
static unsigned kill_one(struct conn *conn, hold_ref ref, const struct filter *filter) {
    struct conn *other = hold_get(ref);
    if (other == NULL)
        return 0;
    unsigned killed = 0;
    bool meant = is_meant(other, filter);
    if (meant && other == conn) {
        killed = !filter->skip_me;
        if (killed)
            conn_finish(conn);
    } else if (meant) {
        killed = hold_kill(other);
    }
    hold_put(other);
    count(KILLED, killed);
    return killed;
}

static unsigned kill_by(struct conn *conn, const struct filter *filter) {
    if (filter->id != 0)
        return kill_one(conn, clients_find((uint64_t)filter->id), filter);
    struct refs all;
    unsigned killed = 0;
    (void)clients_copy(&all);
    for (size_t i = 0; i < all.count; i++)
        killed += kill_one(conn, all.at[i], filter);
    free(all.at);
    return killed;
}

/* Returns whether it is one; if not, the reply says so. */
static bool parse_filter(struct conn *conn, struct filter *filter, const struct arg *args, size_t count) {
    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct arg *value = &args[i + 1];
        if (arg_is(&args[i], "ID")) {
            if (resp_number(value->s, value->len, &filter->id) != 0 || filter->id <= 0) {
                buf_addf(&conn->reply, "-ERR client-id should be greater than 0\r\n");
                return false;
            }
        } else if (arg_is(&args[i], "ADDR")) {
            filter->addr = value;
        } else if (arg_is(&args[i], "TYPE")) {
            if ((filter->type = parse_type(conn, value)) == ANY)
                return false;
        } else if (arg_is(&args[i], "SKIPME") && (arg_is(value, "yes") || arg_is(value, "no"))) {
            filter->skip_me = arg_is(value, "yes");
        } else {
            return syntax_error(conn);
        }
    }
    return count % 2 == 0 || syntax_error(conn);
}

/* CLIENT KILL addr:port, or CLIENT KILL [ID n] [ADDR addr:port] [TYPE type] [SKIPME yes|no] */
static void kill_command(struct conn *conn, const struct arg *args, size_t count) {
    bool old = count == 3;
    struct filter filter = {.addr = old ? &args[2] : NULL, .skip_me = !old};
    if (!old && !parse_filter(conn, &filter, args + 2, count - 2))
        return;
    unsigned killed = kill_by(conn, &filter);
    if (!old)
        resp_integer(&conn->reply, killed);
    else if (killed != 0)
        resp_ok(&conn->reply);
    else
        buf_addf(&conn->reply, "-ERR No such client\r\n");
}

const struct command client_commands[] = {{"id", 2, 2, 0, get_id, NULL},
                                          {"list", 2, RESP_MAX_ARGS, 0, list, NULL},
                                          {"kill", 3, RESP_MAX_ARGS, 0, kill_command, NULL},
                                          {"getname", 2, 2, 0, get_name, NULL},
                                          {"setname", 3, 3, 0, set_name, NULL},
                                          {0}};
