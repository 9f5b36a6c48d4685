/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "counters.h"
#include "glob.h"
#include "loop.h"

bool arg_is(const struct arg *arg, const char *word) {
    return strlen(word) == arg->len && strncasecmp(word, arg->s, arg->len) == 0;
}

void reply_unknown(struct conn *conn, const char *what, const struct arg *name) {
    char text[65];
    size_t len = name->len < sizeof text - 1 ? name->len : sizeof text - 1;
    for (size_t i = 0; i < len; i++)
        text[i] = name->s[i] >= ' ' && name->s[i] < 127 ? name->s[i] : '.';
    text[len] = '\0';
    buf_addf(&conn->reply, "-ERR unknown %s '%s'\r\n", what, text);
}

static bool subscribes(const struct conn *conn) {
    return conn->channels.count + conn->patterns.count != 0;
}

static void command_ping(struct conn *conn, const struct arg *args, size_t count) {
    if (subscribes(conn)) { /* so that a reply is told from a message */
        resp_array(&conn->reply, 2);
        resp_string(&conn->reply, "pong");
        resp_bulk(&conn->reply, count == 2 ? args[1].s : "", count == 2 ? args[1].len : 0);
    } else if (count == 2) {
        resp_bulk(&conn->reply, args[1].s, args[1].len);
    } else {
        buf_addf(&conn->reply, "+PONG\r\n");
    }
}

static void command_echo(struct conn *conn, const struct arg *args, size_t count) {
    (void)count;
    resp_bulk(&conn->reply, args[1].s, args[1].len);
}

static void command_quit(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    resp_ok(&conn->reply);
    conn_finish(conn);
}

/* HELLO [2 [AUTH user password] [SETNAME name]] */
static void command_hello(struct conn *conn, const struct arg *args, size_t count) {
    long version = 2;
    if (count > 1 && resp_number(args[1].s, args[1].len, &version) != 0) {
        buf_addf(&conn->reply, "-ERR Protocol version is not an integer or out of range\r\n");
        return;
    }
    if (version != 2) {
        buf_addf(&conn->reply, "-NOPROTO unsupported protocol version\r\n");
        return;
    }
    for (size_t i = 2; i < count; i++) {
        if (arg_is(&args[i], "SETNAME") && i + 1 < count) {
            if (!client_set_name(conn, &args[++i]))
                return;
        } else if (arg_is(&args[i], "AUTH") && i + 2 < count) {
            i += 2; /* there are no users */
        } else {
            buf_addf(&conn->reply, "-ERR syntax error in HELLO\r\n");
            return;
        }
    }
    resp_array(&conn->reply, 14);
    const char *pairs[] = {"server", "weakrt-broker", "version", "7.0.0",
                           "mode",   "standalone",    "role",    "master"};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        resp_string(&conn->reply, pairs[i]);
    resp_string(&conn->reply, "proto");
    resp_integer(&conn->reply, 2);
    resp_string(&conn->reply, "id");
    resp_integer(&conn->reply, conn->id);
    resp_string(&conn->reply, "modules");
    resp_array(&conn->reply, 0);
}

/* CONFIG GET pattern ... */
static void command_config(struct conn *conn, const struct arg *args, size_t count) {
    char limit[32], bulk[32];
    (void)snprintf(limit, sizeof limit, "%zu", conn_output_limit);
    (void)snprintf(bulk, sizeof bulk, "%ld", (long)RESP_MAX_BULK);
    const char *settings[][2] = {
        {"save", ""}, {"appendonly", "no"}, {"proto-max-bulk-len", bulk}, {"output-limit", limit}};
    enum { SETTINGS = sizeof settings / sizeof settings[0] };
    if (count < 3 || !arg_is(&args[1], "GET")) {
        reply_unknown(conn, "subcommand", &args[1]);
        return;
    }
    bool wanted[SETTINGS] = {false};
    size_t found = 0;
    for (size_t i = 0; i < SETTINGS; i++) {
        for (size_t j = 2; j < count; j++)
            wanted[i] |= glob_match(args[j].s, args[j].len, settings[i][0], strlen(settings[i][0]));
        found += wanted[i];
    }
    resp_array(&conn->reply, 2 * found);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (wanted[i]) {
            resp_string(&conn->reply, settings[i][0]);
            resp_string(&conn->reply, settings[i][1]);
        }
    }
}

static void command_command(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    resp_array(&conn->reply, 0);
}

static void command_shutdown(struct conn *conn, const struct arg *args, size_t count) {
    (void)conn, (void)args, (void)count;
    loops_stop();
}

/* A web page that makes a browser send these would have the rest of its request run as commands. */
static void command_not_here(struct conn *conn, const struct arg *args, size_t number) {
    (void)args, (void)number;
    count(PROTOCOL_ERRORS, 1);
    conn_finish(conn);
}

static const struct command {
    const char *name;
    size_t min, max;     /* arguments, the name included */
    int when_subscribed; /* 1: allowed then too */
    void (*run)(struct conn *conn, const struct arg *args, size_t count);
} commands[] = {
    {"PING", 1, 2, 1, command_ping},
    {"PUBLISH", 3, 3, 0, command_publish},
    {"SUBSCRIBE", 2, RESP_MAX_ARGS, 1, command_subscribe},
    {"PSUBSCRIBE", 2, RESP_MAX_ARGS, 1, command_psubscribe},
    {"UNSUBSCRIBE", 1, RESP_MAX_ARGS, 1, command_unsubscribe},
    {"PUNSUBSCRIBE", 1, RESP_MAX_ARGS, 1, command_punsubscribe},
    {"PUBSUB", 2, RESP_MAX_ARGS, 0, command_pubsub},
    {"ECHO", 2, 2, 0, command_echo},
    {"QUIT", 1, RESP_MAX_ARGS, 1, command_quit},
    {"HELLO", 1, 7, 0, command_hello},
    {"CLIENT", 2, 16, 0, command_client},
    {"INFO", 1, RESP_MAX_ARGS, 0, command_info},
    {"CONFIG", 2, RESP_MAX_ARGS, 0, command_config},
    {"COMMAND", 1, RESP_MAX_ARGS, 0, command_command},
    {"SHUTDOWN", 1, 4, 0, command_shutdown},
    {"GET", 3, 3, 0, command_http},
    {"POST", 1, RESP_MAX_ARGS, 1, command_not_here},
    {"Host:", 1, RESP_MAX_ARGS, 1, command_not_here},
};

void command_run(struct conn *conn, const struct arg *args, size_t number) {
    count(COMMANDS, 1);
    const struct command *command = commands, *end = commands + sizeof commands / sizeof commands[0];
    while (command < end && !arg_is(&args[0], command->name))
        command++;
    if (command == end || (command->run == command_http && number < 3)) {
        reply_unknown(conn, "command", &args[0]);
    } else if (number < command->min || number > command->max) {
        buf_addf(&conn->reply, "-ERR wrong number of arguments for '%s' command\r\n", command->name);
    } else if (subscribes(conn) && !command->when_subscribed) {
        buf_addf(
            &conn->reply,
            "-ERR Can't execute '%s': only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT are allowed in this "
            "context\r\n",
            command->name);
    } else {
        command->run(conn, args, number);
    }
}
