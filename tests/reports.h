/* SPDX-License-Identifier: MIT */
/* What the tests of statistics and reports share: what was written, as text. */
#ifndef WR_TESTS_REPORTS_H
#define WR_TESTS_REPORTS_H

#include "queues.h"

/* What one call wrote; to be freed. */
struct page {
    FILE *file;
    char *text;
    size_t size;
};

static inline struct page page_open(void) {
    struct page page = {NULL, NULL, 0};
    REQUIRE((page.file = tmpfile()) != NULL);
    return page;
}

static inline char *page_text(struct page *page) {
    REQUIRE(fseek(page->file, 0, SEEK_END) == 0);
    page->size = (size_t)ftell(page->file);
    rewind(page->file);
    REQUIRE((page->text = calloc(1, page->size + 1)) != NULL);
    REQUIRE(fread(page->text, 1, page->size, page->file) == page->size);
    fclose(page->file);
    return page->text;
}

static inline char *live_text(void) {
    struct page page = page_open();
    CHECK_EQ(wr_report_live(page.file), 0);
    return page_text(&page);
}

static inline char *stats_text(wr_format fmt) {
    struct page page = page_open();
    CHECK_EQ(wr_stats_write(page.file, fmt), 0);
    return page_text(&page);
}

static inline char *cycles_text(wr_format fmt) {
    struct page page = page_open();
    CHECK_EQ(wr_report_cycles(page.file, fmt), 0);
    return page_text(&page);
}

/* How often does `part` stand in `text`? Without strstr, which a sanitizer has look at the whole text each time. */
static inline unsigned occurrences(const char *text, const char *part) {
    size_t length = strlen(part);
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == *part && strncmp(text, part, length) == 0;
    return count;
}

static inline wr_stats stats_now(void) {
    wr_stats stats;
    wr_stats_get(&stats, sizeof stats);
    return stats;
}

#endif
