/* SPDX-License-Identifier: MIT */
#include "resp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

int resp_number(const char *s, size_t len, long *out) {
    bool negative = len > 0 && s[0] == '-';
    long n = 0;
    if (len - negative == 0 || len - negative > 18 || (s[negative] == '0' && len > 1))
        return -1;
    for (size_t i = negative; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        n = n * 10 + (s[i] - '0');
    }
    *out = negative ? -n : n;
    return 0;
}

static bool add(struct request *request, size_t at, size_t len) {
    if (request->count == request->cap) {
        size_t cap = request->cap == 0 ? 8 : request->cap * 2;
        struct span *spans = realloc(request->spans, cap * sizeof *spans);
        if (spans == NULL)
            return false;
        request->spans = spans;
        struct arg *args = realloc(request->args, cap * sizeof *args);
        if (args == NULL)
            return false;
        request->args = args;
        request->cap = cap;
    }
    request->spans[request->count++] = (struct span){at, len};
    return true;
}

static enum resp_result fail(const char **error, const char *why) {
    *error = why;
    return RESP_ERROR;
}

static enum resp_result complete(struct request *request, const struct buf *input) {
    for (size_t i = 0; i < request->count; i++)
        request->args[i] = (struct arg){input->data + request->spans[i].at, request->spans[i].len};
    return RESP_REQUEST;
}

/* The line at request->at. Returns RESP_REQUEST with its length, without its end. */
static enum resp_result line(const struct request *request, const struct buf *input, size_t *len) {
    size_t rest = input->len - request->at;
    const char *start = input->data + request->at;
    const char *end = memchr(start, '\n', rest < RESP_MAX_LINE ? rest : RESP_MAX_LINE);
    if (end == NULL)
        return rest < RESP_MAX_LINE ? RESP_MORE : RESP_ERROR;
    *len = (size_t)(end - start);
    return RESP_REQUEST;
}

static size_t without_return(const char *s, size_t len) {
    return len > 0 && s[len - 1] == '\r' ? len - 1 : len;
}

static enum resp_result parse_line(struct request *request, struct buf *input, const char **error) {
    size_t len;
    enum resp_result found = line(request, input, &len);
    if (found != RESP_REQUEST)
        return found == RESP_MORE ? RESP_MORE : fail(error, "too big inline request");
    char *at = input->data + request->at, *end = at + without_return(at, len), *word;
    size_t word_len;
    int result;
    while ((result = word_next(&at, end, &word, &word_len)) == 1)
        if (!add(request, (size_t)(word - input->data), word_len))
            return fail(error, "out of memory");
    if (result < 0)
        return fail(error, "unbalanced quotes in request");
    request->at += len + 1;
    return complete(request, input);
}

/* The number behind the mark at request->at, which ends a line. */
static enum resp_result parse_number(struct request *request, const struct buf *input, long *out,
                                     const char **error, const char *wrong, const char *too_long) {
    size_t len;
    enum resp_result found = line(request, input, &len);
    if (found != RESP_REQUEST)
        return found == RESP_MORE ? RESP_MORE : fail(error, too_long);
    const char *digits = input->data + request->at + 1;
    if (resp_number(digits, without_return(digits, len - 1), out) != 0)
        return fail(error, wrong);
    request->at += len + 1;
    return RESP_REQUEST;
}

static enum resp_result parse_bulk(struct request *request, const struct buf *input, const char **error) {
    if (request->bulk == 0) {
        if (request->at == input->len)
            return RESP_MORE;
        char mark = input->data[request->at];
        if (mark != '$') {
            (void)snprintf(request->wrong, sizeof request->wrong, "expected '$', got '%c'",
                           mark < ' ' || mark > '~' ? '.' : mark);
            return fail(error, request->wrong);
        }
        long len = 0;
        enum resp_result found =
            parse_number(request, input, &len, error, "invalid bulk length", "too big bulk count string");
        if (found != RESP_REQUEST)
            return found;
        if (len < 0 || len > RESP_MAX_BULK || request->at + (size_t)len > RESP_MAX_REQUEST)
            return fail(error, "invalid bulk length");
        request->bulk = 1 + len;
    }
    size_t len = (size_t)request->bulk - 1;
    if (input->len - request->at < len + 2)
        return RESP_MORE;
    if (memcmp(input->data + request->at + len, "\r\n", 2) != 0)
        return fail(error, "a bulk string does not end where it says");
    if (!add(request, request->at, len))
        return fail(error, "out of memory");
    request->at += len + 2;
    request->bulk = 0;
    request->missing--;
    return RESP_REQUEST;
}

enum resp_result resp_parse(struct request *request, struct buf *input, const char **error) {
    if (request->missing == 0) {
        if (input->len == 0)
            return RESP_MORE;
        if (input->data[0] != '*')
            return parse_line(request, input, error);
        long count = 0;
        enum resp_result found = parse_number(request, input, &count, error, "invalid multibulk length",
                                              "too big mbulk count string");
        if (found != RESP_REQUEST)
            return found;
        if (count > RESP_MAX_ARGS)
            return fail(error, "invalid multibulk length");
        request->missing = count < 0 ? 0 : count;
    }
    while (request->missing > 0) {
        enum resp_result found = parse_bulk(request, input, error);
        if (found != RESP_REQUEST)
            return found;
    }
    return complete(request, input);
}

size_t resp_next(struct request *request) {
    size_t used = request->at;
    request->at = request->count = 0;
    request->missing = request->bulk = 0;
    return used;
}

void resp_free(struct request *request) {
    free(request->spans);
    free(request->args);
    *request = (struct request){0};
}

void resp_bulk(struct buf *out, const void *s, size_t len) {
    buf_addf(out, "$%zu\r\n", len);
    buf_add(out, s, len);
    buf_add(out, "\r\n", 2);
}

void resp_string(struct buf *out, const char *s) {
    resp_bulk(out, s, strlen(s));
}

void resp_array(struct buf *out, size_t count) {
    buf_addf(out, "*%zu\r\n", count);
}

void resp_integer(struct buf *out, uint64_t n) {
    buf_addf(out, ":%" PRIu64 "\r\n", n);
}

void resp_null(struct buf *out) {
    buf_add(out, "$-1\r\n", 5);
}

void resp_ok(struct buf *out) {
    buf_add(out, "+OK\r\n", 5);
}
