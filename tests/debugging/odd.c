/* SPDX-License-Identifier: MIT */
/* Objects whose types and fields have odd names; writes what programs read of them: json, prometheus, cycles, graph. */
#include <string.h>
#include <weakrt.h>

static const char *const names[] = {
    "plain",    "quo\"te",  "back\\slash",  "new\nline\ttab", "\x01\x1f\x7f", "Grüße, 世界 🦀",
    "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "cut \xe4\xb8",   "{a=\"b\"} 1",  "",
    "\\xff",
};
#define NAMES (sizeof names / sizeof names[0])

struct owner {
    void *other;
};
static void trace(void *self, wr_visit visit, void *arg) {
    visit(((struct owner *)self)->other, "fi\"eld\xff\n", arg);
}

static wr_type types[NAMES];
static struct owner *owners[NAMES];

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < NAMES; i++) {
        types[i] =
            (wr_type){.abi = WR_TYPE_ABI, .name = names[i], .size = sizeof(struct owner), .trace = trace};
        if ((owners[i] = wr_new(&types[i])) == NULL)
            return 1;
    }
    for (size_t i = 0; i < NAMES; i++) /* a ring */
        owners[i]->other = wr_retain(owners[(i + 1) % NAMES]);
    if (strcmp(what, "json") == 0)
        return wr_stats_write(stdout, WR_JSON) != 0;
    if (strcmp(what, "prometheus") == 0)
        return wr_stats_write(stdout, WR_PROMETHEUS) != 0;
    if (strcmp(what, "cycles") == 0)
        return wr_report_cycles(stdout, WR_JSON) != 0;
    return wr_report_cycles(stdout, WR_GRAPHVIZ) != 0;
}
