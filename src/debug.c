/* SPDX-License-Identifier: MIT */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

#include "holders.h"
#include "os.h"
#include "poison.h"
#include "word.h"

struct switches {
    uint32_t poison;
    uint32_t quarantine;
    uint32_t guard;
    uint32_t ages;
    uint32_t report;
    uint32_t holders;
    uint32_t backtrace;
};

/* `alone`: the value of a key that is given without one. */
static const struct debug_key {
    const char *name;
    size_t offset;
    uint32_t alone;
    uint32_t most;
} keys[] = {
    {"poison", offsetof(struct switches, poison), 1, 1},
    {"quarantine", offsetof(struct switches, quarantine), 256, 1u << 20},
    {"guard", offsetof(struct switches, guard), 1, 1},
    {"ages", offsetof(struct switches, ages), 1, 1},
    {"report", offsetof(struct switches, report), 1, 1},
    {"holders", offsetof(struct switches, holders), 1, 1u << 20},
    {"backtrace", offsetof(struct switches, backtrace), 8, HOLDERS_FRAMES},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

/* Constant once there are threads, but for what wr_debug's caller does. */
#ifdef WR_DEBUG
static struct switches chosen = {.poison = 1, .quarantine = 256};
#else
static struct switches chosen;
#endif
static bool started;
static bool at_exit; /* the report at exit is registered */

/* Set *value to the number in `length` bytes of digits. Returns whether it is one, up to `most`. */
static bool number(const char *digits, size_t length, uint32_t most, uint32_t *value) {
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9' || sum > most)
            return false;
        sum = sum * 10 + (uint64_t)(digits[i] - '0');
    }
    *value = (uint32_t)sum;
    return length > 0 && sum <= most;
}

/* Set one switch, `length` bytes of `text`. Returns whether it is one. */
static bool set_one(struct switches *to, const char *text, size_t length) {
    size_t name = 0;
    while (name < length && text[name] != '=')
        name++;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strlen(keys[i].name) != name || memcmp(keys[i].name, text, name) != 0)
            continue;
        uint32_t *value = (uint32_t *)(void *)((char *)to + keys[i].offset);
        *value = keys[i].alone;
        return name == length || number(text + name + 1, length - name - 1, keys[i].most, value);
    }
    return false;
}

static void complain(const char *text, size_t length) {
    (void)fprintf(stderr, "weakrt: WEAKRT_DEBUG: no such switch: '%.*s'; there are:", (int)length, text);
    for (size_t i = 0; i < KEY_COUNT; i++)
        (void)fprintf(stderr, keys[i].most > 1 ? " %s=N" : " %s", keys[i].name);
    (void)fputs(", with commas between\n", stderr);
}

/* Set what `text` says. Returns whether all of it could be understood; if not and `loud`, says what could not. */
static bool set_all(struct switches *to, const char *text, bool loud) {
    bool understood = true;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        struct switches next = *to;
        if (length > 0 && !set_one(&next, text, length)) {
            understood = false;
            if (loud)
                complain(text, length);
        } else {
            *to = next;
        }
        text += length + (text[length] == ',');
    }
    return understood;
}

static void report_at_exit(void) {
    if (chosen.report != 0)
        (void)wr_report_live(stderr);
}

static void apply(void) {
    poison_choose((struct poison_choice){.fill = chosen.poison != 0,
                                         .guard = chosen.guard != 0,
                                         .ages = chosen.ages != 0,
                                         .quarantine = chosen.quarantine});
    holders_choose(chosen.holders, chosen.backtrace);
    if (chosen.report != 0 && !at_exit)
        at_exit = atexit(report_at_exit) == 0;
}

void debug_start(void) {
    if (started)
        return;
    started = true;
    const char *text = os_environment("WEAKRT_DEBUG");
    if (text != NULL)
        (void)set_all(&chosen, text, true);
    apply();
}

/* Before the program's own: a record of a thread is as large as its quarantine is. */
__attribute__((constructor)) static void start(void) {
    debug_start();
}

/* Tell whether two choices differ in what is done with slots. */
static bool slots_differ(const struct switches *a, const struct switches *b) {
    return a->poison != b->poison || a->quarantine != b->quarantine || a->guard != b->guard ||
           a->ages != b->ages;
}

int wr_debug(const char *switches) {
    debug_start();
    struct switches next = chosen;
    if (switches == NULL || !set_all(&next, switches, false))
        return -EINVAL;
    /* relaxed: the caller says that no object is being made meanwhile. */
    if (slots_differ(&next, &chosen) && wr_load_relaxed(&wr_arena.end) != 0)
        return -EBUSY;
    chosen = next;
    apply();
    return 0;
}
