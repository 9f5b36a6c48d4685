/* SPDX-License-Identifier: MIT */
/* Objects whose end runs in a queue: bound ones, and wr_release_later. */
#include "queues.h"

static wr_queue *loop;
static const wr_type bound_type = {
    .abi = WR_TYPE_ABI, .name = "bound", .size = sizeof(probe), .destroy = probe_destroy, .queue = &loop};

TEST(S44_destroy_of_a_bound_object_runs_in_its_queue) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    struct log log = {0};
    void *obj = new_bound_probe(queue, &destroyed);
    wr_weak w = wr_weak_of(obj);
    wr_weakref *ref = new_ref(obj, logs, &log); /* its callback too, although it has no queue of its own */
    wr_release(obj);
    CHECK(wr_weak_is_dead(w));
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(log.calls, 0);
    CHECK_EQ(destroyed, 0);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
    wr_queue_free(queue);
}

TEST(a_type_names_the_queue_of_its_objects) {
    unsigned destroyed = 0;
    probe *before = wr_new(&bound_type); /* there is none yet */
    before->destroyed = &destroyed;
    loop = new_queue();
    probe *obj = wr_new(&bound_type);
    obj->destroyed = &destroyed;
    CHECK_EQ(wr_bind(obj, loop), -EEXIST);
    wr_release(before);
    CHECK_EQ(destroyed, 1);
    wr_release(obj); /* never weakly referenced */
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(wr_queue_run(loop, 0), 1);
    CHECK_EQ(destroyed, 2);
    wr_queue_free(loop);
    loop = NULL;
}

TEST(wr_bind_refuses_what_it_must) {
    wr_queue *queue = new_queue();
    void *obj = new_bound_probe(queue, NULL);
    CHECK_EQ(wr_bind(obj, queue), -EEXIST);
    wr_release(obj);
    CHECK_EQ(wr_queue_run(queue, 0), 1);

    void *plain = wr_new(&no_weakref_type);
    CHECK_EQ(wr_bind(plain, queue), -ENOTSUP);
    wr_release(plain);

    obj = probe_new(NULL);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    CHECK_EQ(wr_bind(ref, queue), -ENOTSUP);
    CHECK_EQ(wr_kill(obj), 1);
    CHECK_EQ(wr_bind(obj, queue), -ESTALE);
    wr_release(ref);
    wr_release(obj);
    CHECK(!readable(queue));
    wr_queue_free(queue);
}

TEST(clear_and_kill_leave_the_binding) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    void *obj = new_bound_probe(queue, &destroyed);
    (void)wr_weak_of(obj);
    CHECK_EQ(wr_weakref_clear(obj), 0);
    CHECK_EQ(wr_kill(obj), 1);
    wr_release(obj);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

TEST(what_dies_inside_a_run_of_its_own_queue_ends_in_that_run) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    probe *parent = new_bound_probe(queue, &destroyed);
    parent->child = new_bound_probe(queue, &destroyed);
    wr_release(parent);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(destroyed, 2);
    wr_queue_free(queue);
}

TEST(a_death_that_starts_in_one_queue_goes_on_in_the_objects_own) {
    wr_queue *first = new_queue(), *own = new_queue();
    unsigned destroyed = 0;
    wr_release_later(new_bound_probe(own, &destroyed), first);
    CHECK_EQ(wr_queue_run(own, 0), 0);
    CHECK_EQ(wr_queue_run(first, 0), 1);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_queue_run(own, 0), 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(first);
    wr_queue_free(own);
}

/* ---- wr_release_later ---- */

TEST(S45a_release_later_runs_nothing_in_the_caller) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    struct log log = {0};
    void *obj = probe_new(&destroyed);
    wr_weakref *ref = new_ref(obj, logs, &log);
    wr_retain(obj);
    wr_release_later(obj, queue); /* not the last */
    CHECK(!readable(queue));
    errno = 77;
    wr_release_later(obj, queue);
    CHECK_EQ(errno, 77);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(log.calls + destroyed, 0);
    CHECK(readable(queue));
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(log.calls, 1);
    CHECK_EQ(destroyed, 1);
    wr_release(ref);
    wr_queue_free(queue);
}

