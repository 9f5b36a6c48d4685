/* SPDX-License-Identifier: MIT */
/* Misuse is named, and never survived. */
#include "lock.h"
#include "word.h"

#include "common.h"

#include <sched.h>
#include <setjmp.h>

#if ON_ASAN
#include <sanitizer/asan_interface.h>
#endif

static const wr_type conn_type = {.abi = WR_TYPE_ABI, .name = "conn", .size = 96};

static void *conn_new(bool weak) {
    void *p = wr_new(&conn_type);
    REQUIRE(p != NULL);
    if (weak)
        (void)wr_weak_of(p);
    return p;
}

static void release_twice(bool weak) {
    void *p = conn_new(weak);
    wr_release(p);
    wr_release(p);
}

TEST_ABORTS(a_double_release_names_the_function, "weakrt: wr_release(") {
    release_twice(false);
}
TEST_ABORTS(a_double_release_names_the_type, "type 'conn': the object is dead already") {
    release_twice(false);
}
TEST_ABORTS(a_double_release_of_a_weakly_referenced_object, "type 'conn': the object is dead already") {
    release_twice(true);
}
TEST_ABORTS(retain_of_a_dead_object, "wr_retain(") {
    void *p = conn_new(false);
    wr_release(p);
    wr_retain(p);
}
TEST_ABORTS(retain_of_a_dead_weakly_referenced_object, "type 'conn': the object is dead already") {
    void *p = conn_new(true);
    wr_release(p);
    wr_retain(p);
}

static void release_self(void *self) {
    wr_release(self);
}
static void retain_self(void *self) {
    wr_retain(self);
}

TEST_ABORTS(release_of_self_in_destroy, "the object is dead already") {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = release_self};
    wr_release(wr_new(&type));
}
TEST_ABORTS(retain_of_self_in_destroy, "the object is dead already") {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = retain_self};
    void *p = wr_new(&type);
    (void)wr_weak_of(p);
    wr_release(p);
}

TEST_ABORTS(release_of_a_variable_on_the_stack, "this is no object of weakrt") {
    uint64_t local[8] = {0};
    wr_release(wr_retain(conn_new(false)));
    wr_release(local + 4);
}
TEST_ABORTS(release_of_memory_from_malloc, "wr_release(") {
    char *memory = malloc(100);
    (void)conn_new(false);
    wr_release(memory + 32);
    free(memory);
}
TEST_ABORTS(release_before_there_is_any_object, "this is no object of weakrt") {
    static uint64_t data[8];
    wr_release(data + 4);
}
TEST_ABORTS(retain_before_there_is_any_object, "wr_retain(") {
    static uint64_t data[8];
    wr_retain(data + 4);
}
TEST_ABORTS(release_of_a_pointer_into_an_object, "this is no object of weakrt") {
    char *p = conn_new(false);
    wr_release(p + 8);
}
TEST_ABORTS(release_of_an_aligned_pointer_into_an_object, "wr_release(") {
    char *p = conn_new(false);
    wr_release(p + 64); /* what precedes is payload, all zero: dead */
}
TEST_ABORTS(retain_of_memory_that_is_no_object, "this is no object of weakrt") {
    static uint64_t data[8];
    (void)conn_new(false);
    wr_retain(data + 4);
}

TEST(weak_of_what_is_no_object_is_null) {
    static uint64_t data[8];
    CHECK(wr_weak_is_null(wr_weak_of(data + 4)));
    wr_release(conn_new(false));
    CHECK(wr_weak_is_null(wr_weak_of(data + 4)));
}

/* As if `obj` had been retained very often. */
static void count_up_to(void *obj, uint64_t count) {
    struct wr_slot *slot = wr_slot_of(obj);
    wr_store_relaxed(&slot->word, (wr_load_relaxed(&slot->word) & (WR_ONE - 1)) | count * WR_ONE);
}

#define LARGEST ((uint32_t)(WR_OVERFLOW / WR_ONE))

TEST_ABORTS(retain_past_the_largest_count, "the strong count overflows") {
    void *p = conn_new(false);
    count_up_to(p, LARGEST);
    wr_retain(p);
}
TEST_ABORTS(get_past_the_largest_count, "type 'conn': the strong count overflows") {
    void *p = conn_new(true);
    wr_weak w = wr_weak_of(p);
    count_up_to(p, LARGEST);
    (void)!wr_weak_get(w);
}

TEST(counts_up_to_the_largest_are_fine) {
    void *p = conn_new(true);
    wr_weak w = wr_weak_of(p);
    count_up_to(p, LARGEST - 2);
    CHECK_PTR_EQ(wr_retain(p), p);
    CHECK_PTR_EQ(wr_weak_get(w), p);
    CHECK_EQ(wr_refcount(p), LARGEST);
    count_up_to(p, 1);
    wr_release(p);
    CHECK(wr_weak_is_dead(w));
}

TEST_ABORTS(giving_back_a_lock_nobody_holds, "given back that nobody held") {
    struct lock lock = {0};
    lock_take(&lock);
    lock_give(&lock);
    lock_give(&lock);
}

#ifdef WR_DEBUG
static struct lock never_given;

static void do_nothing(void *self) {
    (void)self;
}

TEST_ABORTS(user_code_under_a_lock_of_the_library,
            "user code is about to run while a lock of the library is held") {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = do_nothing};
    void *p = wr_new(&type);
    lock_take(&never_given);
    wr_release(p);
}
#endif

/* ---- user code that does not return ---- */

static jmp_buf out;

