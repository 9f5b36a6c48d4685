/* SPDX-License-Identifier: MIT */
#include "glob.h"

/* Match one character against the set at p, which begins behind its `[`. Returns where the set ends. */
static const char *match_set(const char *p, const char *end, char c, bool *matches) {
    bool negated = p < end && *p == '^', found = false;
    for (p += negated; p < end && *p != ']'; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        if (end - p >= 3 && p[1] == '-' && p[2] != ']') {
            char low = p[0] < p[2] ? p[0] : p[2], high = p[0] < p[2] ? p[2] : p[0];
            found |= low <= c && c <= high;
            p += 2;
        } else {
            found |= *p == c;
        }
    }
    *matches = found != negated;
    return p < end ? p + 1 : p;
}

/* Match one character against what is at p, no star. Returns what follows, or NULL. */
static const char *match_one(const char *p, const char *end, char c) {
    bool matches;
    switch (*p) {
    case '?':
        return p + 1;
    case '[':
        p = match_set(p + 1, end, c, &matches);
        return matches ? p : NULL;
    case '\\':
        p += p + 1 < end;
        break;
    default:
        break;
    }
    return *p == c ? p + 1 : NULL;
}

bool glob_match(const char *pattern, size_t pattern_len, const char *s, size_t len) {
    const char *p = pattern, *p_end = pattern + pattern_len, *s_end = s + len;
    const char *star = NULL, *star_s = NULL; /* behind the last star, and what it took so far */
    while (s < s_end) {
        const char *next;
        if (p < p_end && *p == '*') {
            star = ++p;
            star_s = s;
        } else if (p < p_end && (next = match_one(p, p_end, *s)) != NULL) {
            p = next;
            s++;
        } else if (star != NULL) {
            p = star;
            s = ++star_s;
        } else {
            return false;
        }
    }
    while (p < p_end && *p == '*')
        p++;
    return p == p_end;
}
