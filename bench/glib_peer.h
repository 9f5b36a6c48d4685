/* SPDX-License-Identifier: MIT */
/* What the files with rows of GLib share: an object type for each payload. */
#ifndef WR_BENCH_GLIB_PEER_H
#define WR_BENCH_GLIB_PEER_H

#include "work.h"

#define HAVE_GLIB __has_include(<glib-object.h>)
#if HAVE_GLIB
#include <glib-object.h>

/* The type of objects with that many bytes after the GObject. */
GType glib_type(size_t payload);

static inline void *glib_payload(void *obj) {
    return (char *)obj + sizeof(GObject);
}
#endif

#endif /* WR_BENCH_GLIB_PEER_H */
