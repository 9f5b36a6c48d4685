/* SPDX-License-Identifier: MIT */
/* RESP2: requests, as arrays of bulk strings or as a line of words, and the parts of replies. */
#ifndef BROKER_RESP_H
#define BROKER_RESP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define RESP_MAX_BULK (1024L * 1024)          /* bytes in one string of a request */
#define RESP_MAX_REQUEST (4u * RESP_MAX_BULK) /* bytes in a request */
#define RESP_MAX_ARGS (64L * 1024)            /* strings in a request */
#define RESP_MAX_LINE (64u * 1024)            /* bytes in a line */

struct arg {
    const char *s;
    size_t len;
};

/* A request that is being read. Zero to start with. */
struct request {
    size_t at;    /* what was looked at of the input */
    long missing; /* strings yet to come */
    long bulk;    /* 1 + bytes in the string that comes, or 0: its length is yet to come */
    struct span {
        size_t at, len;
    } * spans; /* of the input: the strings so far */
    size_t count, cap;
    struct arg *args; /* the same as strings, once all are there */
    char wrong[24];   /* text for an error that names a character */
};

enum resp_result { RESP_MORE, RESP_REQUEST, RESP_ERROR };

/* Go on reading a request from the input, which begins with it; quotes in a line are resolved in place.
 * Returns RESP_REQUEST: request->args and count are it, until resp_next or the input changes; RESP_MORE; or RESP_ERROR
 * with *error saying why. An empty request has count 0. */
enum resp_result resp_parse(struct request *request, struct buf *input, const char **error);

/* Drop the request that was read, and make ready for what follows. Returns how much of the input it was. */
size_t resp_next(struct request *request);
void resp_free(struct request *request);

/* Parse all of a string as a decimal number, written as it would be printed. Returns 0, or -1. */
int resp_number(const char *s, size_t len, long *out);

void resp_bulk(struct buf *out, const void *s, size_t len);
void resp_string(struct buf *out, const char *s); /* a bulk string */
void resp_array(struct buf *out, size_t count);
void resp_integer(struct buf *out, uint64_t n);
void resp_null(struct buf *out);
void resp_ok(struct buf *out);

#endif
