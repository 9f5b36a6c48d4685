/* SPDX-License-Identifier: MIT */
/* Statistics: what is counted, on whatever thread, and how it is written. */
#include "reports.h"

#include <ctype.h>

static const wr_type plain_type = {.abi = WR_TYPE_ABI, .name = "plain", .size = 64};

static void keep(void *self) {
    wr_retain(self);
}
static void nothing(void *arg) {
    (void)arg;
}

TEST(live_objects_are_found_with_their_bytes) {
    wr_stats before = stats_now();
    void *a = wr_new(&plain_type);
    void *b = wr_new(&plain_type);
    (void)wr_weak_of(b);
    wr_stats now = stats_now();
    CHECK_EQ(now.live - before.live, 2);
    CHECK_EQ(now.live_bytes - before.live_bytes, 2 * 96);
    CHECK_EQ(now.live_killed, before.live_killed);
    CHECK_GE(now.used_bytes, now.live_bytes);
    CHECK_GE(now.committed_bytes, now.used_bytes);
    CHECK_EQ(wr_kill(a), 1);
    CHECK_EQ(stats_now().live_killed - before.live_killed, 1);
    wr_release(a);
    wr_release(b);
    CHECK_EQ(stats_now().live, before.live);
    CHECK_EQ(stats_now().live_killed, before.live_killed);
}

TEST(a_weakref_is_alive_and_not_killed) {
    void *obj = wr_new(&plain_type);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    wr_stats now = stats_now();
    CHECK_EQ(now.live, 2);
    CHECK_EQ(now.live_killed, 0);
    wr_release(ref);
    wr_release(obj);
}

TEST(kills_and_clears_are_counted_by_the_call_that_did_it) {
    void *plain = wr_new(&plain_type);
    void *watched = wr_new(&plain_type);
    wr_weakref *ref = new_ref(watched, NULL, NULL);
    CHECK_EQ(wr_weakref_clear(plain), 0);
    CHECK_EQ(wr_weakref_clear(watched), 0);
    CHECK_EQ(wr_kill(plain), 1);
    CHECK_EQ(wr_kill(plain), 0);
    CHECK_EQ(wr_kill(watched), 1);
    CHECK_EQ(wr_weakref_clear(watched), 0); /* nothing to clear */
    CHECK_EQ(stats_now().killed, 2);
    CHECK_EQ(stats_now().cleared, 2);
    wr_release(ref);
    wr_release(plain);
    wr_release(watched);
}

TEST(each_callback_is_fired_or_cancelled_once) {
    struct log log = {0};
    wr_queue *queue = new_queue();
    wr_queue *gone = new_queue();
    void *obj = wr_new(&plain_type);
    wr_weakref *fires = new_owning_ref(obj, &log);
    wr_weakref *cancelled = new_owning_ref(obj, &log);
    wr_weakref *dies = new_owning_ref(obj, &log);
    wr_weakref *queued = new_bound_ref(obj, queue, &log);
    wr_weakref *dies_queued = new_bound_ref(obj, queue, &log);
    wr_weakref *dropped = new_bound_ref(obj, gone, &log);
    wr_weakref *without = new_ref(obj, NULL, NULL);
    CHECK_EQ(wr_weakref_cancel(cancelled), 1);
    wr_release(dies);
    CHECK_EQ(stats_now().callbacks_cancelled, 2);
    CHECK_EQ(stats_now().callbacks_fired, 0);
    wr_release(obj);
    CHECK_EQ(stats_now().callbacks_fired, 1);
    CHECK_EQ(stats_now().callbacks_queued, 3);
    wr_release(dies_queued);
    wr_queue_free(gone);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(log.calls, 2);
    CHECK_EQ(log.freed, 6);
    CHECK_EQ(stats_now().callbacks_fired, 2);
    CHECK_EQ(stats_now().callbacks_cancelled, 4);
    wr_release(fires);
    wr_release(cancelled);
    wr_release(queued);
    wr_release(dropped);
    wr_release(without);
    wr_queue_free(queue);
    CHECK_EQ(stats_now().callbacks_cancelled, 4);
    CHECK_EQ(stats_now().live, 0);
}

