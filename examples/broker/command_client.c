/* SPDX-License-Identifier: MIT */
/* CLIENT: looks at connections of other loops, and ends them. */
#include "command.h"

#include <inttypes.h>
#include <string.h>

#include "clients.h"
#include "counters.h"

bool client_set_name(struct conn *conn, const struct arg *name) {
    bool fits = name->len < CONN_NAME_SIZE;
    for (size_t i = 0; i < name->len && fits; i++)
        fits = name->s[i] > ' ' && name->s[i] < 127;
    if (!fits) {
        buf_addf(&conn->reply,
                 "-ERR Client names cannot contain spaces, newlines or special characters, and have "
                 "less than %d bytes\r\n",
                 CONN_NAME_SIZE);
        return false;
    }
    pthread_mutex_lock(&conn->lock);
    memcpy(conn->name, name->s, name->len);
    conn->name[name->len] = '\0';
    pthread_mutex_unlock(&conn->lock);
    return true;
}

static void describe(struct conn *conn, struct buf *out) {
    pthread_mutex_lock(&conn->lock);
    buf_addf(out, "id=%" PRIu64 " addr=%s name=%s age=%lld sub=%u psub=%u omem=%zu\n", conn->id, conn->addr,
             conn->name, (long long)(time(NULL) - conn->since),
             atomic_load_explicit(&conn->channel_count, memory_order_relaxed),
             atomic_load_explicit(&conn->pattern_count, memory_order_relaxed),
             conn->output.len + conn->in_flight);
    pthread_mutex_unlock(&conn->lock);
}

static void list(struct conn *conn) {
    struct refs all;
    struct buf text = {0};
    bool copied = clients_copy(&all);
    for (size_t i = 0; i < all.count; i++) {
        struct conn *other = hold_get(all.at[i]);
        if (other == NULL)
            continue; /* gone since */
        describe(other, &text);
        hold_put(other);
    }
    free(all.at);
    if (!copied || text.failed)
        buf_addf(&conn->reply, "-ERR out of memory\r\n");
    else
        resp_bulk(&conn->reply, text.data, text.len);
    buf_free(&text);
}

struct filter {
    long id;                /* 0: any */
    const struct arg *addr; /* NULL: any */
    bool skip_me;
};

/* Kill what a filter asks for; this very connection lives until its reply is written. Returns how many. */
static unsigned kill_one(struct conn *conn, hold_ref ref, const struct filter *filter) {
    struct conn *other = hold_get(ref);
    if (other == NULL)
        return 0;
    unsigned killed = 0;
    bool meant = filter->addr == NULL || arg_is(filter->addr, other->addr);
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

static bool parse_filter(struct filter *filter, const struct arg *args, size_t count) {
    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct arg *value = &args[i + 1];
        if (arg_is(&args[i], "ID")) {
            if (resp_number(value->s, value->len, &filter->id) != 0 || filter->id <= 0)
                return false;
        } else if (arg_is(&args[i], "ADDR")) {
            filter->addr = value;
        } else if (arg_is(&args[i], "SKIPME") && (arg_is(value, "yes") || arg_is(value, "no"))) {
            filter->skip_me = arg_is(value, "yes");
        } else {
            return false;
        }
    }
    return count % 2 == 0;
}

/* CLIENT KILL addr:port, or CLIENT KILL [ID n] [ADDR addr:port] [SKIPME yes|no] */
static void kill_command(struct conn *conn, const struct arg *args, size_t count) {
    struct filter filter = {.addr = count == 1 ? &args[0] : NULL, .skip_me = count != 1};
    if (count != 1 && !parse_filter(&filter, args, count)) {
        buf_addf(&conn->reply, "-ERR syntax error\r\n");
        return;
    }
    unsigned killed = kill_by(conn, &filter);
    if (count != 1)
        resp_integer(&conn->reply, killed);
    else if (killed != 0)
        resp_ok(&conn->reply);
    else
        buf_addf(&conn->reply, "-ERR No such client\r\n");
}

void command_client(struct conn *conn, const struct arg *args, size_t count) {
    if (arg_is(&args[1], "ID") && count == 2)
        resp_integer(&conn->reply, conn->id);
    else if (arg_is(&args[1], "LIST") && count == 2)
        list(conn);
    else if (arg_is(&args[1], "KILL") && count > 2)
        kill_command(conn, args + 2, count - 2);
    else if (arg_is(&args[1], "GETNAME") && count == 2)
        resp_string(&conn->reply, conn->name); /* written by this thread only */
    else if (!arg_is(&args[1], "SETNAME") || count != 3)
        reply_unknown(conn, "subcommand or wrong number of arguments for", &args[1]);
    else if (client_set_name(conn, &args[2]))
        resp_ok(&conn->reply);
}
