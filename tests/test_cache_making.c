/* SPDX-License-Identifier: MIT */
/* get_or_create: one maker at a time for a key (S48). Who comes first is settled by semaphores, not by time. */
#include "containers.h"

#include <semaphore.h>

static struct {
    wr_cache *c;
    atomic_uint runs; /* of makers */
    sem_t inside, go; /* posted by a maker once it runs; waited for by it */
    int error;        /* the maker's errno, if it is to fail */
} at;

static void set_up(void) {
    at.c = cache_new();
    REQUIRE(sem_init(&at.inside, 0, 0) == 0 && sem_init(&at.go, 0, 0) == 0);
}

static void *make(const void *key, size_t len, void *arg) {
    CHECK_EQ(len, 1);
    CHECK_EQ(*(const char *)key, 'k');
    at.runs++;
    return probe_new(arg);
}

static void *fail(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    at.runs++;
    errno = EHOSTUNREACH;
    return NULL;
}

TEST(S48_what_is_there_is_got_and_what_is_not_is_made) {
    set_up();
    unsigned destroyed = 0;
    void *p = wr_cache_get_or_create(at.c, "k", 1, make, &destroyed);
    CHECK_NOT_NULL(p);
    CHECK_EQ(wr_refcount(p), 1);
    void *again = wr_cache_get_or_create(at.c, "k", 1, make, &destroyed);
    CHECK_PTR_EQ(again, p);
    CHECK_EQ(at.runs, 1);
    wr_release(again);
    wr_release(p);
    CHECK_EQ(destroyed, 1);
    wr_release(wr_cache_get_or_create(at.c, "k", 1, make, &destroyed));
    CHECK_EQ(at.runs, 2);
    wr_cache_free(at.c);
    check_nothing_left();
}

TEST(S48_a_maker_that_fails_leaves_nothing_and_its_errno) {
    set_up();
    CHECK_NULL(wr_cache_get_or_create(at.c, "k", 1, fail, NULL));
    CHECK_EQ(errno, EHOSTUNREACH);
    CHECK_EQ(wr_cache_len(at.c), 0);
    void *p = wr_cache_get_or_create(at.c, "k", 1, make, NULL);
    CHECK_NOT_NULL(p);
    wr_release(p);
    wr_cache_free(at.c);
    check_nothing_left();
}

static void *make_within(const void *key, size_t len, void *arg) {
    (void)arg;
    errno = 0;
    CHECK_NULL(wr_cache_get_or_create(at.c, key, len, make, NULL));
    CHECK_EQ(errno, EDEADLK);
    CHECK_NULL(wr_cache_get(at.c, key, len)); /* looking is no making */
    void *other = wr_cache_get_or_create(at.c, "other", 5, fail, NULL);
    CHECK_NULL(other);
    CHECK_EQ(errno, EHOSTUNREACH);
    return probe_new(NULL);
}

TEST(S48_the_same_key_from_inside_its_own_make) {
    set_up();
    void *p = wr_cache_get_or_create(at.c, "k", 1, make_within, NULL);
    CHECK_NOT_NULL(p);
    CHECK(cached(at.c, "k", p));
    wr_release(p);
    wr_cache_free(at.c);
    check_nothing_left();
}

static void *make_and_put(const void *key, size_t len, void *arg) {
    CHECK_EQ(wr_cache_put(at.c, key, len, *(void **)arg), 0);
    return probe_new(NULL);
}

TEST(S48_what_the_maker_itself_put_wins) {
    set_up();
    void *put = probe_new(NULL);
    void *got = wr_cache_get_or_create(at.c, "k", 1, make_and_put, &put);
    CHECK_PTR_EQ(got, put);
    wr_release(got);
    wr_release(put);
    wr_cache_free(at.c);
    check_nothing_left();
}

static int visit(const void *key, size_t len, void *obj, void *arg) {
    (void)key, (void)len, (void)obj;
    ++*(unsigned *)arg;
    return 0;
}

/* Whatever it does, there is nothing under its own key until it has returned. */
static void *make_and_do_all(const void *key, size_t len, void *arg) {
    probe *there = arg;
    unsigned met = 0;
    CHECK(!wr_cache_contains(at.c, key, len));
    CHECK_NULL(wr_cache_pop(at.c, key, len));
    CHECK_EQ(wr_cache_remove(at.c, key, len), -ENOENT);
    CHECK_EQ(wr_cache_len(at.c), 1);
    CHECK_EQ(wr_cache_foreach(at.c, visit, &met), 0);
    CHECK_EQ(met, 1);
    wr_cache *copy = wr_cache_copy(at.c);
    CHECK_EQ(wr_cache_len(copy), 1);
    wr_cache_clear(at.c);
    CHECK_EQ(wr_cache_update(at.c, copy), 0);
    wr_cache_free(copy);
    void *got = wr_cache_popitem(at.c, NULL, 0, NULL);
    CHECK_PTR_EQ(got, there);
    wr_release(got);
    void *mine = probe_new(NULL);
    got = wr_cache_set_default(at.c, key, len, mine); /* is there for as long as it lives */
    CHECK_PTR_EQ(got, mine);
    wr_release(got);
    wr_release(mine);
    errno = EHOSTUNREACH; /* no error, since it makes one */
    return probe_new(NULL);
}

TEST(S48_a_maker_may_use_the_cache_that_it_makes_for) {
    set_up();
    probe *there = probe_new(NULL);
    CHECK_EQ(wr_cache_put(at.c, "there", 5, there), 0);
    void *p = wr_cache_get_or_create(at.c, "k", 1, make_and_do_all, there);
    CHECK_EQ(wr_refcount(p), 1);
    CHECK(cached(at.c, "k", p));
    CHECK_EQ(wr_cache_len(at.c), 1);
    wr_release(p);
    wr_release(there);
    wr_cache_free(at.c);
    check_nothing_left();
}