TEST(silenced_callbacks_are_cancelled) {
    struct log log = {0};
    void *obj = wr_new(&plain_type);
    wr_weakref *ref = new_owning_ref(obj, &log);
    CHECK_EQ(wr_weakref_clear_no_callbacks(obj), 0);
    wr_release(ref);
    wr_release(obj);
    CHECK_EQ(stats_now().callbacks_cancelled, 1);
    CHECK_EQ(stats_now().callbacks_fired, 0);
}

TEST(stale_refs_and_proxies_are_counted) {
    void *obj = wr_new(&plain_type);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    wr_weakref *proxy = new_proxy(obj, NULL, NULL);
    void *got;
    CHECK_EQ(wr_weakref_get(ref, &got), 1);
    wr_release(got);
    wr_release(obj);
    CHECK_EQ(stats_now().stale_refs, 0);
    CHECK_EQ(wr_weakref_get(ref, &got), 0);
    CHECK_EQ(wr_equal(proxy, ref), -ESTALE);
    CHECK_EQ(stats_now().stale_refs, 2);
    wr_release(ref);
    wr_release(proxy);
}

TEST(finalizers_and_finalize_are_counted) {
    static const wr_type kept_type = {.abi = WR_TYPE_ABI, .name = "kept", .size = 8, .finalize = keep};
    void *kept = wr_new(&kept_type);
    wr_release(kept);
    CHECK_EQ(stats_now().finalized, 1);
    CHECK_EQ(stats_now().resurrected, 1);
    wr_finalizer *at_end = wr_finalizer_new(kept, nothing, NULL, 0);
    wr_finalizer *called = wr_finalizer_new(kept, nothing, NULL, 0);
    wr_finalizer *detached = wr_finalizer_new(kept, nothing, NULL, 0);
    CHECK_EQ(wr_finalizer_call(called), 1);
    CHECK_EQ(wr_finalizer_detach(detached), 1);
    wr_release(kept);
    CHECK_EQ(stats_now().finalizers_run, 2);
    CHECK_EQ(stats_now().finalized, 1);
    wr_release(at_end);
    wr_release(called);
    wr_release(detached);
}

TEST(an_end_that_is_left_to_a_borrower_is_counted) {
    static const wr_type lent_type = {.abi = WR_TYPE_ABI, .name = "lent", .flags = WR_BORROWABLE, .size = 8};
    void *obj = wr_new(&lent_type);
    wr_borrowed b;
    CHECK_PTR_EQ(wr_borrow(wr_weak_of(obj), &b), obj);
    wr_release(obj);
    CHECK_EQ(stats_now().borrows_handed_over, 1);
    CHECK_EQ(stats_now().live, 0); /* dead, and not destroyed yet */
    wr_return(&b);
    obj = wr_new(&lent_type);
    wr_release(obj);
    CHECK_EQ(stats_now().borrows_handed_over, 1);
}

TEST(the_longest_row_of_deaths_is_kept) {
    probe *chain = NULL;
    for (unsigned i = 0; i < 100; i++) {
        probe *next = probe_new(NULL);
        next->child = chain;
        chain = next;
    }
    wr_release(chain);
    chain = probe_new(NULL);
    chain->child = probe_new(NULL);
    wr_release(chain);
    CHECK_EQ(stats_now().longest_row, 99);
}

TEST(retired_slots_are_counted) {
    if (!ON_WEAR)
        SKIP("needs VARIANT=wear");
    for (unsigned i = 0; i < 100000 && stats_now().slots_retired == 0; i++) {
        void *obj = wr_new(&plain_type);
        (void)wr_weak_of(obj);
        wr_release(obj);
    }
    CHECK_GT(stats_now().slots_retired, 0);
}

enum { EACH = 200 };
static void kill_some(unsigned index, void *arg) {
    (void)index, (void)arg;
    for (unsigned i = 0; i < EACH; i++) {
        void *obj = wr_new(&plain_type);
        wr_kill(obj);
        wr_release(obj);
        if (i % 16 == 0)
            (void)stats_now(); /* beside those who count */
    }
}

