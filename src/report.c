/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "holders.h"
#include "os.h"
#include "poison.h"
#include "survey.h"

/* Return how many bytes the character at `text` has in UTF-8; 0: it is not UTF-8. */
static size_t utf8_length(const unsigned char *text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: less has a shorter form */
    size_t length = *text < 0x80   ? 1
                    : *text < 0xc0 ? 0
                    : *text < 0xe0 ? 2
                    : *text < 0xf0 ? 3
                    : *text < 0xf8 ? 4
                                   : 0;
    uint32_t code = length > 1 ? *text & (0x7fu >> length) : *text;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return length > 1 && (code < least[length] || code > 0x10ffff || surrogate) ? 0 : length;
}

void report_quoted(FILE *f, const char *text, wr_format fmt) {
    (void)fputc('"', f);
    for (size_t length; *text != '\0'; text += length > 0 ? length : 1) {
        length = utf8_length((const unsigned char *)text);
        unsigned byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            (void)fprintf(f, "\\%c", *text);
        else if (byte == '\n')
            (void)fputs("\\n", f);
        else if (byte < ' ' && fmt == WR_JSON)
            (void)fprintf(f, "\\u%04x", byte);
        else if (byte < ' ' || length == 0)
            (void)fprintf(f, "\\\\x%02x", byte);
        else
            (void)fwrite(text, 1, length, f);
    }
    (void)fputc('"', f);
}

int report_end(FILE *f) {
    return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}

void report_rows(FILE *f, const struct survey *survey) {
    int64_t now = os_now();
    (void)fprintf(f, "%-24s %10s %10s %12s %12s%s\n", "type", "alive", "killed", "references", "bytes",
                  poison_ages ? "   oldest (s)" : "");
    for (uint32_t i = 0; i < survey->row_count; i++) {
        const struct survey_row *row = &survey->rows[i];
        (void)fprintf(f, "%-24s %10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %12" PRIu64, survey_name(row->type),
                      row->alive, row->killed, row->references, row->bytes);
        if (row->oldest != 0)
            (void)fprintf(f, " %12.3f", (double)(now - (int64_t)row->oldest) / 1e9);
        (void)fputc('\n', f);
    }
}

static void write_killed(FILE *f, const struct survey *survey) {
    uint64_t shown = survey->total.killed < SURVEY_KILLED ? survey->total.killed : SURVEY_KILLED;
    for (uint64_t i = 0; i < shown; i++) {
        const struct survey_killed *killed = &survey->killed[i];
        (void)fprintf(f, "killed and held: %s " WR_WEAK_FMT ", references: %" PRIu32 "\n",
                      survey_name(killed->type), WR_WEAK_ARGS(killed->value), killed->references);
        holders_write(f, wr_slot_at((uint32_t)(killed->value.bits >> 32)));
    }
    if (shown < survey->total.killed)
        (void)fprintf(f, "killed and held: %" PRIu64 " more\n", survey->total.killed - shown);
}

int wr_report_live(FILE *f) {
    if (f == NULL)
        return -EINVAL;
    struct survey survey;
    int result = survey_take(&survey);
    if (result != 0)
        return result;
    (void)fprintf(f, "weakrt: objects alive: %" PRIu64 ", bytes: %" PRIu64 "\n", survey.total.alive,
                  survey.total.bytes);
    write_killed(f, &survey);
    report_rows(f, &survey);
    survey_free(&survey);
    result = holders_report(f);
    return result != 0 ? result : report_end(f);
}
