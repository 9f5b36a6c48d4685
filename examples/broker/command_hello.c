/* SPDX-License-Identifier: MIT */
/* HELLO: which protocol is spoken. It is RESP2. */
#include "command.h"

static void describe(struct conn *conn) {
    resp_array(&conn->reply, 14);
    resp_string(&conn->reply, "server");
    resp_string(&conn->reply, "weakrt-broker");
    resp_string(&conn->reply, "version");
    resp_string(&conn->reply, "7.0.0");
    resp_string(&conn->reply, "proto");
    resp_integer(&conn->reply, 2);
    resp_string(&conn->reply, "id");
    resp_integer(&conn->reply, conn->id);
    resp_string(&conn->reply, "mode");
    resp_string(&conn->reply, "standalone");
    resp_string(&conn->reply, "role");
    resp_string(&conn->reply, "master");
    resp_string(&conn->reply, "modules");
    resp_array(&conn->reply, 0);
}

/* HELLO [2 [AUTH user password] [SETNAME name]]; there is one user, and any password will do, as in a Redis that has
 * none. */
void command_hello(struct conn *conn, const struct arg *args, size_t count) {
    const struct arg *user = NULL, *name = NULL;
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
            name = &args[++i];
        } else if (arg_is(&args[i], "AUTH") && i + 2 < count) {
            user = &args[i + 1];
            i += 2;
        } else {
            buf_addf(&conn->reply, "-ERR Syntax error in HELLO option ");
            reply_quoted(&conn->reply, &args[i], 128);
            buf_add(&conn->reply, "\r\n", 2);
            return;
        }
    }
    if (user != NULL && !(user->len == 7 && arg_is(user, "default")))
        buf_addf(&conn->reply, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    else if (name == NULL || client_set_name(conn, name))
        describe(conn);
}
