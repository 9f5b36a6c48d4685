/* SPDX-License-Identifier: MIT */
/* GLib's weak references: GWeakRef, and g_object_weak_ref for callbacks. */
#include "glib_peer.h"

#if HAVE_GLIB
static __thread uint64_t fired;
static void count_fired(gpointer data, GObject *obj) {
    (void)data;
    (void)obj;
    fired++;
}

struct watch {
    char none; /* known by function and data alone */
};
struct ref {
    GWeakRef ref;
};

static void *watched_new(void) {
    return g_object_new(glib_type(sizeof(struct payload)), NULL);
}
static void watched_release(void *obj) {
    g_object_unref(obj);
}
static void watch_set(struct watch *watch, void *obj) {
    g_object_weak_ref(obj, count_fired, watch);
}
static void watch_cancel(struct watch *watch, void *obj) {
    g_object_weak_unref(obj, count_fired, watch);
}
static void watch_drop(struct watch *watch) {
    (void)watch;
}
static void ref_set(struct ref *ref, void *obj) {
    g_weak_ref_init(&ref->ref, obj);
}
static void ref_drop(struct ref *ref) {
    g_weak_ref_clear(&ref->ref);
}
static void *ref_get(struct ref *ref) {
    return g_weak_ref_get(&ref->ref);
}
static void weakrefs_enter(void) {
}
static void weakrefs_leave(void) {
}

#include "rows_weakrefs.h"
#endif