TEST(S45a_release_later_of_never_weak_and_of_plain_objects) {
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    wr_type plain = PLAIN_TYPE(40);
    wr_release_later(probe_new(&destroyed), queue);
    wr_release_later(wr_new(&plain), queue);
    wr_release_later(NULL, queue);
    CHECK_EQ(destroyed, 0);
    CHECK_EQ(wr_queue_run(queue, 0), 2);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

TEST(S45a_without_a_queue_the_next_death_does_it) {
    unsigned destroyed = 0;
    wr_release_later(probe_new(&destroyed), NULL);
    CHECK_EQ(destroyed, 0);
    wr_release(probe_new(NULL));
    CHECK_EQ(destroyed, 1);
}

TEST(S45a_release_later_of_a_weakref_that_waits_in_the_queue_itself) {
    wr_queue *queue = new_queue();
    struct log log = {0};
    void *obj = probe_new(NULL);
    wr_weakref *ref = new_bound_ref(obj, queue, &log);
    wr_release(obj);
    wr_release_later(ref, queue);
    CHECK_EQ(log.calls + log.freed, 0);
    (void)wr_queue_run(queue, 0);
    CHECK_EQ(log.calls, 0); /* dropped before it ran */
    CHECK_EQ(log.freed, 1);
    wr_queue_free(queue);
}

static unsigned finalized;
static void counts_finalize(void *self) {
    (void)self;
    finalized++;
}
TEST(S45a_finalize_waits_for_the_queue_too) {
    static const wr_type type = {
        .abi = WR_TYPE_ABI, .size = sizeof(probe), .finalize = counts_finalize, .destroy = probe_destroy};
    wr_queue *queue = new_queue();
    unsigned destroyed = 0;
    probe *obj = wr_new(&type);
    obj->destroyed = &destroyed;
    wr_weak w = wr_weak_of(obj);
    wr_release_later(obj, queue);
    CHECK_EQ(finalized, 0);
    CHECK_NULL(wr_weak_get(w));
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    CHECK_EQ(finalized, 1);
    CHECK_EQ(destroyed, 1);
    wr_queue_free(queue);
}

/* The deadlock it is the cure for: a look-up under the caller's own lock may turn out to hold the last
 * reference. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static void locks_the_table(void *self) {
    (void)self;
    REQUIRE(pthread_mutex_trylock(&table_lock) == 0);
    pthread_mutex_unlock(&table_lock);
}
TEST(S45a_the_last_reference_may_go_under_the_lock_that_destroy_takes) {
    static const wr_type type = {.abi = WR_TYPE_ABI, .size = 8, .destroy = locks_the_table};
    wr_queue *queue = new_queue();
    void *obj = wr_new(&type);
    pthread_mutex_lock(&table_lock);
    wr_release_later(obj, queue);
    pthread_mutex_unlock(&table_lock);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    wr_queue_free(queue);
}

TEST_ABORTS(release_later_of_a_dead_object_is_named, "wr_release_later") {
    wr_queue *queue = new_queue();
    void *obj = probe_new(NULL);
    wr_release_later(obj, queue);
    wr_release_later(obj, queue);
}

TEST(S44_a_weakref_to_an_object_of_a_bound_type_is_alive) {
    static wr_queue *queue;
    static const wr_type type = {.abi = WR_TYPE_ABI, .name = "bound", .size = 8, .queue = &queue};
    queue = new_queue();
    void *obj = wr_new(&type);
    REQUIRE(obj != NULL);
    wr_weakref *ref = new_ref(obj, NULL, NULL);
    CHECK_EQ(wr_weakref_is_dead(ref), 0);
    CHECK(can_get(wr_weakref_value(ref)));
    wr_release(obj);
    CHECK_EQ(wr_weakref_is_dead(ref), 1);
    CHECK_EQ(wr_queue_run(queue, 0), 1);
    wr_release(ref);
    wr_queue_free(queue);
}
