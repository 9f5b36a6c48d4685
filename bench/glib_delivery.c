/* SPDX-License-Identifier: MIT */
/* Delivery with GLib: what has to be done in the loop becomes an idle source of its context. */
#include "glib_peer.h"

#if HAVE_GLIB
static GMainContext *context;
static uint64_t delivered;

static gboolean count_delivered(gpointer data) {
    (void)data;
    delivered++;
    return G_SOURCE_REMOVE;
}
static gboolean destroy_here(gpointer obj) {
    g_object_unref(obj);
    delivered++;
    return G_SOURCE_REMOVE;
}

static void post(GSourceFunc function, gpointer data) {
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, function, data, NULL);
    g_source_attach(source, context);
    g_source_unref(source);
}

static void post_count(gpointer data, GObject *obj) {
    (void)data;
    (void)obj;
    post(count_delivered, NULL);
}

static void delivery_prepare(void) {
    context = g_main_context_new();
}
static void *later_new(void) {
    return g_object_new(glib_type(sizeof(struct payload)), NULL);
}
static void later_die(void *obj) {
    post(destroy_here, obj);
}
static void *delivery_new(void) {
    GObject *obj = later_new();
    g_object_weak_ref(obj, post_count, NULL);
    return obj;
}
static void delivery_die(void *obj) {
    g_object_unref(obj);
}
static void delivery_run(uint64_t until) {
    while (delivered < until)
        g_main_context_iteration(context, TRUE);
}

#include "rows_delivery.h"
#endif
