/* SPDX-License-Identifier: MIT */
#include "word.h" /* before what puts its own names in place of those there */

#include "trail.h"

#include <inttypes.h>
#include <stdlib.h>

#include "stress.h"

#define TRAILS (2 * MAX_THREADS + 1) /* workers, their children, the thread that runs begin and end */
#define PRINTED 32u                  /* operations, at most */

_Thread_local struct trail *trail_mine;
atomic_bool trail_stopped;
static struct trail trails[TRAILS];
static struct {
    uint64_t tick;
    struct timespec time;
} start;

void trail_enter(unsigned number) {
    if (start.tick == 0) { /* the first is alone */
        start.tick = trail_tick();
        (void)clock_gettime(CLOCK_MONOTONIC, &start.time);
    }
    trail_mine = &trails[number];
}

void trail_stop(void) {
    atomic_store_explicit(&trail_stopped, true, memory_order_relaxed);
}

void trail_go_on(void) {
    atomic_store_explicit(&trail_stopped, false, memory_order_relaxed);
}

uint64_t trail_about(const void *object) {
    return object == NULL ? 0 : (uint64_t)wr_index_of(wr_slot_of(object)) << 32;
}

double trail_ticks_per_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    double ns = (double)(now.tv_sec - start.time.tv_sec) * 1e9 + (double)(now.tv_nsec - start.time.tv_nsec);
    return ns > 0 ? (double)(trail_tick() - start.tick) / ns : 1;
}

const char *trail_operation_name(enum operation operation) {
    static const char *const names[] = {
#define X(name, text) text,
        TRAIL_OPERATIONS(X)
#undef X
    };
    return names[operation];
}

void trail_latencies(enum operation operation, struct histogram *sum) {
    for (unsigned i = 0; i < TRAILS; i++)
        if (counter_read(&trails[i].count) != 0)
            histogram_merge(sum, &trails[i].latencies[operation]);
}

/* ---- printing ---- */

struct line {
    uint64_t tick, about, what;
    unsigned thread;
};

static int by_time(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    return x->tick < y->tick ? -1 : x->tick > y->tick;
}

static uint64_t last_of_caller(void) {
    if (trail_mine == NULL)
        return 0;
    uint64_t count = counter_read(&trail_mine->count);
    for (uint64_t back = 1; back <= count && back <= TRAIL_LENGTH; back++) {
        uint64_t about = counter_read(&trail_mine->ring[(count - back) % TRAIL_LENGTH].about);
        if (about >> 32 != 0)
            return about;
    }
    return 0;
}

static size_t collect(uint64_t slot, struct line *lines) {
    size_t found = 0;
    for (unsigned t = 0; t < TRAILS; t++) {
        uint64_t count = counter_read(&trails[t].count);
        for (uint64_t n = 0; n < count && n < TRAIL_LENGTH; n++) {
            struct trail_entry *entry = &trails[t].ring[n];
            if (counter_read(&entry->about) >> 32 == slot)
                lines[found++] = (struct line){counter_read(&entry->tick), counter_read(&entry->about),
                                               counter_read(&entry->what), t};
        }
    }
    qsort(lines, found, sizeof *lines, by_time);
    return found;
}

void trail_print(FILE *out, uint64_t about) {
    static struct line lines[TRAILS * TRAIL_LENGTH]; /* one thread reports */
    uint64_t slot = (about != 0 ? about : last_of_caller()) >> 32;
    if (slot == 0)
        return;
    uint64_t now = trail_tick();
    double ticks_per_ns = trail_ticks_per_ns();
    size_t found = collect(slot, lines);
    (void)fprintf(out, "  last operations on slot %" PRIu64 "%s:\n", slot,
                  about != 0 ? "" : ", which the reporting thread used last");
    for (size_t i = found > PRINTED ? found - PRINTED : 0; i < found; i++) {
        const struct line *line = &lines[i];
        char tag[32] = "", result[32] = "under way";
        if ((uint32_t)line->about != 0)
            (void)snprintf(tag, sizeof tag, " of tag %" PRIu32, (uint32_t)line->about);
        if (line->what & TRAIL_ENDED)
            (void)snprintf(result, sizeof result, "%" PRId32, (int32_t)(line->what >> 16));
        (void)fprintf(out, "    %12.0f ns ago  thread %3u  %s%s: %s\n",
                      (double)(int64_t)(now - line->tick) / ticks_per_ns, line->thread,
                      trail_operation_name((enum operation)(line->what & 0xff)), tag, result);
    }
    if (found == 0)
        (void)fputs("    none is remembered\n", out);
}
