/* SPDX-License-Identifier: MIT */
/*
 * A cycle, found by the cycle report: a connection owns its session, and the session owns its connection. Neither is
 * ever destroyed. `cycle graph | dot -Tsvg` draws it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

/* Both kinds have the same shape, for brevity. */
struct part {
    struct part *other; /* owned */
};

static void part_destroy(void *self) {
    wr_release(((struct part *)self)->other);
}

/* One line for each field that owns: that is all the report needs. */
static void conn_trace(void *self, wr_visit visit, void *arg) {
    visit(((struct part *)self)->other, "session", arg);
}
static void session_trace(void *self, wr_visit visit, void *arg) {
    visit(((struct part *)self)->other, "conn", arg);
}

static const wr_type conn_type = {.abi = WR_TYPE_ABI,
                                  .name = "conn",
                                  .size = sizeof(struct part),
                                  .destroy = part_destroy,
                                  .trace = conn_trace};
static const wr_type session_type = {.abi = WR_TYPE_ABI,
                                     .name = "session",
                                     .size = sizeof(struct part),
                                     .destroy = part_destroy,
                                     .trace = session_trace};

int main(int argc, char **argv) {
    (void)argv;
    struct part *conn = wr_new(&conn_type);
    struct part *session = wr_new(&session_type);
    REQUIRE(conn != NULL && session != NULL);
    conn->other = session; /* the session's only reference */
    session->other = wr_retain(conn);

    wr_release(conn); /* the server lets go, and nothing happens */

    REQUIRE(wr_report_cycles(stdout, argc > 1 ? WR_GRAPHVIZ : WR_TEXT) == 0);

    struct part *closing = session->other; /* what a weak session.conn would not have owned */
    session->other = NULL;
    wr_release(closing);
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    REQUIRE(stats.live == 0);
    return 0;
}
