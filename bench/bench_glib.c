/* SPDX-License-Identifier: MIT */
/* GLib: GObject and GWeakRef. Its other rows are in glib_<subject>.c. */
#include "glib_peer.h"

#if HAVE_GLIB
#include <malloc.h>

#define TEXT(x) #x
#define VERSION_TEXT(x) TEXT(x)
const char bench_peer[] =
    "GLib " VERSION_TEXT(GLIB_MAJOR_VERSION) "." VERSION_TEXT(GLIB_MINOR_VERSION) " GObject and "
                                                                                  "GWeakRef";

static GType make_type(const char *name, size_t payload) {
    return g_type_register_static_simple(G_TYPE_OBJECT, name, sizeof(GObjectClass), NULL,
                                         (guint)(sizeof(GObject) + payload), NULL, G_TYPE_FLAG_FINAL);
}

static GType types[3];
__attribute__((constructor)) static void make_types(void) {
    types[0] = make_type("BenchPayload", sizeof(struct payload));
    types[1] = make_type("BenchSmall", sizeof(struct small_payload));
    types[2] = make_type("BenchBig", sizeof(struct big_payload));
}

GType glib_type(size_t payload) {
    return types[payload == sizeof(struct payload) ? 0 : payload == sizeof(struct small_payload) ? 1 : 2];
}

#define PEER static inline __attribute__((always_inline))
typedef GWeakRef peer_weak;

PEER void *peer_new(size_t size) {
    return g_object_new(glib_type(size), NULL);
}
PEER void *peer_payload(void *obj) {
    return glib_payload(obj);
}
PEER void peer_retain(void *obj) {
    g_object_ref(obj);
}
PEER void peer_release(void *obj) {
    g_object_unref(obj);
}
PEER unsigned peer_count(void *obj) {
    return ((GObject *)obj)->ref_count;
}
PEER void peer_weak_set(peer_weak *weak, void *obj) {
    g_weak_ref_init(weak, obj);
}
PEER void *peer_weak_get(peer_weak *weak) {
    return g_weak_ref_get(weak);
}
PEER void peer_weak_copy(peer_weak *to, peer_weak *from) {
    GObject *strong = g_weak_ref_get(from);
    g_weak_ref_init(to, strong);
    if (strong != NULL)
        g_object_unref(strong);
}
PEER void peer_weak_drop(peer_weak *weak) {
    g_weak_ref_clear(weak);
}
PEER bool peer_weak_dead(peer_weak *weak) {
    GObject *strong = g_weak_ref_get(weak);
    if (strong != NULL)
        g_object_unref(strong);
    return strong == NULL;
}
PEER void peer_trim(void) {
    malloc_trim(0);
}

#include "rows_core.h"
#else
const char bench_peer[] = "GLib";
BENCH_MISSING("libglib2.0-dev");
#endif
