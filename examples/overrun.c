/* SPDX-License-Identifier: MIT */
/*
 * A name that is longer than the room for it. With WEAKRT_DEBUG=guard in the environment (here by wr_debug) what is
 * behind an object is looked at when it dies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct conn {
    uint64_t id;
    char name[16];
};
static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct conn)};

/* Copies without a look at the room there is. */
static void copy(char *to, const char *from) {
    while ((*to++ = *from++) != '\0')
        ;
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
    REQUIRE(wr_debug("guard,holders") == 0);
    struct conn *conn = wr_new(&conn_type);
    REQUIRE(conn != NULL);
    wr_holder held;
    wr_track(conn, &held);
    copy(conn->name, "a-host.example.net");
    wr_drop(conn, &held);
    return 1; /* it was not noticed */
}