static void jump_out(void *self) {
    (void)self;
    longjmp(out, 1);
}
static void end_thread(void *self) {
    (void)self;
    pthread_exit(NULL);
}
static const wr_type jumping_type = {.abi = WR_TYPE_ABI, .name = "jumping", .size = 8, .destroy = jump_out};
static const wr_type ending_type = {.abi = WR_TYPE_ABI, .name = "ending", .size = 8, .destroy = end_thread};

static void release_to_jump(unsigned index, void *unused) {
    (void)index, (void)unused;
    void *p = wr_new(&jumping_type);
    if (setjmp(out) == 0)
        wr_release(p);
}
static void release_to_end(unsigned index, void *unused) {
    (void)index, (void)unused;
    wr_release(wr_new(&ending_type));
}

TEST_ABORTS(a_destroy_that_longjmps_out_is_named_when_its_thread_ends,
            "type 'jumping': a thread ends inside a callback") {
    run_threads(1, release_to_jump, NULL);
}
TEST_ABORTS(a_thread_that_ends_in_a_destroy_is_named, "type 'ending': a thread ends inside a callback") {
    run_threads(1, release_to_end, NULL);
}

/* ---- a queue that another thread runs ---- */

static atomic_bool inside;

static void stay_inside(void *self) {
    (void)self;
    atomic_store(&inside, true);
    for (;;)
        sched_yield();
}
static const wr_type staying_type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = stay_inside};

static void run_or_free(unsigned index, void *queue) {
    if (index == 0) {
        wr_queue_run(queue, 0);
    } else {
        while (!atomic_load(&inside))
            sched_yield();
        wr_queue_free(queue);
    }
}

TEST_ABORTS(freeing_a_queue_that_another_thread_runs, "type 'queue': it is being run") {
    wr_queue *queue = wr_queue_new();
    REQUIRE(queue != NULL);
    wr_release_later(wr_new(&staying_type), queue);
    run_threads(2, run_or_free, queue);
}

TEST_ABORTS(a_program_with_inline_functions_of_another_layout, "built with a weakrt_inline.h of layout") {
    wr_layout_require(WR_LAYOUT + 1);
}

TEST(a_program_with_inline_functions_of_this_layout) {
    wr_layout_require(WR_LAYOUT);
}

#if !ON_ASAN
TEST_ABORTS(a_write_after_death_is_noticed_at_reuse,
            "type 'conn': byte 50 was written to after the object that had it died") {
    if (RUNNING_ON_VALGRIND) { /* it notices by itself */
        fputs("type 'conn': byte 50 was written to after the object that had it died", stderr);
        abort();
    }
    wr_debug("poison");
    char *p = conn_new(false);
    wr_release(p);
    p[50] = 1;
    for (unsigned i = 0; i < 1000; i++)
        wr_release(conn_new(false));
}
#endif

#if ON_ASAN
TEST(AddressSanitizer_knows_the_payload_of_the_dead_and_the_end_of_the_living) {
    char *p = conn_new(true);
    CHECK(!__asan_address_is_poisoned(p));
    CHECK(!__asan_address_is_poisoned(p + 95));
    wr_release(p);
    CHECK(__asan_address_is_poisoned(p));
    CHECK(__asan_address_is_poisoned(p + 95));
    static const wr_type odd = {.abi = WR_TYPE_ABI, .size = 90};
    p = wr_new(&odd);
    CHECK(!__asan_address_is_poisoned(p + 89));
    CHECK(__asan_address_is_poisoned(p + 90));
    wr_release(p);
}
#endif

/* ---- the handler ---- */

static void say_and_abort(const char *message) {
    fprintf(stderr, "handler: %s|\n", message);
    abort();
}
static void say_and_return(const char *message) {
    fprintf(stderr, "returning: %s|\n", message);
}

TEST_ABORTS(the_handler_gets_one_line, "none is used after|") { /* no newline before the bar */
    wr_set_fatal_handler(say_and_abort);
    release_twice(true);
}
TEST_ABORTS(the_handler_gets_the_message, "handler: weakrt: wr_release(") {
    wr_set_fatal_handler(say_and_abort);
    release_twice(false);
}
TEST_ABORTS(a_handler_that_returns_does_not_save_the_process, "returning: weakrt: wr_release(") {
    wr_set_fatal_handler(say_and_return);
    release_twice(false);
}
TEST_ABORTS(no_handler_means_the_default_again, "weakrt: wr_release(") {
    wr_set_fatal_handler(say_and_abort);
    wr_set_fatal_handler(NULL);
    release_twice(false);
}

TEST(setting_a_handler_gives_the_one_before) {
    CHECK(wr_set_fatal_handler(say_and_abort) == NULL);
    CHECK(wr_set_fatal_handler(say_and_return) == say_and_abort);
    CHECK(wr_set_fatal_handler(NULL) == say_and_return);
    CHECK(wr_set_fatal_handler(NULL) == NULL);
}

/* What was written before the handler was set is seen by it on any thread. */
static uint64_t prepared;
static atomic_bool handler_set;

static void say_what_was_prepared(const char *message) {
    fprintf(stderr, "prepared: %d, %s\n", (int)prepared, message);
    abort();
}

static void set_or_misuse(unsigned index, void *arg) {
    (void)arg;
    if (index == 0) {
        prepared = 7;
        wr_set_fatal_handler(say_what_was_prepared);
        atomic_store_explicit(&handler_set, true, memory_order_relaxed);
    } else {
        while (!atomic_load_explicit(&handler_set, memory_order_relaxed))
            sched_yield();
        release_twice(false);
    }
}

TEST_ABORTS(the_handler_sees_what_was_prepared_for_it, "prepared: 7, weakrt: wr_release(") {
    run_threads(2, set_or_misuse, NULL);
}
