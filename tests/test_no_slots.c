/* SPDX-License-Identifier: MIT */
/* Calls that need slots of their own, refused one after the other: ENOMEM, and nothing changed (S41). */
#include "reports.h"

#include <sys/resource.h>

/* Fillers take every slot of the sizes that the library's own objects have; objects of the tests are smaller. */
struct filler {
    struct filler *next;
};
static const size_t sizes[] = {64, 96, 128, 160};
enum { SIZES = sizeof sizes / sizeof sizes[0] };
static struct filler *fillers[SIZES];
static struct rlimit before;

static const wr_type filler_type = {.abi = WR_TYPE_ABI, .name = "filler"};

static void take_all(void) {
    REQUIRE(sizeof(probe) <= 32);
    wr_release(probe_new(NULL));
    REQUIRE(getrlimit(RLIMIT_DATA, &before) == 0);
    struct rlimit now = {1 << 20, before.rlim_max}; /* what is there stays; nothing may be added */
    for (unsigned i = 0; i < SIZES; i++) {          /* so that there is something to give */
        struct filler *filler = wr_new_flex(&filler_type, sizes[i]);
        REQUIRE(filler != NULL);
        fillers[i] = filler;
    }
    REQUIRE(setrlimit(RLIMIT_DATA, &now) == 0);
    for (unsigned i = 0; i < SIZES; i++)
        for (struct filler *filler; (filler = wr_new_flex(&filler_type, sizes[i])) != NULL;
             fillers[i] = filler)
            filler->next = fillers[i];
}

/* Give one slot of each size back. */
static void give_one(void) {
    for (unsigned i = 0; i < SIZES; i++) {
        struct filler *filler = fillers[i];
        REQUIRE(filler != NULL);
        fillers[i] = filler->next;
        wr_release(filler);
    }
}

static void give_all(void) {
    REQUIRE(setrlimit(RLIMIT_DATA, &before) == 0);
    for (unsigned i = 0; i < SIZES; i++)
        while (fillers[i] != NULL) {
            struct filler *filler = fillers[i];
            fillers[i] = filler->next;
            wr_release(filler);
        }
}

/* Try a call that takes `steps` slots, with one more at each try, until it works: it is refused at each step, and
 * gives back what the steps before it took. */
static void refuse_each_step(bool (*works)(void), unsigned steps) {
    unsigned refused = 0;
    for (errno = ENOTTY; !works(); errno = ENOTTY) {
        refused++;
        give_one();
    }
    CHECK_GE(refused, steps);
    if (!ON_DEBUG && !ON_WEAR) /* there slots wait before they are used again */
        CHECK_EQ(refused, steps);
}

#define SKIP_UNDER_TOOLS()                                                                                   \
    if (watched())                                                                                           \
    SKIP("the tool itself needs the memory that this test forbids")

static probe *obj;
static wr_weak weak;
static wr_queue *queue;
static unsigned destroyed;
static struct log log_;

static void set_up(void) {
    obj = probe_new(&destroyed);
    weak = wr_weak_of(obj);
    queue = new_queue();
    take_all();
}

static bool is_unchanged(void) {
    return wr_refcount(obj) == 1 && can_get(weak) && wr_weakref_count(obj) == 0 && wr_refcount(queue) == 1 &&
           !readable(queue) && log_.calls == 0 && log_.freed == 0 && destroyed == 0;
}

/* Tell whether a call that leaves errno alone did its work; if not, it was refused and changed nothing. */
static bool is_done(int result) {
    CHECK_EQ(errno, ENOTTY);
    if (result == 0)
        return true;
    CHECK_EQ(result, -ENOMEM);
    CHECK(is_unchanged());
    return false;
}

static bool bind_works(void) {
    return is_done(wr_bind(obj, queue));
}

TEST(no_slot_for_a_binding) {
    SKIP_UNDER_TOOLS();
    set_up();
    refuse_each_step(bind_works, 1);
    wr_release(obj);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
    give_all();
}

static wr_holder held;

static bool hold_is_recorded(void) {
    CHECK_PTR_EQ(wr_hold(obj, &held), obj);
    CHECK_EQ(errno, ENOTTY);
    if (held.bits != 0)
        return true;
    CHECK_EQ(wr_refcount(obj), 2);
    wr_drop(obj, &held);
    CHECK(is_unchanged());
    return false;
}