TEST(what_threads_counted_is_there_after_they_ended) {
    run_threads(4, kill_some, NULL);
    CHECK_EQ(stats_now().killed, 4 * EACH);
    run_threads(2, kill_some, NULL); /* records are used again */
    CHECK_EQ(stats_now().killed, 6 * EACH);
}

static void *no_memory(void *ctx, void *ptr, size_t size) {
    (void)ctx, (void)ptr, (void)size;
    return NULL;
}

TEST(threads_without_a_record_count_too) {
    CHECK_EQ(wr_set_allocator(no_memory, NULL), 0);
    run_threads(4, kill_some, NULL);
    CHECK_EQ(stats_now().killed, 4 * EACH);
    FILE *file = tmpfile();
    REQUIRE(file != NULL);
    CHECK_EQ(wr_stats_write(file, WR_TEXT), -ENOMEM);
    CHECK_EQ(wr_report_live(file), -ENOMEM);
    fclose(file);
}

TEST(a_struct_of_another_size_gets_what_fits) {
    void *obj = wr_new(&plain_type);
    uint64_t less[2] = {7, 7};
    wr_stats_get((wr_stats *)(void *)less, sizeof less[0]);
    CHECK_EQ(less[0], 1);
    CHECK_EQ(less[1], 7);
    struct {
        wr_stats stats;
        uint64_t unknown;
    } more;
    memset(&more, 0x55, sizeof more);
    wr_stats_get(&more.stats, sizeof more);
    CHECK_EQ(more.stats.live, 1);
    CHECK_EQ(more.unknown, 0);
    wr_stats_get(NULL, sizeof more);
    wr_release(obj);
}

TEST(text_has_a_line_for_each_number_and_type) {
    void *obj = wr_new(&plain_type);
    char *text = stats_text(WR_TEXT);
    CHECK_STR_HAS(text, "\nlive_killed ");
    CHECK_STR_HAS(text, "\nplain  ");
    CHECK_EQ(occurrences(text, "\n"), sizeof(wr_stats) / sizeof(uint64_t) + 2);
    free(text);
    wr_release(obj);
}

TEST(json_is_one_line_with_quoted_names) {
    static const wr_type odd_type = {.abi = WR_TYPE_ABI, .name = "o\"d\\d\t\n", .size = 8};
    static const wr_type nameless_type = {.abi = WR_TYPE_ABI, .size = 64};
    void *odd = wr_new(&odd_type);
    void *nameless = wr_new(&nameless_type);
    char *text = stats_text(WR_JSON);
    CHECK_EQ(strncmp(text, "{\"live\":2,\"live_killed\":0,\"live_bytes\":160,", 43), 0);
    CHECK_STR_HAS(
        text,
        ",\"types\":[{\"name\":\"object\",\"alive\":1,\"killed\":0,\"references\":1,\"bytes\":96},"
        "{\"name\":\"o\\\"d\\\\d\\u0009\\n\",\"alive\":1,\"killed\":0,\"references\":1,\"bytes\":64}]}\n");
    CHECK_EQ(occurrences(text, "\n"), 1);
    free(text);
    wr_release(odd);
    wr_release(nameless);
}

