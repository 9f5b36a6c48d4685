/* SPDX-License-Identifier: MIT */
/* The words of a line, as a person types it. */
#ifndef BROKER_WORD_H
#define BROKER_WORD_H

#include <stddef.h>

/* Take the next word from *at on. Blanks part words. Between quotes they do not: in '...' only \' is special, in "..."
 * \n, \r, \t, \b, \a, \xHH, and any other character behind a \ is itself; a closing quote ends its word. The text is
 * changed in place, which makes a word no longer.
 * Returns 1; 0: there is none; -1: a quote is not closed, or something follows it at once. */
int word_next(char **at, const char *end, char **word, size_t *len);

#endif
