/* SPDX-License-Identifier: MIT */
/* Bytes that grow. Once memory was short `failed` stays set, and nothing more is added. */
#ifndef BROKER_BUF_H
#define BROKER_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, cap;
    bool failed;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *buf, size_t len); /* take away from the front */
void buf_free(struct buf *buf);                /* and make it empty */

#endif
