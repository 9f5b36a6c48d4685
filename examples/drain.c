/* SPDX-License-Identifier: MIT */
/*
 * Shutdown: sessions are owned by the main thread and used by workers, who find them by weak values. All are killed
 * first, so that all end at the same time; then each is waited for. When that is over no destroy is left, and what
 * sessions use may be taken down.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

enum { SESSIONS = 4 };

static FILE *journal; /* every session's end is written there */
static sem_t begun;

struct session {
    int number;
};

static void session_destroy(void *self) {
    (void)fprintf(journal, "session %d ended\n", ((struct session *)self)->number);
}

static const wr_type session_type = {
    .abi = WR_TYPE_ABI, .name = "session", .size = sizeof(struct session), .destroy = session_destroy};

/* One piece of work after the other, until the session is closed; the last one may outlast that. */
static void *serve(void *arg) {
    wr_weak weak = *(wr_weak *)arg;
    REQUIRE(sem_post(&begun) == 0);
    for (struct session *session; (session = wr_weak_get(weak)) != NULL; wr_release(session))
        REQUIRE(session->number >= 0);
    return NULL;
}

/* Give up all sessions. Returns how many were still held after the time was up. */
static int drain(struct session **sessions, int count, int timeout_ms) {
    int held = 0;
    for (int i = 0; i < count; i++)
        (void)wr_kill(sessions[i]);
    for (int i = 0; i < count; i++)
        held += wr_kill_wait(sessions[i], timeout_ms) == -ETIMEDOUT;
    if (held > 0)
        (void)wr_report_live(stderr); /* begins with those */
    return held;
}

int main(void) {
    struct session *sessions[SESSIONS];
    wr_weak weak[SESSIONS];
    pthread_t threads[SESSIONS];
    journal = tmpfile();
    REQUIRE(journal != NULL && sem_init(&begun, 0, 0) == 0);
    for (int i = 0; i < SESSIONS; i++) {
        REQUIRE((sessions[i] = wr_new(&session_type)) != NULL);
        sessions[i]->number = i;
        weak[i] = wr_weak_of(sessions[i]);
        REQUIRE(pthread_create(&threads[i], NULL, serve, &weak[i]) == 0);
    }
    for (int i = 0; i < SESSIONS; i++)
        REQUIRE(sem_wait(&begun) == 0);

    REQUIRE(drain(sessions, SESSIONS, 10000) == 0);
    int lines = 0;
    rewind(journal);
    for (int c; (c = getc(journal)) != EOF;)
        lines += c == '\n';
    (void)fclose(journal); /* nobody is left who would write to it */
    printf("%d sessions drained\n", lines);
    for (int i = 0; i < SESSIONS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    return 0;
}