static void *make_unfit(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    void *p = probe_new(NULL);
    CHECK_EQ(wr_kill(p), 1);
    return p;
}

static void *make_unreferable(const void *key, size_t len, void *arg) {
    (void)key, (void)len, (void)arg;
    return wr_new(&no_weakref_type);
}

TEST(S48_what_cannot_be_put_in_is_released) {
    set_up();
    CHECK_NULL(wr_cache_get_or_create(at.c, "k", 1, make_unfit, NULL));
    CHECK_EQ(errno, ESTALE);
    CHECK_NULL(wr_cache_get_or_create(at.c, "k", 1, make_unreferable, NULL));
    CHECK_EQ(errno, ENOTSUP);
    wr_cache_free(at.c);
    check_nothing_left();
}

/* ---- with others waiting ---- */

static void *make_slowly(const void *key, size_t len, void *arg) {
    (void)key, (void)len;
    if (at.runs++ == 0) { /* the first holds the others up */
        sem_post(&at.inside);
        while (sem_wait(&at.go) != 0)
            ;
        if (at.error != 0) {
            errno = at.error;
            return NULL;
        }
    }
    return probe_new(arg);
}

struct getter {
    pthread_t thread;
    void *got;
    int error;
};

static void *get(void *arg) {
    struct getter *g = arg;
    g->got = wr_cache_get_or_create(at.c, "k", 1, make_slowly, NULL);
    g->error = errno;
    return NULL;
}

enum { GETTERS = 4 };

static void start(struct getter *getters) {
    REQUIRE(pthread_create(&getters[0].thread, NULL, get, &getters[0]) == 0);
    while (sem_wait(&at.inside) != 0)
        ;
    for (unsigned i = 1; i < GETTERS; i++)
        REQUIRE(pthread_create(&getters[i].thread, NULL, get, &getters[i]) == 0);
}

static void finish(struct getter *getters) {
    sem_post(&at.go);
    for (unsigned i = 0; i < GETTERS; i++)
        REQUIRE(pthread_join(getters[i].thread, NULL) == 0);
}

TEST(S48_all_who_wait_get_the_same) {
    for (unsigned round = scaled(50); round > 0; round--) { /* until they come before the object is there */
        set_up();
        at.runs = 0;
        struct getter getters[GETTERS];
        start(getters);
        finish(getters);
        CHECK_EQ(at.runs, 1);
        CHECK_EQ(wr_refcount(getters[0].got), GETTERS);
        for (unsigned i = 0; i < GETTERS; i++) {
            CHECK_PTR_EQ(getters[i].got, getters[0].got);
        }
        for (unsigned i = 0; i < GETTERS; i++)
            wr_release(getters[i].got);
        wr_cache_free(at.c);
    }
    check_nothing_left();
}

TEST(S48_a_maker_that_fails_wakes_the_others_and_one_of_them_tries) {
    set_up();
    struct getter getters[GETTERS];
    at.error = EHOSTUNREACH;
    start(getters);
    finish(getters);
    CHECK_NULL(getters[0].got);
    CHECK_EQ(getters[0].error, EHOSTUNREACH);
    CHECK_EQ(at.runs, 2);
    for (unsigned i = 1; i < GETTERS; i++)
        CHECK_PTR_EQ(getters[i].got, getters[1].got);
    for (unsigned i = 1; i < GETTERS; i++)
        wr_release(getters[i].got);
    wr_cache_free(at.c);
    check_nothing_left();
}

TEST(S48_a_put_meanwhile_wins) {
    set_up();
    struct getter getters[GETTERS];
    start(getters);
    void *put = probe_new(NULL);
    CHECK_EQ(wr_cache_put(at.c, "k", 1, put), 0);
    finish(getters);
    CHECK_EQ(at.runs, 1);
    for (unsigned i = 0; i < GETTERS; i++) {
        CHECK_PTR_EQ(getters[i].got, put);
        wr_release(getters[i].got);
    }
    CHECK_EQ(wr_refcount(put), 1);
    wr_release(put);
    wr_cache_free(at.c);
    check_nothing_left();
}

/* ---- circles of makers ---- */

static sem_t met[2];
static atomic_uint refused;

static void *make_other(const void *key, size_t len, void *arg);

static void *get_other(unsigned mine) {
    void *other = wr_cache_get_or_create(at.c, mine == 0 ? "b" : "a", 1, make_other, NULL);
    if (other == NULL) {
        CHECK_EQ(errno, EDEADLK);
        refused++;
    }
    return other;
}

/* Makes "a" out of "b", and "b" out of "a", each once the other is under way. */
static void *make_other(const void *key, size_t len, void *arg) {
    (void)len, (void)arg;
    unsigned mine = *(const char *)key == 'b';
    sem_post(&met[mine]);
    while (sem_wait(&met[!mine]) != 0)
        ;
    wr_release(get_other(mine));
    return probe_new(NULL);
}

static void make_one(unsigned index, void *arg) {
    (void)arg;
    void *p = wr_cache_get_or_create(at.c, index == 0 ? "a" : "b", 1, make_other, NULL);
    CHECK_NOT_NULL(p);
    wr_release(p);
}

TEST(S48_makers_that_wait_for_each_other_are_told) {
    set_up();
    REQUIRE(sem_init(&met[0], 0, 0) == 0 && sem_init(&met[1], 0, 0) == 0);
    run_threads(2, make_one, NULL);
    CHECK_EQ(refused, 1);
    wr_cache_free(at.c);
    check_nothing_left();
}
