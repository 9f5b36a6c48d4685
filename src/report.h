/* SPDX-License-Identifier: MIT */
/* What the reports share in writing. */
#ifndef WR_REPORT_H
#define WR_REPORT_H

#include "weakrt.h"

struct survey;

/* Write a table of types. */
void report_rows(FILE *f, const struct survey *survey);

/* Write `text` in double quotes, as the format wants it, valid whatever is in it. */
void report_quoted(FILE *f, const char *text, wr_format fmt);

/* Return what a function that wrote to `f` returns: 0 or -EIO. */
int report_end(FILE *f);

#endif /* WR_REPORT_H */
