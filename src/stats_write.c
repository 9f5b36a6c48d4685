/* SPDX-License-Identifier: MIT */
/* The statistics, written: as text, as JSON, and in Prometheus' exposition format. */
#include "report.h"
#include "stats.h"
#include "survey.h"

/* The fields of wr_stats, in the order they are written: name, whether it only ever goes up, what it is. */
#define FIELDS(X)                                                                                            \
    X(live, false, "objects alive")                                                                          \
    X(live_killed, false, "objects killed and still held")                                                   \
    X(live_bytes, false, "bytes of live objects, headers and rounding included")                             \
    X(used_bytes, false, "bytes that may be resident for objects")                                           \
    X(committed_bytes, false, "bytes of address space that can be used for objects")                         \
    X(slots_retired, true, "slots that used up their tags")                                                  \
    X(killed, true, "objects killed")                                                                        \
    X(cleared, true, "objects cleared")                                                                      \
    X(stale_refs, true, "look-ups through weakrefs and proxies whose referent was dead")                     \
    X(callbacks_fired, true, "callbacks run")                                                                \
    X(callbacks_cancelled, true, "callbacks that never will run")                                            \
    X(callbacks_queued, true, "callbacks given to a queue")                                                  \
    X(finalizers_run, true, "finalizers run")                                                                \
    X(finalized, true, "objects whose type's finalize has run")                                              \
    X(resurrected, true, "objects resurrected by finalize")                                                  \
    X(borrows_handed_over, true, "ends of objects left to who borrowed them")                                \
    X(longest_row, false, "most deaths that waited for one to end")

static const struct field {
    const char *name;
    const char *text;
    size_t offset;
    bool rises;
} fields[] = {
#define X(field, goes_up, what) {#field, what, offsetof(wr_stats, field), goes_up},
    FIELDS(X)
#undef X
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* The same for one type. */
static const struct column {
    const char *name;
    const char *text;
    size_t offset;
} columns[] = {
    {"alive", "objects alive, by type", offsetof(struct survey_row, alive)},
    {"killed", "objects killed and still held, by type", offsetof(struct survey_row, killed)},
    {"references", "strong references, by type", offsetof(struct survey_row, references)},
    {"bytes", "bytes of live objects, by type", offsetof(struct survey_row, bytes)},
};
#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

static uint64_t value(const void *of, size_t offset) {
    return *(const uint64_t *)(const void *)((const char *)of + offset);
}

static void write_text(FILE *f, const wr_stats *stats, const struct survey *survey) {
    for (size_t i = 0; i < FIELD_COUNT; i++)
        (void)fprintf(f, "%-20s %12" PRIu64 "  %s\n", fields[i].name, value(stats, fields[i].offset),
                      fields[i].text);
    report_rows(f, survey);
}

static void write_json(FILE *f, const wr_stats *stats, const struct survey *survey) {
    for (size_t i = 0; i < FIELD_COUNT; i++)
        (void)fprintf(f, "%s\"%s\":%" PRIu64, i ? "," : "{", fields[i].name, value(stats, fields[i].offset));
    (void)fputs(",\"types\":[", f);
    for (uint32_t i = 0; i < survey->row_count; i++) {
        (void)fputs(i ? ",{\"name\":" : "{\"name\":", f);
        report_quoted(f, survey_name(survey->rows[i].type), WR_JSON);
        for (size_t k = 0; k < COLUMN_COUNT; k++)
            (void)fprintf(f, ",\"%s\":%" PRIu64, columns[k].name, value(&survey->rows[i], columns[k].offset));
        (void)fputc('}', f);
    }
    (void)fputs("]}\n", f);
}

static void write_prometheus(FILE *f, const wr_stats *stats, const struct survey *survey) {
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *total = fields[i].rises ? "_total" : "";
        (void)fprintf(f, "# HELP weakrt_%s%s %s\n# TYPE weakrt_%s%s %s\nweakrt_%s%s %" PRIu64 "\n",
                      fields[i].name, total, fields[i].text, fields[i].name, total,
                      fields[i].rises ? "counter" : "gauge", fields[i].name, total,
                      value(stats, fields[i].offset));
    }
    for (size_t k = 0; k < COLUMN_COUNT; k++) {
        (void)fprintf(f, "# HELP weakrt_type_%s %s\n# TYPE weakrt_type_%s gauge\n", columns[k].name,
                      columns[k].text, columns[k].name);
        for (uint32_t i = 0; i < survey->row_count; i++) {
            (void)fprintf(f, "weakrt_type_%s{type=", columns[k].name);
            report_quoted(f, survey_name(survey->rows[i].type), WR_PROMETHEUS);
            (void)fprintf(f, "} %" PRIu64 "\n", value(&survey->rows[i], columns[k].offset));
        }
    }
}

int wr_stats_write(FILE *f, wr_format fmt) {
    if (f == NULL || (fmt != WR_TEXT && fmt != WR_JSON && fmt != WR_PROMETHEUS))
        return -EINVAL;
    struct survey survey;
    wr_stats stats;
    int result = survey_take(&survey);
    if (result != 0)
        return result;
    stats_collect(&stats, &survey.total);
    if (fmt == WR_TEXT)
        write_text(f, &stats, &survey);
    else if (fmt == WR_JSON)
        write_json(f, &stats, &survey);
    else
        write_prometheus(f, &stats, &survey);
    survey_free(&survey);
    return report_end(f);
}
