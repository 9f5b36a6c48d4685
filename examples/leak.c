/* SPDX-License-Identifier: MIT */
/*
 * A leak, found by the live report: a cache of answers keeps a reference to each session it has an answer for, and
 * nobody told it that sessions end. The server kills a session when its peer goes, so that what is still held is named
 * first; and it takes references by wr_hold, so that the place is named too. WEAKRT_DEBUG=holders in the environment is
 * what a program as it is would be started with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct session {
    int peer;
};
static const wr_type session_type = {.abi = WR_TYPE_ABI, .name = "session", .size = sizeof(struct session)};
static const wr_type buffer_type = {.abi = WR_TYPE_ABI, .name = "buffer", .size = 4000};

struct answer {
    struct session *session;
    wr_holder holder;
};
static struct answer answers[8]; /* the cache */

static void remember(struct session *session) {
    struct answer *answer = &answers[session->peer % 8];
    answer->session = wr_hold(session, &answer->holder); /* and who gives it back? */
}

static void forget(struct answer *answer) {
    wr_drop(answer->session, &answer->holder);
    answer->session = NULL;
}

static void serve(int peer) {
    struct session *session = wr_new(&session_type);
    REQUIRE(session != NULL);
    session->peer = peer;
    if (peer % 2 == 1)
        remember(session);
    if (peer == 3)
        forget(&answers[3]); /* the one case somebody thought of */
    wr_kill(session);        /* the peer is gone */
    wr_release(session);
}

int main(void) {
    REQUIRE(wr_debug("holders") == 0);
    void *buffer = wr_new(&buffer_type);
    REQUIRE(buffer != NULL);
    for (int peer = 1; peer <= 8; peer++)
        serve(peer);

    REQUIRE(wr_report_live(stdout) == 0); /* on a signal, or by an admin command */

    for (int i = 0; i < 8; i++)
        wr_drop(answers[i].session, &answers[i].holder);
    wr_release(buffer);
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    REQUIRE(stats.live == 0 && stats.killed == 8);
    return 0;
}
