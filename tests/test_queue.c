/* SPDX-License-Identifier: MIT */
/* Delivery on one thread: what runs in wr_queue_run, when the descriptor is readable, and what a freed queue
 * does. */
#include "queues.h"

#include <fcntl.h>
#include <sys/resource.h>

/* ---- callbacks ---- */

TEST(S44_a_bound_callback_runs_only_in_wr_queue_run) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    unsigned destroyed = 0;
    void *obj = probe_new(&destroyed);
    wr_weakref *ref = new_bound_ref(obj, queue, &log);
    CHECK(!readable(queue));
    wr_release(obj);
    CHECK_EQ(destroyed, 1); /* may be over before its callbacks */
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK(wr_weakref_callback(ref) == NULL);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(log.dead, 1);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(wr_queue_run(queue, 0), 0);
    CHECK(!readable(queue));
    wr_release(ref);
    wr_queue_free(queue);
}

TEST(S44_callbacks_come_in_the_order_of_deaths_newest_first_each) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    wr_weakref *refs[6];
    for (int i = 0; i < 3; i++) {
        void *obj = probe_new(NULL);
        refs[2 * i + 1] = new_bound_ref(obj, queue, &log);
        refs[2 * i] = new_bound_ref(obj, queue, &log);
        if (i == 1)
            CHECK_EQ(wr_kill(obj), 1); /* a kill is as good */
        wr_release(obj);
    }
    CHECK_EQ(wr_queue_run(queue, -1), 6);
    for (int i = 0; i < 6; i++) {
        CHECK_PTR_EQ(log.refs[i], refs[i]);
        wr_release(refs[i]);
    }
    wr_queue_free(queue);
}

TEST(S44_max_bounds_a_run_and_the_rest_stays_readable) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    wr_weakref *refs[5];
    for (int i = 0; i < 5; i++) {
        void *obj = probe_new(NULL);
        refs[i] = new_bound_ref(obj, queue, &log);
        wr_release(obj);
    }
    CHECK_EQ(wr_queue_run(queue, 2), 2);
    CHECK_EQ(log.calls, 2);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 2), 2);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 2), 1);
    CHECK(!readable(queue));
    for (int i = 0; i < 5; i++)
        wr_release(refs[i]);
    wr_queue_free(queue);
}

/* A callback that makes one more entry, and looks at the descriptor. */
struct feeder {
    wr_queue *queue;
    wr_weakref *refs[8];
    int made;
    int nested;
};
static void feeds(wr_weakref *ref, void *arg) {
    struct feeder *f = arg;
    (void)ref;
    f->nested = wr_queue_run(f->queue, 0);
    if (f->made == 8)
        return;
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = feeds;
    o.arg = f;
    o.queue = f->queue;
    void *obj = probe_new(NULL);
    f->refs[f->made] = wr_weakref_new_ex(obj, &o);
    f->made++;
    CHECK_EQ(wr_kill(obj), 1);
    wr_release(obj);
}

TEST(S44_a_run_ends_although_its_callbacks_feed_the_queue_and_a_nested_run_is_busy) {
    struct feeder f = {.queue = new_queue()};
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = feeds;
    o.arg = &f;
    o.queue = f.queue;
    void *obj = probe_new(NULL);
    wr_weakref *first = wr_weakref_new_ex(obj, &o);
    wr_release(obj);
    for (int round = 1; round <= 8; round++) {
        CHECK_EQ(wr_queue_run(f.queue, 0), 1); /* what waited at entry */
        CHECK_EQ(f.nested, -EBUSY);
        CHECK_EQ(f.made, round);
        CHECK(readable(f.queue));
    }
    CHECK_EQ(wr_queue_run(f.queue, 0), 1);
    CHECK(!readable(f.queue));
    wr_release(first);
    for (int i = 0; i < 8; i++)
        wr_release(f.refs[i]);
    wr_queue_free(f.queue);
}

TEST(S45_a_cancelled_or_dropped_entry_is_not_waiting) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    void *a = probe_new(NULL), *b = probe_new(NULL), *c = probe_new(NULL);
    wr_weakref *cancelled = new_bound_ref(a, queue, &log);
    wr_weakref *dropped = new_bound_ref(b, queue, &log);
    wr_weakref *kept = new_bound_ref(c, queue, &log);
    wr_release(a);
    wr_release(b);
    wr_release(c);
    CHECK_EQ(wr_weakref_cancel(cancelled), 1);
    CHECK_EQ(wr_weakref_cancel(cancelled), 0);
    CHECK_EQ(log.freed, 1);
    wr_release(dropped); /* its slot waits on for the queue */
    CHECK_EQ(log.freed, 2);
    CHECK_EQ(wr_queue_run(queue, 1), 1); /* they do not use up max either */
    CHECK_EQ(log.calls, 1);
    CHECK_PTR_EQ(log.refs[0], kept);
    wr_release(cancelled);
    wr_release(kept);
    wr_queue_free(queue);
}

