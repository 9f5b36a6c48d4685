/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <string.h>

#include "survey.h"
#include "thread.h"

/* What was counted by threads without a record, and by those that were absent after a fork. Atomic. */
static struct counts others;

void stats_count(enum statistic what) {
    struct thread *thread = thread_self();
    if (!thread->temporary)
        atomic_count(&thread->counts.of[what]);
    else
        atomic_count_shared(&others.of[what]);
}

static void raise_longest(uint64_t *longest, uint64_t deaths) {
    if (deaths > wr_load_relaxed(longest))
        wr_store_relaxed(longest, deaths); /* relaxed: its thread alone writes it; of `others`, nearly so */
}

void stats_row(uint64_t deaths) {
    struct thread *thread = thread_self();
    raise_longest(thread->temporary ? &others.longest : &thread->counts.longest, deaths);
}

void stats_add(struct counts *sum, const struct counts *counts) {
    for (uint32_t i = 0; i < STAT_COUNT; i++)
        sum->of[i] += wr_load_relaxed(&counts->of[i]);
    uint64_t longest = wr_load_relaxed(&counts->longest);
    if (longest > sum->longest)
        sum->longest = longest;
}

void stats_keep(const struct counts *counts) {
    for (uint32_t i = 0; i < STAT_COUNT; i++)
        (void)wr_add_relaxed(&others.of[i], counts->of[i]);
    raise_longest(&others.longest, counts->longest);
}

void stats_collect(wr_stats *stats, const struct survey_row *total) {
    struct counts sum = {.longest = 0};
    struct arena_use use = arena_use();
    thread_add_counts(&sum);
    stats_add(&sum, &others);
    *stats = (wr_stats){.live = total->alive,
                        .live_killed = total->killed,
                        .live_bytes = total->bytes,
                        .used_bytes = use.used,
                        .committed_bytes = use.committed,
                        .slots_retired = sum.of[STAT_RETIRED],
                        .killed = sum.of[STAT_KILLED],
                        .cleared = sum.of[STAT_CLEARED],
                        .stale_refs = sum.of[STAT_STALE_REFS],
                        .callbacks_fired = sum.of[STAT_FIRED],
                        .callbacks_cancelled = sum.of[STAT_CANCELLED],
                        .callbacks_queued = sum.of[STAT_QUEUED],
                        .finalizers_run = sum.of[STAT_FINALIZERS],
                        .finalized = sum.of[STAT_FINALIZED],
                        .resurrected = sum.of[STAT_RESURRECTED],
                        .borrows_handed_over = sum.of[STAT_HANDED_OVER],
                        .longest_row = sum.longest};
}

void wr_stats_get(wr_stats *out, size_t size) {
    wr_stats stats;
    struct survey survey;
    if (out == NULL)
        return;
    survey_total(&survey);
    stats_collect(&stats, &survey.total);
    memset(out, 0, size);
    memcpy(out, &stats, size < sizeof stats ? size : sizeof stats);
}
