/* SPDX-License-Identifier: MIT */
/* Commands. Each runs on the loop of its connection and adds its reply to conn->reply. */
#ifndef BROKER_COMMAND_H
#define BROKER_COMMAND_H

#include "conn.h"

struct command {
    const char *name;
    size_t min, max;     /* arguments, the name included; of a subcommand, the command's too */
    int when_subscribed; /* 1: allowed then too */
    void (*run)(struct conn *conn, const struct arg *args, size_t count);
    const struct command *subcommands; /* or NULL; the last has no name */
};

extern const struct command pubsub_commands[], client_commands[];

void command_run(struct conn *conn, const struct arg *args, size_t number);

/* Tell whether an argument is a word, in any case. */
bool arg_is(const struct arg *arg, const char *word);
/* Add what was given to an error reply, in quotes, made safe to print, and not more than `max` bytes of it. */
void reply_quoted(struct buf *reply, const struct arg *arg, size_t max);

void command_subscribe(struct conn *conn, const struct arg *args, size_t count);
void command_psubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_unsubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_punsubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_publish(struct conn *conn, const struct arg *args, size_t count);
void command_hello(struct conn *conn, const struct arg *args, size_t count);
void command_info(struct conn *conn, const struct arg *args, size_t count);
void command_http(struct conn *conn, const struct arg *args, size_t count);

/* Give a connection a name. Returns false: the name will not do; the reply says so. */
bool client_set_name(struct conn *conn, const struct arg *name);

#endif
