/* SPDX-License-Identifier: MIT */
/* A program for tests/debugging/run to look at: some objects, in variables of known names. `subject busy` does what
 * there are probes for, until it is killed. */
#include <weakrt.h>

/* A probe of its own beside the library's, where that has some. */
#if defined(__has_include) && !defined(__clang__)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif
#endif
#ifndef DTRACE_PROBE
#define DTRACE_PROBE(provider, name) ((void)0)
#endif

struct part {
    void *other;
};
static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = sizeof(struct part)};
static const wr_type session_type = {.abi = WR_TYPE_ABI, .name = "session", .size = sizeof(struct part)};

struct part *conn;
struct part *session;
void *gone;
wr_weak to_conn, to_session, to_gone, to_nothing;
wr_weakref *ref;
wr_cell cell;
wr_holder held, held_too;

void stop_here(void);
void stop_here(void) {
    DTRACE_PROBE(subject, stops);
}

static void on_death(wr_weakref *self, void *arg) {
    (void)self, (void)arg;
}

static _Noreturn void be_busy(void) {
    for (;;) {
        void *obj = wr_new(&conn_type);
        wr_weak value = wr_weak_of(obj);
        wr_weakref *watcher = wr_weakref_new(obj, on_death, NULL);
        wr_release(obj);
        wr_release(wr_weak_get(value));
        wr_release(watcher);
    }
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1)
        be_busy();
    conn = wr_new(&conn_type);
    session = wr_new(&session_type);
    gone = wr_new(&conn_type);
    ref = wr_weakref_new(conn, NULL, NULL);
    if (!conn || !session || !gone || !ref)
        return 1;
    session->other = wr_retain(conn);
    to_conn = wr_weak_of(conn);
    to_session = wr_weak_of(session);
    to_gone = wr_weak_of(gone);
    wr_cell_store(&cell, conn);
    wr_release(gone);
    wr_kill(session);
    wr_debug("holders");
    wr_hold_at(conn, &held, "subject.c:1");
    wr_hold_at(conn, &held_too, "subject.c:1");
    stop_here();
    return 0;
}
