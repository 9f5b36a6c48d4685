/* SPDX-License-Identifier: MIT */
/* The cycle report: each group of objects that own each other, with a circle and what to make weak. */
#include "reports.h"

/* An object that owns up to three others, by the fields a, b and c. */
struct owner {
    void *a, *b, *c;
};

static void owner_release(void *self) {
    struct owner *o = self;
    wr_release(o->a);
    wr_release(o->b);
    wr_release(o->c);
}

static void owner_trace(void *self, wr_visit visit, void *arg) {
    struct owner *o = self;
    visit(o->a, "a", arg); /* NULL too */
    visit(o->b, "b", arg);
    visit(o->c, "c", arg);
}

#define OWNER_TYPE(text)                                                                                     \
    {                                                                                                        \
        .abi = WR_TYPE_ABI, .name = text, .size = sizeof(struct owner), .destroy = owner_release,            \
        .trace = owner_trace                                                                                 \
    }
static const wr_type owner_type = OWNER_TYPE("owner");
static const wr_type other_type = OWNER_TYPE("other");
static const wr_type untraced_type = {
    .abi = WR_TYPE_ABI, .name = "untraced", .size = sizeof(struct owner), .destroy = owner_release};

static struct owner *new_of(const wr_type *type) {
    struct owner *o = wr_new(type);
    REQUIRE(o != NULL);
    return o;
}
static struct owner *new_owner(void) {
    return new_of(&owner_type);
}

/* Give up a reference to one of a circle, having cut it open there. */
static void cut(struct owner *o) {
    struct owner was = *o;
    *o = (struct owner){NULL, NULL, NULL};
    wr_release(was.a);
    wr_release(was.b);
    wr_release(was.c);
}

static void check_none(unsigned objects) {
    char expected[128];
    char *text = cycles_text(WR_TEXT);
    snprintf(expected, sizeof expected,
             "weakrt: groups of objects that own each other: 0, objects in them: 0\nlooked at: %u, with no "
             "trace: 0\n",
             objects);
    CHECK_STR_EQ(text, expected);
    free(text);
}

TEST(nothing_and_a_chain_have_no_cycle) {
    check_none(0);
    struct owner *chain = NULL;
    for (unsigned i = 0; i < 10; i++) {
        struct owner *next = new_owner();
        next->a = chain;
        chain = next;
    }
    check_none(10);
    wr_release(chain);
}

TEST(an_object_owned_twice_is_no_cycle) {
    struct owner *top = new_owner(), *bottom = new_owner();
    struct owner *left = top->a = new_owner(), *right = top->b = new_owner();
    left->a = bottom;
    right->a = wr_retain(bottom);
    right->b = wr_retain(bottom);
    check_none(4);
    wr_release(top);
}

TEST(two_that_own_each_other_are_named_with_their_fields) {
    struct owner *parent = new_owner();
    struct owner *child = parent->a = new_of(&other_type);
    child->b = parent; /* the only references are theirs */
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "groups of objects that own each other: 1, objects in them: 2\n");
    CHECK_STR_HAS(text, "\ngroup 1: objects: 2, references from outside: 0, leaked\n    owner ");
    CHECK_STR_HAS(text, " .a -> other ");
    CHECK_STR_HAS(text, "\n    other ");
    CHECK_STR_HAS(text, " .b -> owner ");
    CHECK_EQ(occurrences(text, "make weak: "), 1);
    CHECK_STR_HAS(text, "\n  make weak: other.b\n");
    free(text);
    child->b = NULL;
    wr_release(parent);
    CHECK_EQ(stats_now().live, 0);
}

TEST(the_one_held_from_outside_owns_the_others) {
    struct owner *child = new_of(&other_type), *parent = new_owner();
    parent->a = child;
    child->b = wr_retain(parent); /* `parent`, made later, is held here */
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "references from outside: 1\n");
    CHECK_STR_HAS(text, "make weak: other.b\n");
    free(text);
    wr_retain(child);
    wr_release(parent); /* now it is the child */
    text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "make weak: owner.a\n");
    free(text);
    child->b = NULL;
    wr_release(parent);
    wr_release(child);
}

