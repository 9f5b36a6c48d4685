/* SPDX-License-Identifier: MIT */
/*
 * A reference that is given up twice: by the timeout, and by the reader that finds the connection closed. What the
 * library says names the place of both, and where the reference came from. A program as it is would be started with
 * WEAKRT_DEBUG=holders in the environment; the message would go to standard error, and the process would abort.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct conn {
    int fd;
};
static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct conn)};

static struct conn *conn;
static wr_holder loops; /* the event loop's reference */

static void on_timeout(void) {
    wr_drop(conn, &loops);
}

static void on_readable(void) {
    wr_drop(conn, &loops); /* the timeout did that */
}

/* Prints the message without the address, and ends the process well: this is what was to be shown. */
static void show(const char *message) {
    const char *address = strstr(message, "(0x");
    const char *rest = address != NULL ? strchr(address, ')') : NULL;
    REQUIRE(rest != NULL);
    printf("%.*s(...%s\n", (int)(address - message), message, rest);
    exit(0);
}

int main(void) {
    wr_set_fatal_handler(show);
    REQUIRE(wr_debug("holders") == 0);
    struct conn *worker = wr_new(&conn_type);
    REQUIRE(worker != NULL);
    conn = wr_hold(worker, &loops);
    on_timeout();
    on_readable();
    return 1; /* it was not noticed */
}
