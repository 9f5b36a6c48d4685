/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <string.h>

/* The page, up to where the data goes, and from there on: stress/report.html, as it is. */
#define DATA_MARK "@DATA@"
__asm__(".section .rodata\n"
        "report_page:\n"
        ".incbin \"stress/report.html\"\n"
        ".byte 0\n"
        ".text\n");
extern const char report_page[] __attribute__((visibility("hidden")));

static void report_html(FILE *out, const struct report *report) {
    const char *mark = strstr(report_page, DATA_MARK);
    (void)fwrite(report_page, 1, (size_t)(mark - report_page), out);
    report_json(out, report);
    (void)fputs(mark + strlen(DATA_MARK), out);
}

static bool write_file(const char *name, void (*write)(FILE *out, const struct report *report),
                       const struct report *report) {
    if (name == NULL)
        return true;
    FILE *out = fopen(name, "w");
    bool failed = out == NULL;
    if (!failed) {
        write(out, report);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    if (failed)
        (void)fprintf(stderr, "wr-stress: %s was not written: %s\n", name, strerror(errno));
    return !failed;
}

bool report_write(const struct report *report) {
    bool json = write_file(report->options->json, report_json, report);
    return write_file(report->options->html, report_html, report) && json;
}