TEST(no_slot_for_the_record_of_a_reference_which_is_counted) {
    SKIP_UNDER_TOOLS();
    CHECK_EQ(wr_debug("holders"), 0);
    set_up();
    refuse_each_step(hold_is_recorded, 2);
    give_all();
    char *text = live_text();
    CHECK_STR_HAS(text,
                  "references recorded: 1, given up: 0, with their object: 0, without memory for a record: ");
    CHECK_EQ(occurrences(text, "without memory for a record: 0"), 0);
    free(text);
    wr_drop(obj, &held);
    wr_release(obj);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

static wr_finalizer *finalizer;
static void finalized(void *arg) {
    ((struct log *)arg)->calls++;
}
static bool finalizer_works(void) {
    finalizer = wr_finalizer_new(obj, finalized, &log_, WR_AT_EXIT);
    if (finalizer != NULL)
        return true;
    CHECK_EQ(errno, ENOMEM);
    CHECK(is_unchanged());
    wr_run_exit_finalizers();
    return false;
}

TEST(no_slot_for_a_finalizer) {
    SKIP_UNDER_TOOLS();
    set_up();
    refuse_each_step(finalizer_works, 2);
    wr_release(obj);
    CHECK_EQ(log_.calls, 1);
    wr_release(finalizer);
    wr_queue_free(queue);
    give_all();
}

static bool notice_works(void) {
    return is_done(wr_kill_notify(obj, finalized, &log_, queue));
}

TEST(no_slot_for_a_notice) {
    SKIP_UNDER_TOOLS();
    set_up();
    refuse_each_step(notice_works, 1); /* it took our reference, which was the last */
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(log_.calls, 1);
    wr_queue_free(queue);
    give_all();
}

static wr_queue *made_queue;
static bool queue_works(void) {
    made_queue = wr_queue_new();
    if (made_queue == NULL)
        CHECK_EQ(errno, ENOMEM);
    return made_queue != NULL;
}

TEST(no_slot_for_a_queue) {
    SKIP_UNDER_TOOLS();
    take_all();
    refuse_each_step(queue_works, 1);
    wr_queue_free(made_queue);
    give_all();
}

static wr_weakref_options options;
static wr_weakref *ref;
static bool weakref_works(void) {
    ref = wr_weakref_new_ex(obj, &options);
    if (ref != NULL)
        return true;
    CHECK_EQ(errno, ENOMEM);
    CHECK(is_unchanged());
    return false;
}

/* With the options as they are: refused, made, and over. */
static void refuse_weakref(void) {
    refuse_each_step(weakref_works, 1);
    CHECK_EQ(wr_weakref_count(obj), 1);
    wr_release(ref);
    CHECK_EQ(log_.calls, 0);
    CHECK_EQ(log_.freed, options.arg_destroy != NULL);
    log_.freed = 0;
    give_all();
    take_all();
}

TEST(no_slot_for_a_weakref) {
    SKIP_UNDER_TOOLS();
    set_up();
    options = (wr_weakref_options)WR_WEAKREF_OPTIONS_INIT;
    refuse_weakref(); /* the shared one */
    options.flags = WR_PROXY;
    refuse_weakref();
    options.callback = logs;
    options.arg = &log_;
    options.arg_destroy = logs_freed;
    refuse_weakref();
    options.flags = 0;
    options.type = &owner_ref_type;
    refuse_weakref();
    options.queue = queue;
    refuse_weakref();
    give_all();
    wr_release(obj);
    wr_queue_free(queue);
}

static wr_queue *loop;
static const wr_type bound_type = {.abi = WR_TYPE_ABI, .name = "bound", .size = 64, .queue = &loop};
static void *bound;
static bool bound_works(void) {
    bound = wr_new(&bound_type);
    if (bound == NULL)
        CHECK_EQ(errno, ENOMEM);
    return bound != NULL;
}

TEST(no_slot_for_an_object_of_a_bound_type) {
    SKIP_UNDER_TOOLS();
    loop = new_queue();
    take_all();
    refuse_each_step(bound_works, 2);
    wr_release(bound);
    CHECK_EQ(wr_queue_run(loop, 0), 1);
    wr_queue_free(loop);
    loop = NULL;
    give_all();
}
