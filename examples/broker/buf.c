/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool room(struct buf *buf, size_t len) {
    if (buf->failed || len <= buf->cap - buf->len)
        return !buf->failed;
    size_t cap = buf->cap * 2 > buf->len + len ? buf->cap * 2 : buf->len + len;
    char *data = realloc(buf->data, cap < 256 ? 256 : cap);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap < 256 ? 256 : cap;
    return true;
}

void buf_add(struct buf *buf, const void *data, size_t len) {
    if (len == 0 || !room(buf, len))
        return;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

void buf_addf(struct buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !room(buf, (size_t)len + 1))
        return;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len) {
    buf->len -= len;
    if (len != 0 && buf->len != 0)
        memmove(buf->data, buf->data + len, buf->len);
}

void buf_free(struct buf *buf) {
    free(buf->data);
    *buf = (struct buf){0};
}
