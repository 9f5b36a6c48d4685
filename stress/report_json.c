/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "report.h"

/* `<` too is escaped, so that the text can stand in a page. */
static void put_text(FILE *out, const char *text) {
    (void)fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c < 0x20 || *c >= 0x7f || *c == '"' || *c == '\\' || *c == '<')
            (void)fprintf(out, "\\u%04x", *c);
        else
            (void)fputc(*c, out);
    (void)fputc('"', out);
}

static void put_field(FILE *out, const char *name, const char *text) {
    (void)fprintf(out, ",\"%s\":", name);
    put_text(out, text);
}

const char *verdict_name(enum verdict verdict) {
    static const char *const names[] = {"sound", "violation", "usage", "not proved"};
    return names[verdict];
}

static void put_latency(FILE *out, const struct histogram *histogram, double ticks_per_ns) {
    static const double parts[] = {0,     0.25,  0.5,   0.75,   0.9,    0.95,   0.98, 0.99,
                                   0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 1};
    (void)fprintf(out, "{\"samples\":%" PRIu64 ",\"curve\":[", histogram_total(histogram));
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        (void)fprintf(out, "%s[%g,%.1f]", i == 0 ? "" : ",", parts[i],
                      (double)histogram_at(histogram, parts[i]) / ticks_per_ns);
    (void)fputs("]}", out);
}

static void put_latencies(FILE *out, const struct outcome *outcome) {
    const char *between = "";
    (void)fputs(",\"latency_ns\":{", out);
    for (unsigned i = 0; i < OP_COUNT; i++) {
        if (histogram_total(&outcome->latencies[i]) == 0)
            continue;
        (void)fprintf(out, "%s\"%s\":", between, trail_operation_name((enum operation)i));
        put_latency(out, &outcome->latencies[i], outcome->ticks_per_ns);
        between = ",";
    }
    (void)fputc('}', out);
}

static void put_paths(FILE *out, const struct outcome *outcome, const struct scenario *scenario) {
    const char *between = "";
    (void)fputs(",\"paths\":{", out);
    for (unsigned i = 0; i < PATH_COUNT; i++) {
        bool required = scenario_takes(scenario, (enum path)i);
        if (outcome->taken[i] == 0 && !required)
            continue;
        (void)fprintf(out, "%s\"%s\":{\"taken\":%" PRIu64 ",\"required\":%s}", between,
                      path_name((enum path)i), outcome->taken[i], required ? "true" : "false");
        between = ",";
    }
    (void)fputc('}', out);
}

static void put_samples(FILE *out, const struct outcome *outcome) {
    (void)fputs(",\"timeline\":[", out);
    for (unsigned i = 0; i < outcome->sample_count && i < MAX_SAMPLES; i++)
        (void)fprintf(out, "%s{\"seconds\":%.3f,\"steps\":%" PRIu64 ",\"resident_bytes\":%" PRIu64 "}",
                      i == 0 ? "" : ",", outcome->samples[i].seconds, outcome->samples[i].steps,
                      outcome->samples[i].resident_bytes);
    (void)fputc(']', out);
}

static void put_result(FILE *out, const struct result *result) {
    const struct scenario *scenario = result->scenario;
    const struct outcome *outcome = &result->outcome;
    (void)fputs("{\"name\":", out);
    put_text(out, scenario->name);
    put_field(out, "hunts", scenario->hunts);
    if (result->skipped != NULL) {
        put_field(out, "verdict", "skipped");
        put_field(out, "skipped", result->skipped);
        (void)fputc('}', out);
        return;
    }
    put_field(out, "verdict", verdict_name(result->verdict));
    put_field(out, "repeat", outcome->repeat);
    put_field(out, "violation", outcome->violation);
    put_field(out, "lacks", outcome->lacks);
    (void)fprintf(out, ",\"seconds\":%.3f,\"steps\":%" PRIu64 ",\"made\":%" PRIu64 ",\"destroyed\":%" PRIu64,
                  outcome->seconds, outcome->steps, outcome->made, outcome->destroyed);
    (void)fputs(",\"counters\":{", out);
    for (unsigned i = 0; i < MAX_COUNTS && scenario->counted[i] != NULL; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        put_text(out, scenario->counted[i]);
        (void)fprintf(out, ":%" PRIu64, outcome->counts[i]);
    }
    const char *between = "";
    (void)fputs("},\"perturbed\":{", out);
    for (unsigned i = 0; i < PERTURB_COUNT; i++) {
        if (outcome->perturbed[i] == 0)
            continue;
        (void)fprintf(out, "%s\"%s\":%" PRIu64, between, perturb_name((enum perturbation)i),
                      outcome->perturbed[i]);
        between = ",";
    }
    (void)fprintf(out,
                  "},\"memory\":{\"live_bytes\":%" PRIu64 ",\"committed_bytes\":%" PRIu64
                  ",\"resident_before_bytes\":%" PRIu64 ",\"resident_bytes\":%" PRIu64
                  "},\"standstills\":{\"count\":%" PRIu64 ",\"longest_seconds\":%.3f}",
                  outcome->live_bytes, outcome->committed_bytes, outcome->resident_before,
                  outcome->resident_bytes, outcome->standstills, outcome->longest_standstill);
    put_paths(out, outcome, scenario);
    put_latencies(out, outcome);
    put_samples(out, outcome);
    (void)fputc('}', out);
}

void report_json(FILE *out, const struct report *report) {
    char perturb[PERTURB_TEXT];
    const struct options *options = report->options;
    perturb_format(options->perturb, perturb, sizeof perturb);
    (void)fprintf(
        out,
        "{\"verdict\":\"%s\",\"exit_status\":%d,\"seed\":\"0x%" PRIx64
        "\",\"threads\":%u,\"seconds\":%g,\"perturb\":\"%s\",\"version\":\"%d.%d.%d\",\"scenarios\":[",
        verdict_name(report->verdict), (int)report->verdict, options->seed, options->threads,
        options->seconds, perturb, WR_VERSION_MAJOR, WR_VERSION_MINOR, WR_VERSION_PATCH);
    for (unsigned i = 0; i < report->count; i++) {
        (void)fputs(i == 0 ? "\n" : ",\n", out);
        put_result(out, &report->results[i]);
    }
    (void)fputs("\n]}\n", out);
}
