/* SPDX-License-Identifier: MIT */
/*
 * Weak references to a struct that has a reference count of its own, in a program that has thousands of calls of
 * session_ref and session_unref. The struct stays where it is and counts as it did. A box stands for it: the box has
 * one of its references, and the weak value is the box's. Whoever looks it up gets an ordinary reference of the old
 * kind.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

/* ---- as it was ---- */

struct session {
    atomic_int refs;
    int number;
    void *box; /* added: the owner's, until session_close */
};

static atomic_int freed;

static void session_unref(void *arg) {
    struct session *session = arg;
    if (atomic_fetch_sub(&session->refs, 1) == 1) {
        freed++;
        free(session);
    }
}

static void session_ref(struct session *session) {
    atomic_fetch_add(&session->refs, 1);
}

/* ---- added ---- */

static struct session *session_new(int number) {
    struct session *session = calloc(1, sizeof *session);
    REQUIRE(session != NULL);
    session->refs = 2; /* the caller's, and the box's */
    session->number = number;
    REQUIRE((session->box = wr_box_new(session, session_unref)) != NULL);
    return session;
}

static wr_weak session_weak(const struct session *session) {
    return wr_weak_of(session->box);
}

/* Give a reference to the session, or NULL when it was closed. */
static struct session *session_find(wr_weak weak) {
    void *box = wr_weak_get(weak);
    struct session *session = wr_box_get(box); /* NULL for NULL */
    if (session != NULL)
        session_ref(session); /* the box, which we hold, has a reference: this one is not the first */
    wr_release(box);
    return session;
}

/* Nobody finds it from now on; who has it goes on. The owner calls this once, and unrefs as ever. */
static void session_close(struct session *session) {
    REQUIRE(wr_kill(session->box) == 1);
    wr_release(session->box);
}

static void *look_up(void *arg) {
    wr_weak weak = *(wr_weak *)arg;
    for (struct session *session; (session = session_find(weak)) != NULL; session_unref(session))
        REQUIRE(session->number == 7);
    return NULL;
}

int main(void) {
    struct session *session = session_new(7);
    wr_weak weak = session_weak(session);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, look_up, &weak) == 0);
    struct session *found = session_find(weak);
    session_close(session);
    session_unref(session);
    REQUIRE(pthread_join(thread, NULL) == 0); /* it saw the end */
    REQUIRE(session_find(weak) == NULL && freed == 0 && found->number == 7);
    session_unref(found);
    REQUIRE(freed == 1);
    puts("found while open, not found when closed, freed by its last user");
    return 0;
}
