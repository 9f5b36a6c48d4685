/* SPDX-License-Identifier: MIT */
#include "word.h"

#include <stdbool.h>

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | ' ');
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that a \ stands before, inside double quotes; *at is behind the \. */
static char escaped(char **at, const char *end) {
    static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
    char *p = *at;
    if (end - p >= 3 && p[0] == 'x' && digit(p[1]) >= 0 && digit(p[2]) >= 0) {
        *at = p + 3;
        return (char)(digit(p[1]) * 16 + digit(p[2]));
    }
    *at = p + 1;
    for (int i = 0; from[i] != '\0'; i++)
        if (*p == from[i])
            return to[i];
    return *p;
}

/* Take what is between quotes, *at behind the first. Returns where it ends in `out`, or NULL: it does not. */
static char *unquote(char quote, char **at, const char *end, char *out) {
    while (*at < end && **at != quote) {
        char c = *(*at)++;
        if (c == '\\' && *at < end && quote == '"')
            c = escaped(at, end);
        else if (c == '\\' && *at < end && **at == quote)
            c = *(*at)++;
        *out++ = c;
    }
    if (*at == end || (++*at < end && !is_blank(**at)))
        return NULL;
    return out;
}

int word_next(char **at, const char *end, char **word, size_t *len) {
    while (*at < end && is_blank(**at))
        ++*at;
    if (*at == end)
        return 0;
    char *out = *word = *at;
    while (*at < end && !is_blank(**at)) {
        char c = *(*at)++;
        if (c != '"' && c != '\'') {
            *out++ = c;
            continue;
        }
        if ((out = unquote(c, at, end, out)) == NULL)
            return -1;
    }
    *len = (size_t)(out - *word);
    return 1;
}
