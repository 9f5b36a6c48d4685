/* SPDX-License-Identifier: MIT */
/* The table of commands, and those that need no file of their own. */
#include "command.h"

#include <string.h>
#include <strings.h>

#include "counters.h"
#include "glob.h"
#include "loop.h"

bool arg_is(const struct arg *arg, const char *word) {
    return strlen(word) == arg->len && strncasecmp(word, arg->s, arg->len) == 0;
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

/* CONFIG GET pattern ... */
static void config_get(struct conn *conn, const struct arg *args, size_t count) {
    char limit[32], bulk[32];
    (void)snprintf(limit, sizeof limit, "%zu", conn_output_limit);
    (void)snprintf(bulk, sizeof bulk, "%ld", (long)RESP_MAX_BULK);
    const char *settings[][2] = {
        {"save", ""}, {"appendonly", "no"}, {"proto-max-bulk-len", bulk}, {"output-limit", limit}};
    enum { SETTINGS = sizeof settings / sizeof settings[0] };
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

/* Of commands nothing is described: redis-cli, which asks, does without. */
static void command_command(struct conn *conn, const struct arg *args, size_t count) {
    (void)args, (void)count;
    resp_array(&conn->reply, 0);
}

/* SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE]; there is nothing to save, so that all mean the same. */
static void command_shutdown(struct conn *conn, const struct arg *args, size_t count) {
    bool known = true;
    for (size_t i = 1; i < count; i++)
        known &= arg_is(&args[i], "NOSAVE") || arg_is(&args[i], "SAVE") || arg_is(&args[i], "NOW") ||
                 arg_is(&args[i], "FORCE");
    if (known)
        loops_stop();
    else
        buf_addf(&conn->reply, "-ERR syntax error\r\n");
}

/* A web page that makes a browser send these would have the rest of its request run as commands. */
static void command_not_here(struct conn *conn, const struct arg *args, size_t number) {
    (void)args, (void)number;
    count(PROTOCOL_ERRORS, 1);
    conn_finish(conn);
}

static const struct command config_commands[] = {{"get", 3, RESP_MAX_ARGS, 0, config_get, NULL}, {0}};
static const struct command command_commands[] = {{"docs", 2, RESP_MAX_ARGS, 0, command_command, NULL}, {0}};

static const struct command commands[] = {{"ping", 1, 2, 1, command_ping, NULL},
                                          {"publish", 3, 3, 0, command_publish, NULL},
                                          {"subscribe", 2, RESP_MAX_ARGS, 1, command_subscribe, NULL},
                                          {"psubscribe", 2, RESP_MAX_ARGS, 1, command_psubscribe, NULL},
                                          {"unsubscribe", 1, RESP_MAX_ARGS, 1, command_unsubscribe, NULL},
                                          {"punsubscribe", 1, RESP_MAX_ARGS, 1, command_punsubscribe, NULL},
                                          {"pubsub", 2, RESP_MAX_ARGS, 0, NULL, pubsub_commands},
                                          {"echo", 2, 2, 0, command_echo, NULL},
                                          {"quit", 1, RESP_MAX_ARGS, 1, command_quit, NULL},
                                          {"hello", 1, RESP_MAX_ARGS, 0, command_hello, NULL},
                                          {"client", 2, RESP_MAX_ARGS, 0, NULL, client_commands},
                                          {"info", 1, RESP_MAX_ARGS, 0, command_info, NULL},
                                          {"config", 2, RESP_MAX_ARGS, 0, NULL, config_commands},
                                          {"command", 1, RESP_MAX_ARGS, 0, command_command, command_commands},
                                          {"shutdown", 1, RESP_MAX_ARGS, 0, command_shutdown, NULL},
                                          {"post", 1, RESP_MAX_ARGS, 1, command_not_here, NULL},
                                          {"host:", 1, RESP_MAX_ARGS, 1, command_not_here, NULL},
                                          {0}};
/* GET path HTTP/1.x; any other GET is Redis's, and unknown here. */
static const struct command http_get = {"get", 3, 3, 0, command_http, NULL};

static const struct command *find(const struct command *table, const struct arg *name) {
    while (table->name != NULL && !arg_is(name, table->name))
        table++;
    return table->name == NULL ? NULL : table;
}

void reply_quoted(struct buf *reply, const struct arg *arg, size_t max) {
    size_t len = arg->len < max ? arg->len : max;
    buf_add(reply, "'", 1);
    for (size_t i = 0; i < len; i++)
        buf_add(reply, (unsigned char)arg->s[i] < ' ' ? " " : &arg->s[i], 1);
    buf_add(reply, "'", 1);
}

enum { SHOWN = 128 }; /* bytes of what is unknown, and of its arguments together */

static void unknown_command(struct conn *conn, const struct arg *args, size_t count) {
    buf_addf(&conn->reply, "-ERR unknown command ");
    reply_quoted(&conn->reply, &args[0], SHOWN);
    buf_addf(&conn->reply, ", with args beginning with: ");
    size_t before = conn->reply.len;
    for (size_t i = 1; i < count && conn->reply.len - before < SHOWN && !conn->reply.failed; i++) {
        reply_quoted(&conn->reply, &args[i], SHOWN - (conn->reply.len - before));
        buf_add(&conn->reply, " ", 1);
    }
    buf_add(&conn->reply, "\r\n", 2);
}

static void unknown_subcommand(struct conn *conn, const struct arg *name) {
    buf_addf(&conn->reply, "-ERR unknown subcommand ");
    reply_quoted(&conn->reply, name, SHOWN);
    buf_add(&conn->reply, "\r\n", 2);
}

void command_run(struct conn *conn, const struct arg *args, size_t number) {
    count(COMMANDS, 1);
    const struct command *parent = NULL, *command = find(commands, &args[0]);
    if (command == NULL && number == http_get.max && arg_is(&args[0], http_get.name))
        command = &http_get;
    if (command == NULL) {
        unknown_command(conn, args, number);
        return;
    }
    if (command->subcommands != NULL && number > 1) {
        parent = command;
        command = find(parent->subcommands, &args[1]);
        if (command == NULL) {
            unknown_subcommand(conn, &args[1]);
            return;
        }
    }
    const char *first = parent == NULL ? "" : parent->name, *mark = parent == NULL ? "" : "|";
    if (number < command->min || number > command->max)
        buf_addf(&conn->reply, "-ERR wrong number of arguments for '%s%s%s' command\r\n", first, mark,
                 command->name);
    else if (subscribes(conn) && !command->when_subscribed)
        buf_addf(
            &conn->reply,
            "-ERR Can't execute '%s%s%s': only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT are allowed in "
            "this context\r\n",
            first, mark, command->name);
    else
        command->run(conn, args, number);
}