TEST(a_parent_of_many_owns_its_children) {
    struct owner *children[3] = {new_of(&other_type), new_of(&other_type), new_of(&other_type)};
    struct owner *parent = new_owner();
    *parent = (struct owner){children[0], children[1], children[2]};
    for (unsigned i = 0; i < 3; i++)
        children[i]->c = i ? wr_retain(parent) : parent;
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "group 1: objects: 4, references from outside: 0, leaked\n");
    CHECK_EQ(occurrences(text, "make weak: "), 1);
    CHECK_STR_HAS(text, "make weak: other.c\n");
    free(text);
    cut(parent);
    CHECK_EQ(stats_now().live, 0);
}

TEST(an_object_that_owns_itself) {
    struct owner *self = new_owner();
    self->c = self;
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "group 1: objects: 1, references from outside: 0, leaked\n");
    CHECK_STR_HAS(text, " .c -> owner ");
    CHECK_STR_HAS(text, "make weak: owner.c\n");
    free(text);
    self->c = NULL;
    wr_release(self);
}

TEST(two_cycles_that_share_an_object_are_one_group_and_both_are_named) {
    struct owner *shared = new_owner();
    struct owner *left = new_of(&other_type), *right = new_of(&other_type);
    shared->a = left;
    shared->b = right;
    left->a = shared;
    right->c = wr_retain(shared);
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "own each other: 1, objects in them: 3\n");
    CHECK_EQ(occurrences(text, "\ngroup "), 1);
    CHECK_EQ(occurrences(text, "make weak: "), 2);
    CHECK_STR_HAS(text, "make weak: other.a\n");
    CHECK_STR_HAS(text, "make weak: other.c\n");
    free(text);
    cut(shared);
    CHECK_EQ(stats_now().live, 0);
}

TEST(a_list_linked_both_ways_needs_one_field_to_change) {
    enum { COUNT = 200 };
    struct owner *list[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        list[i] = new_owner();
    for (unsigned i = 0; i + 1 < COUNT; i++) {
        list[i]->a = list[i + 1];            /* next */
        list[i + 1]->b = wr_retain(list[i]); /* previous */
    }
    char *text = cycles_text(WR_TEXT); /* the first one is held by nobody else than this test */
    CHECK_STR_HAS(text, "group 1: objects: 200, references from outside: 1\n");
    CHECK_EQ(occurrences(text, "make weak: "), 1);
    CHECK_STR_HAS(text, "make weak: owner.b\n");
    free(text);
    for (unsigned i = 0; i < COUNT; i++) {
        wr_release(list[i]->b);
        list[i]->b = NULL;
    }
    wr_release(list[0]);
    CHECK_EQ(stats_now().live, 0);
}

TEST(groups_that_own_each_other_one_way_stay_apart) {
    struct owner *a = new_owner(), *b = new_owner();
    a->a = wr_retain(a);
    b->a = wr_retain(b);
    a->b = b;
    char *text = cycles_text(WR_TEXT);
    CHECK_EQ(occurrences(text, "\ngroup "), 2);
    CHECK_EQ(occurrences(text, "references from outside: 1\n"), 2);
    free(text);
    cut(b);
    cut(a);
    wr_release(a);
    CHECK_EQ(stats_now().live, 0);
}

static void *make_circle(unsigned count) {
    struct owner *first = new_owner(), *last = first;
    for (unsigned i = 1; i < count; i++)
        last = last->a = new_owner();
    last->a = first;
    return first;
}

TEST(a_cycle_of_100000_needs_no_stack) {
    unsigned count = scaled(100000);
    struct owner *first = make_circle(count);
    char expected[64];
    snprintf(expected, sizeof expected, "    ... %u more ...\n", count - 32);
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, expected);
    CHECK_EQ(occurrences(text, " .a -> "), 32);
    free(text);
    text = cycles_text(WR_JSON);
    CHECK_EQ(occurrences(text, "\"field\":\"a\"}"), count + 1); /* and the one to make weak */
    free(text);
    text = cycles_text(WR_GRAPHVIZ);
    CHECK_EQ(occurrences(text, " -> "), count);
    CHECK_EQ(occurrences(text, "style=dashed"), 1);
    free(text);
    cut(first);
    CHECK_EQ(stats_now().live, 0);
}

TEST(many_groups_are_counted_and_a_page_of_them_is_shown) {
    enum { COUNT = 1000 };
    struct owner *firsts[COUNT];
    for (unsigned i = 0; i < COUNT; i++)
        firsts[i] = make_circle(2);
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "own each other: 1000, objects in them: 2000\n");
    CHECK_EQ(occurrences(text, "\ngroup "), 20);
    CHECK_STR_HAS(text, "groups not shown: 980\n");
    free(text);
    for (unsigned i = 0; i < COUNT; i++)
        cut(firsts[i]);
}

