/* SPDX-License-Identifier: MIT */
/* weakrt's weakref objects and callbacks. */
#include "weakrt_peer.h"

static __thread uint64_t fired;
static void count_fired(wr_weakref *ref, void *arg) {
    (void)ref;
    (void)arg;
    fired++;
}

struct watch {
    wr_weakref *ref;
};
struct ref {
    wr_weakref *ref;
};

static void *watched_new(void) {
    return make(&payload_type);
}
static void watched_release(void *obj) {
    wr_release(obj);
}
static void watch_set(struct watch *watch, void *obj) {
    watch->ref = wr_weakref_new(obj, count_fired, NULL);
    BENCH_CHECK(watch->ref != NULL);
}
static void watch_cancel(struct watch *watch, void *obj) {
    (void)obj;
    wr_release(watch->ref); /* not taken yet, and no other thread: it will not run (S17) */
}
static void watch_drop(struct watch *watch) {
    wr_release(watch->ref);
}
static void ref_set(struct ref *ref, void *obj) {
    ref->ref = wr_weakref_new(obj, NULL, NULL);
    BENCH_CHECK(ref->ref != NULL);
}
static void ref_drop(struct ref *ref) {
    wr_release(ref->ref);
}
static void *ref_get(struct ref *ref) {
    void *obj;
    BENCH_CHECK(wr_weakref_get(ref->ref, &obj) == 1);
    return obj;
}
static void weakrefs_enter(void) {
}
static void weakrefs_leave(void) {
}

#include "rows_weakrefs.h"
