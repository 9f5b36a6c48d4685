/* SPDX-License-Identifier: MIT */
/* The live report: by type, what was killed and is held first, beside whatever else goes on. */
#include "puppet.h"
#include "reports.h"

static const wr_type small_type = {.abi = WR_TYPE_ABI, .name = "small", .size = 8};
static const wr_type large_type = {.abi = WR_TYPE_ABI, .name = "large", .size = 4096};

/* The line of a type: its numbers. */
struct line {
    unsigned long alive, killed, references, bytes;
};
static struct line line_of(const char *text, const char *type) {
    struct line line = {0, 0, 0, 0};
    char start[64];
    snprintf(start, sizeof start, "\n%s ", type);
    const char *at = strstr(text, start);
    if (at != NULL)
        REQUIRE(sscanf(at + strlen(start), "%lu %lu %lu %lu", &line.alive, &line.killed, &line.references,
                       &line.bytes) == 4);
    return line;
}

TEST(each_type_has_its_objects_references_and_bytes) {
    void *small[3] = {wr_new(&small_type), wr_new(&small_type), wr_new(&small_type)};
    void *large = wr_new(&large_type);
    wr_retain(small[1]);
    char *text = live_text();
    CHECK_STR_HAS(text, "weakrt: objects alive: 4, bytes: 4320\n");
    struct line line = line_of(text, "small");
    CHECK_EQ(line.alive, 3);
    CHECK_EQ(line.killed, 0);
    CHECK_EQ(line.references, 4);
    CHECK_EQ(line.bytes, 3 * 64);
    CHECK_EQ(line_of(text, "large").bytes, 4096 + 32);
    CHECK_LT(strstr(text, "\nlarge") - text, strstr(text, "\nsmall") - text); /* most bytes first */
    CHECK_EQ(occurrences(text, "held"), 0);
    free(text);
    wr_release(small[1]);
    for (unsigned i = 0; i < 3; i++)
        wr_release(small[i]);
    wr_release(large);
}

TEST(what_was_killed_and_is_held_comes_first) {
    void *large = wr_new(&large_type);
    void *held = wr_new(&small_type);
    void *gone = wr_new(&small_type);
    wr_retain(held);
    wr_kill(held);
    wr_kill(gone);
    wr_release(gone);
    char *text = live_text();
    CHECK_EQ(occurrences(text, "killed and held: "), 1);
    CHECK_STR_HAS(text, "killed and held: small ");
    CHECK_STR_HAS(text, ", references: 2\n");
    CHECK_EQ(line_of(text, "small").killed, 1);
    CHECK_LT(strstr(text, "\nsmall") - text, strstr(text, "\nlarge") - text);
    free(text);
    wr_release(held);
    wr_release(held);
    wr_release(large);
}

TEST(of_many_that_are_held_a_page_is_named_and_the_rest_counted) {
    void *held[50];
    for (unsigned i = 0; i < 50; i++)
        wr_kill(held[i] = wr_new(&small_type));
    char *text = live_text();
    CHECK_EQ(occurrences(text, "killed and held: small"), 16);
    CHECK_STR_HAS(text, "killed and held: 34 more\n");
    CHECK_EQ(line_of(text, "small").killed, 50);
    free(text);
    for (unsigned i = 0; i < 50; i++)
        wr_release(held[i]);
}

TEST(nothing_alive_is_a_report_too) {
    char *text = live_text();
    CHECK_STR_HAS(text, "weakrt: objects alive: 0, bytes: 0\n");
    free(text);
    wr_release(wr_new(&small_type));
    text = live_text();
    CHECK_STR_HAS(text, "weakrt: objects alive: 0, bytes: 0\n");
    free(text);
    CHECK_EQ(wr_report_live(NULL), -EINVAL);
}

TEST(more_types_than_any_table_begins_with) {
    enum { TYPES = 1000 };
    static wr_type types[TYPES];
    static char names[TYPES][16];
    void *objects[TYPES];
    for (unsigned i = 0; i < TYPES; i++) {
        snprintf(names[i], sizeof names[i], "t%u", i);
        types[i] = (wr_type){.abi = WR_TYPE_ABI, .name = names[i], .size = i % 100};
        REQUIRE((objects[i] = wr_new(&types[i])) != NULL);
    }
    char *text = live_text();
    CHECK_EQ(occurrences(text, "\nt"), TYPES + 1); /* and the heading */
    CHECK_EQ(line_of(text, "t999").alive, 1);
    free(text);
    for (unsigned i = 0; i < TYPES; i++)
        wr_release(objects[i]);
}

TEST(the_librarys_own_objects_are_there) {
    void *obj = wr_new(&small_type);
    wr_queue *queue = new_queue();
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    wr_weakref *proxy = new_proxy(obj, NULL, NULL);
    CHECK_EQ(wr_bind(obj, queue), 0);
    char *text = live_text();
    CHECK_EQ(line_of(text, "weakref").alive, 1);
    CHECK_EQ(line_of(text, "weakproxy").alive, 1);
    CHECK_EQ(line_of(text, "weakproxy").killed, 0);
    CHECK_EQ(line_of(text, "queue").alive, 1);
    CHECK_EQ(line_of(text, "annex").alive, 1);
    free(text);
    wr_release(ref);
    wr_release(proxy);
    wr_release(obj);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    wr_queue_free(queue);
}

/* ---- beside others ---- */

enum { REPORTS = 20, MAKERS = 2 };
static atomic_uint reports_left;

/* Makes objects of types that did not exist when the report began. Their slots change hands under its eyes. */
static void make_types(unsigned index, void *arg) {
    wr_type *types = arg;
    if (index == MAKERS) {
        for (unsigned i = 0; i < REPORTS; i++) {
            free(live_text());
            atomic_fetch_sub_explicit(&reports_left, 1, memory_order_relaxed);
        }
        return;
    }
    for (unsigned i = 0; i < 1000 || atomic_load_explicit(&reports_left, memory_order_relaxed) > 0; i++) {
        wr_type *type = &types[index * 1000 + i % 1000];
        if (i < 1000)
            *type = (wr_type){.abi = WR_TYPE_ABI, .name = "made here", .size = 8};
        void *obj = wr_new(type);
        REQUIRE(obj != NULL);
        if (i % 3 == 0)
            (void)wr_weak_of(obj);
        if (i % 5 == 0)
            wr_kill(obj);
        wr_release(obj);
    }
}

TEST(a_report_sees_types_as_their_maker_left_them) {
    wr_type *types = calloc(MAKERS * 1000, sizeof *types);
    REQUIRE(types != NULL);
    atomic_store(&reports_left, REPORTS);
    run_threads(MAKERS + 1, make_types, types);
    free(types);
}

#ifdef WR_HOOK

static void report_into(void *page) {
    CHECK_EQ(wr_report_live(((struct page *)page)->file), 0);
}

TEST(a_slot_that_changes_hands_under_a_report_has_its_next_type) {
    static wr_type late;
    puppet p;
    struct page page = page_open();
    void *obj = wr_new(&small_type);
    puppet_start(&p, report_into, &page);
    CHECK(puppet_run_to(&p, "load_acquire", &wr_slot_of(obj)->type)); /* it saw the object alive */
    wr_release(obj);
    late = (wr_type){.abi = WR_TYPE_ABI, .name = "late", .size = 8};
    void *next = wr_new(&late);
    bool same = next == obj; /* not in a debug build, nor if the slot was worn */
    puppet_run_out(&p);
    char *text = page_text(&page);
    CHECK_EQ(line_of(text, same ? "late" : "small").alive, 1);
    free(text);
    wr_release(next);
}

#endif
