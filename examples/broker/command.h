/* SPDX-License-Identifier: MIT */
/* Commands. Each runs on the loop of its connection and adds its reply to conn->reply. */
#ifndef BROKER_COMMAND_H
#define BROKER_COMMAND_H

#include "conn.h"

void command_run(struct conn *conn, const struct arg *args, size_t number);

/* Tell whether an argument is a word, in any case. */
bool arg_is(const struct arg *arg, const char *word);
/* -ERR and a name that was given, made safe to print. */
void reply_unknown(struct conn *conn, const char *what, const struct arg *name);

void command_subscribe(struct conn *conn, const struct arg *args, size_t count);
void command_psubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_unsubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_punsubscribe(struct conn *conn, const struct arg *args, size_t count);
void command_publish(struct conn *conn, const struct arg *args, size_t count);
void command_pubsub(struct conn *conn, const struct arg *args, size_t count);
void command_client(struct conn *conn, const struct arg *args, size_t count);
void command_info(struct conn *conn, const struct arg *args, size_t count);
void command_http(struct conn *conn, const struct arg *args, size_t count);

/* Give a connection a name. Returns false: the name will not do; the reply says so. */
bool client_set_name(struct conn *conn, const struct arg *name);

#endif