TEST(objects_without_trace_are_opaque) {
    struct owner *a = new_owner(), *b = new_of(&untraced_type);
    a->a = b;
    b->a = a;
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "own each other: 0,");
    CHECK_STR_HAS(text, "looked at: 1, with no trace: 1\n");
    CHECK_EQ(occurrences(text, "no live object"), 0);
    free(text);
    cut(b);
}

static void lying_trace(void *self, wr_visit visit, void *arg) {
    visit((char *)self + 1, "inside", arg);
    visit(arg, NULL, arg);
    visit(self, NULL, arg);
}

TEST(a_trace_that_visits_what_it_does_not_own_is_noticed) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .trace = lying_trace};
    void *obj = wr_new(&type);
    char *text = cycles_text(WR_TEXT);
    CHECK_STR_HAS(text, "trace visited what is no live object: 2 times\n");
    CHECK_STR_HAS(text, "make weak: object.?\n");
    free(text);
    wr_release(obj);
}

TEST(graphviz_has_the_cycle_in_red_and_its_neighbours_beside_it) {
    struct owner *outside = new_of(&other_type), *far = new_of(&other_type);
    far->a = outside;
    struct owner *circle = outside->a = make_circle(2);
    wr_retain(circle);
    char *text = cycles_text(WR_GRAPHVIZ);
    CHECK_EQ(strncmp(text, "digraph weakrt {\n", 17), 0);
    CHECK_EQ(occurrences(text, "[label=\"owner\""), 2);
    CHECK_EQ(occurrences(text, "[label=\"other\""), 1);
    CHECK_EQ(occurrences(text, ",color=red];\n"), 2 + 1); /* nodes, and an edge */
    CHECK_EQ(occurrences(text, ",color=red,style=dashed];\n"), 1);
    CHECK_EQ(occurrences(text, " -> "), 3);
    CHECK_STR_EQ(text + strlen(text) - 2, "}\n");
    free(text);
    text = cycles_text(WR_JSON);
    CHECK_STR_HAS(
        text, "{\"objects\":4,\"without_trace\":0,\"strange\":0,\"groups\":[{\"objects\":2,\"outside\":1,");
    CHECK_STR_HAS(text, "\"make_weak\":{\"type\":\"owner\",\"field\":\"a\"}}]}]}\n");
    free(text);
    cut(circle);
    wr_release(far);
    CHECK_EQ(stats_now().live, 0);
}

TEST(formats_it_does_not_have_are_refused) {
    FILE *file = tmpfile();
    REQUIRE(file != NULL);
    CHECK_EQ(wr_report_cycles(NULL, WR_TEXT), -EINVAL);
    CHECK_EQ(wr_report_cycles(file, WR_PROMETHEUS), -EINVAL);
    CHECK_EQ(wr_report_cycles(file, (wr_format)-1), -EINVAL);
    CHECK_EQ(ftell(file), 0);
    fclose(file);
}

static unsigned calls, fail_at, in_use;
static void *failing(void *ctx, void *ptr, size_t size) {
    (void)ctx;
    if (size == 0) {
        in_use--;
        free(ptr);
        return NULL;
    }
    if (ptr != NULL || ++calls == fail_at)
        return NULL;
    in_use++;
    return malloc(size);
}

TEST(each_failure_of_the_allocator_is_told_and_leaves_nothing) {
    CHECK_EQ(wr_set_allocator(failing, NULL), 0);
    struct owner *first = make_circle(100);
    unsigned before = in_use, failed = 0;
    for (int result = -ENOMEM; result == -ENOMEM;) {
        fail_at = ++failed;
        calls = 0;
        FILE *file = tmpfile();
        REQUIRE(file != NULL);
        result = wr_report_cycles(file, WR_JSON);
        CHECK_EQ(ftell(file) == 0, result != 0);
        CHECK(result == 0 || result == -ENOMEM);
        CHECK_EQ(in_use, before);
        fclose(file);
    }
    CHECK_GT(failed, 7);
    for (fail_at = 1; fail_at < 3; fail_at++) {
        FILE *file = tmpfile();
        REQUIRE(file != NULL);
        calls = 0;
        (void)wr_report_live(file);
        CHECK_EQ(in_use, before);
        fclose(file);
    }
    cut(first);
}