TEST(names_are_written_as_utf8_whatever_they_are) {
    static const struct {
        const char *name, *json, *prometheus;
    } cases[] = {
        {"a\xc3\xa9\xe4\xb8\x96\xf0\x9f\xa6\x80z", "a\xc3\xa9\xe4\xb8\x96\xf0\x9f\xa6\x80z",
         "a\xc3\xa9\xe4\xb8\x96\xf0\x9f\xa6\x80z"},
        {"b\x01\x1f", "b\\u0001\\u001f", "b\\\\x01\\\\x1f"},
        {"c\xff\x80", "c\\\\xff\\\\x80", "c\\\\xff\\\\x80"},
        {"d\xc0\xaf", "d\\\\xc0\\\\xaf", "d\\\\xc0\\\\xaf"},                   /* too long a form */
        {"e\xed\xa0\x80", "e\\\\xed\\\\xa0\\\\x80", "e\\\\xed\\\\xa0\\\\x80"}, /* half of a pair */
        {"f\xf4\x90\x80\x80", "f\\\\xf4\\\\x90\\\\x80\\\\x80",
         "f\\\\xf4\\\\x90\\\\x80\\\\x80"},                   /* past the last */
        {"g\xe4\xb8", "g\\\\xe4\\\\xb8", "g\\\\xe4\\\\xb8"}, /* cut off */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char quoted[64];
        wr_type type = {.abi = WR_TYPE_ABI, .name = cases[i].name, .size = 8};
        void *obj = wr_new(&type);
        char *text = stats_text(WR_JSON);
        snprintf(quoted, sizeof quoted, "{\"name\":\"%s\",", cases[i].json);
        CHECK_STR_HAS(text, quoted);
        free(text);
        text = stats_text(WR_PROMETHEUS);
        snprintf(quoted, sizeof quoted, "{type=\"%s\"} 1\n", cases[i].prometheus);
        CHECK_STR_HAS(text, quoted);
        free(text);
        wr_release(obj);
    }
}

/* A sample: name, labels in braces or none, a space, a number. */
static bool is_sample(const char *line, size_t length) {
    size_t i = strcspn(line, " {");
    for (size_t k = 0; k < i; k++)
        if (!islower((unsigned char)line[k]) && line[k] != '_')
            return false;
    if (line[i] == '{') {
        const char *end = strstr(line + i, "\"} ");
        if (strncmp(line + i, "{type=\"", 7) != 0 || end == NULL || end > line + length)
            return false;
        i = (size_t)(end - line) + 2;
    }
    size_t digits = strspn(line + i + 1, "0123456789");
    return digits > 0 && i + 1 + digits == length;
}

TEST(prometheus_lines_are_in_the_exposition_format) {
    static const wr_type odd_type = {.abi = WR_TYPE_ABI, .name = "o\"d\\d\n", .size = 8};
    static const wr_type same_name = {.abi = WR_TYPE_ABI, .name = "plain", .size = 640};
    void *objects[] = {wr_new(&plain_type), wr_new(&same_name), wr_new(&odd_type)};
    wr_kill(objects[0]);
    char *text = stats_text(WR_PROMETHEUS);
    unsigned helps = 0, types = 0, samples = 0;
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        REQUIRE(line[length] == '\n');
        if (strncmp(line, "# HELP weakrt_", 14) == 0)
            helps++;
        else if (strncmp(line, "# TYPE weakrt_", 14) == 0)
            types++;
        else if (CHECK(is_sample(line, length)))
            samples++;
    }
    unsigned numbers = sizeof(wr_stats) / sizeof(uint64_t);
    CHECK_EQ(helps, numbers + 4);
    CHECK_EQ(types, numbers + 4);
    CHECK_EQ(samples, numbers + 4 * 2); /* types of one name are one series, or it would be there twice */
    CHECK_STR_HAS(text, "\n# TYPE weakrt_killed_total counter\nweakrt_killed_total 1\n");
    CHECK_STR_HAS(text, "\n# TYPE weakrt_live_killed gauge\nweakrt_live_killed 1\n");
    CHECK_STR_HAS(text, "\nweakrt_type_alive{type=\"plain\"} 2\n");
    CHECK_STR_HAS(text, "\nweakrt_type_alive{type=\"o\\\"d\\\\d\\n\"} 1\n");
    free(text);
    for (unsigned i = 0; i < 3; i++)
        wr_release(objects[i]);
}

TEST(formats_and_files_that_cannot_be_are_refused) {
    FILE *file = tmpfile();
    REQUIRE(file != NULL);
    CHECK_EQ(wr_stats_write(NULL, WR_TEXT), -EINVAL);
    CHECK_EQ(wr_stats_write(file, WR_GRAPHVIZ), -EINVAL);
    CHECK_EQ(wr_stats_write(file, (wr_format)99), -EINVAL);
    CHECK_EQ(ftell(file), 0);
    fclose(file);
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        SKIP("there is no /dev/full");
    CHECK_EQ(wr_stats_write(full, WR_TEXT), -EIO);
    fclose(full);
}