TEST(a_bound_weakref_dropped_before_its_referent_leaves_the_queue_alone) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    void *obj = probe_new(NULL);
    wr_release(new_bound_ref(obj, queue, &log));
    CHECK_EQ(log.freed, 1);
    wr_release(obj);
    CHECK(!readable(queue));
    CHECK_EQ(wr_queue_run(queue, 0), 0);
    CHECK_EQ(log.calls, 0);
    wr_queue_free(queue);
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

TEST(S45_freeing_a_queue_drops_callbacks_runs_destroys_and_closes_its_descriptor) {
    int before = count_descriptors();
    wr_queue *queue = new_queue();
    struct log log = {0};
    unsigned destroyed = 0;
    void *obj = probe_new(NULL);
    wr_weakref *waiting = new_bound_ref(obj, queue, &log);
    wr_release(obj);
    wr_release(new_bound_probe(queue, &destroyed));
    CHECK_EQ(destroyed, 0);
    void *later = new_bound_probe(queue, &destroyed);
    void *live = probe_new(NULL);
    wr_weakref *armed = new_bound_ref(live, queue, &log);

    wr_queue_free(queue);
    CHECK_EQ(count_descriptors(), before);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 1);
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_weakref_cancel(waiting), 0);

    wr_release(later); /* where it dies */
    CHECK_EQ(destroyed, 2);
    wr_release(live);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(log.freed, 2);
    wr_release(armed);
    wr_release(waiting);
}

static void drops(wr_weakref *ref, void *arg) {
    (void)ref;
    wr_release(arg);
}

TEST(S45_a_dropped_callback_of_a_freed_queue_leaves_the_next_one_to_run) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    void *obj = probe_new(NULL);
    wr_weakref *oldest = new_owning_ref(obj, &log);
    wr_weakref *bound = new_bound_ref(obj, queue, &log);
    wr_weakref *newest = new_ref(obj, drops, bound);
    wr_queue_free(queue);
    wr_release(obj); /* the newest drops the bound one, which is met dying */
    CHECK_EQ(log.calls, 1);
    CHECK_PTR_EQ(log.refs[0], oldest);
    CHECK_EQ(log.freed, 2);
    wr_release(oldest);
    wr_release(newest);
}

static void frees_its_queue(wr_weakref *ref, void *arg) {
    (void)ref;
    wr_queue_free(arg);
}
TEST_ABORTS(S45_freeing_a_queue_inside_its_run_is_misuse, "wr_queue_free") {
    wr_queue *queue = new_queue();
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.callback = frees_its_queue;
    o.arg = queue;
    o.queue = queue;
    void *obj = probe_new(NULL);
    (void)!wr_weakref_new_ex(obj, &o);
    wr_release(obj);
    (void)wr_queue_run(queue, 0);
}

TEST(a_queue_without_a_descriptor_is_not_made) {
    struct rlimit limit;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    wr_queue *held = new_queue();
    limit.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    errno = 0;
    wr_queue *queue = wr_queue_new();
    int error = errno;
    limit.rlim_cur = before;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_NULL(queue);
    CHECK_EQ(error, EMFILE);
    unsigned destroyed = 0;
    wr_release(new_bound_probe(held, &destroyed)); /* those that are there go on */
    CHECK_EQ(wr_queue_run(held, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(held);
}

TEST(S44_more_is_pushed_than_a_pipe_could_hold) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0, n = scaled(20000);
    for (unsigned i = 0; i < n; i++)
        wr_release_later(probe_new(&destroyed), queue);
    for (unsigned i = 0; i < n; i += 10) {
        CHECK(readable(queue));
        CHECK_EQ(wr_queue_run(queue, 10), n - i < 10 ? (int)(n - i) : 10);
    }
    CHECK_EQ(destroyed, n);
    CHECK(!readable(queue));
    wr_queue_free(queue);
}

TEST(what_is_no_queue_is_refused) {
    CHECK_EQ(wr_queue_run(NULL, 0), -EINVAL);
    CHECK_EQ(wr_queue_fd(NULL), -EINVAL);
    wr_queue_free(NULL);
    CHECK_EQ(wr_bind(NULL, NULL), -EINVAL);
    void *obj = probe_new(NULL);
    CHECK_EQ(wr_bind(obj, NULL), -EINVAL);
    wr_queue *no_queue = (wr_queue *)obj;
    CHECK_EQ(wr_queue_run(no_queue, 0), -EINVAL);
    CHECK_EQ(wr_queue_fd(no_queue), -EINVAL);
    CHECK_EQ(wr_bind(obj, no_queue), -EINVAL);
    CHECK_EQ(wr_kill_notify(obj, (void (*)(void *))abort, NULL, no_queue), -EINVAL);
    wr_weakref_options o = WR_WEAKREF_OPTIONS_INIT;
    o.queue = no_queue;
    errno = 0;
    CHECK_NULL(wr_weakref_new_ex(obj, &o));
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(wr_refcount(obj), 1);
    wr_release(obj);
}

TEST_ABORTS(freeing_what_is_no_queue_says_so, "this is no queue") {
    wr_queue_free((wr_queue *)wr_box_new(NULL, NULL));
}

TEST_ABORTS(releasing_later_what_is_no_object_says_so, "this is no object of weakrt") {
    static char memory[64];
    wr_queue *queue = wr_queue_new();
    wr_release_later(memory + 16, queue);
}
