/* SPDX-License-Identifier: MIT */
#ifndef BROKER_GLOB_H
#define BROKER_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Tell whether a pattern, as PSUBSCRIBE takes it (star, ?, [a-z], [^a], backslash), matches all of a string. Takes time
 * in the product of their lengths at most. */
bool glob_match(const char *pattern, size_t pattern_len, const char *s, size_t len);

#endif
