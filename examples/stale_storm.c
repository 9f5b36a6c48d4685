/* SPDX-License-Identifier: MIT */
/*
 * A storm of stale handles, seen in the statistics: each connection has a timer that refers to it weakly. Connections
 * that close do not stop their timers, so that the work is refused, correctly, again and again. Nothing is wrong with
 * memory; the server is only busy with nothing, and the number that says so is the one that rises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = 64};

enum { CONNS = 100, TICKS = 50 };
static wr_weakref *timers[CONNS];
static unsigned long
    stale_values; /* weak values are refused in a nanosecond; who wants to count them does it there */

static void tick(void) {
    for (int i = 0; i < CONNS; i++) {
        void *conn;
        if (wr_weakref_get(timers[i], &conn) == 0) {
            stale_values += wr_weak_get(wr_weakref_value(timers[i])) == NULL; /* the same, by value */
            continue; /* and nobody removes the timer */
        }
        wr_release(conn);
    }
}

int main(void) {
    void *conns[CONNS];
    for (int i = 0; i < CONNS; i++) {
        REQUIRE((conns[i] = wr_new(&conn_type)) != NULL);
        REQUIRE((timers[i] = wr_weakref_new(conns[i], NULL, NULL)) != NULL);
    }
    for (int t = 0; t < TICKS; t++) {
        for (int i = 0; t == 10 && i < 90; i++)
            wr_release(conns[i]); /* a rack of clients goes away */
        tick();
        wr_stats stats;
        wr_stats_get(&stats, sizeof stats);
        if (t == 9 || t == 10 || t == TICKS - 1)
            printf("tick %d: objects alive: %lu, stale_refs: %lu\n", t, (unsigned long)stats.live,
                   (unsigned long)stats.stale_refs);
    }
    REQUIRE(stale_values == 90 * (TICKS - 10));
    REQUIRE(wr_report_live(stdout) == 0); /* more weakrefs than there is to refer to */

    for (int i = 90; i < CONNS; i++)
        wr_release(conns[i]);
    for (int i = 0; i < CONNS; i++)
        wr_release(timers[i]);
    return 0;
}
