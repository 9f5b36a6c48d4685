/* SPDX-License-Identifier: MIT */
/*
 * The rows of weak references that are objects of their own, and of callbacks at an object's death. The file that
 * includes this has defined:
 *
 *   void *watched_new(void), watched_release(void *obj)
 *   struct watch                              a callback on an object, which adds one to `fired`
 *   void watch_set(struct watch *watch, void *obj)
 *   void watch_cancel(struct watch *watch, void *obj)      before it ran
 *   void watch_drop(struct watch *watch)                   after it ran: what is left of it
 *   struct ref                                a weak reference without a callback
 *   void ref_set(struct ref *ref, void *obj), ref_drop(struct ref *ref)
 *   void *ref_get(struct ref *ref)            a strong reference
 *   weakrefs_enter(), weakrefs_leave()        around a thread's work
 */
#ifndef WR_BENCH_ROWS_WEAKREFS_H
#define WR_BENCH_ROWS_WEAKREFS_H

#include "work.h"

static void come_and_go(unsigned thread) {
    (void)thread;
    weakrefs_enter();
    uint64_t before = fired;
    for (int i = 0; i < BENCH_CHUNK; i++) {
        struct watch watch;
        void *obj = watched_new();
        watch_set(&watch, obj);
        watched_release(obj);
        watch_drop(&watch);
    }
    BENCH_CHECK(fired == before + BENCH_CHUNK);
    weakrefs_leave();
}

BENCH(create_callback_death) {
    bench_threads(bench_thread_count(), come_and_go);
}

/* One that is there already may be shared. */
BENCH(weakref_new_drop_shared) {
    weakrefs_enter();
    void *obj = watched_new();
    struct ref first;
    ref_set(&first, obj);
    BENCH_TIMES(10000) {
        struct ref ref;
        ref_set(&ref, obj);
        ref_drop(&ref);
    }
    ref_drop(&first);
    weakrefs_leave();
}

BENCH(weakref_new_drop) {
    weakrefs_enter();
    void *obj = watched_new();
    BENCH_TIMES(10000) {
        struct ref ref;
        ref_set(&ref, obj);
        ref_drop(&ref);
    }
    weakrefs_leave();
}

BENCH(watch_cancel) {
    weakrefs_enter();
    void *obj = watched_new();
    BENCH_TIMES(10000) {
        struct watch watch;
        watch_set(&watch, obj);
        watch_cancel(&watch, obj);
    }
    watched_release(obj);
    BENCH_CHECK(fired == 0);
    weakrefs_leave();
}

static struct ref common_ref;
static void get_common(unsigned thread) {
    (void)thread;
    weakrefs_enter();
    for (int i = 0; i < BENCH_CHUNK; i++) {
        void *obj = ref_get(&common_ref);
        BENCH_CHECK(obj != NULL);
        watched_release(obj);
    }
    weakrefs_leave();
}

BENCH(weakref_get_release) {
    weakrefs_enter();
    ref_set(&common_ref, watched_new());
    weakrefs_leave();
    bench_threads(bench_thread_count(), get_common);
}

/* ---- many callbacks on one object: --size of them; with few, many such objects, to have something to time ---- */

static struct {
    size_t each, objects; /* callbacks of an object; objects */
    struct watch *watches;
    uint32_t *order; /* of the callbacks of an object, at random */
    void **objs;
} many;

static void many_prepare(void) {
    many.each = bench_size(1000);
    many.objects = many.each >= 10000 ? 1 : 10000 / many.each;
    many.watches = bench_array(many.objects * many.each, sizeof *many.watches);
    many.objs = bench_array(many.objects, sizeof *many.objs);
    many.order = bench_array(many.each, sizeof *many.order);
    uint64_t state = 1;
    for (size_t i = 0; i < many.each; i++) {
        size_t other = bench_below(&state, (uint32_t)i + 1);
        many.order[i] = many.order[other];
        many.order[other] = (uint32_t)i;
    }
}

static void many_create(void) {
    for (size_t o = 0; o < many.objects; o++)
        many.objs[o] = watched_new();
}

static void many_register(void) {
    for (size_t o = 0; o < many.objects; o++)
        for (size_t i = 0; i < many.each; i++)
            watch_set(&many.watches[o * many.each + i], many.objs[o]);
}

/* From here and there in the list. */
static void many_cancel(void) {
    for (size_t o = 0; o < many.objects; o++)
        for (size_t i = 0; i < many.each; i++)
            watch_cancel(&many.watches[o * many.each + many.order[i]], many.objs[o]);
}

static void many_die(void) {
    for (size_t o = 0; o < many.objects; o++)
        watched_release(many.objs[o]);
}

static void many_drop(void) {
    for (size_t i = 0; i < many.objects * many.each; i++)
        watch_drop(&many.watches[i]);
}

BENCH(watches_register) {
    weakrefs_enter();
    many_prepare();
    while (bench_round()) {
        many_create();
        bench_start();
        many_register();
        bench_stop(many.objects * many.each);
        many_die();
        many_drop();
    }
    weakrefs_leave();
}

BENCH(watches_cancel) {
    weakrefs_enter();
    many_prepare();
    while (bench_round()) {
        many_create();
        many_register();
        bench_start();
        many_cancel();
        bench_stop(many.objects * many.each);
        many_die();
    }
    BENCH_CHECK(fired == 0);
    weakrefs_leave();
}

BENCH(watches_fire) {
    weakrefs_enter();
    many_prepare();
    uint64_t before = 0;
    while (bench_round()) {
        many_create();
        many_register();
        bench_start();
        many_die();
        bench_stop(many.objects * many.each);
        BENCH_CHECK(fired == before + many.objects * many.each);
        before = fired;
        many_drop();
    }
    weakrefs_leave();
}

BENCH(bytes_per_watch) {
    weakrefs_enter();
    size_t count = bench_size(BENCH_POPULATION / 10);
    void **objs = bench_array(count, sizeof *objs);
    struct watch *watch = bench_array(count, sizeof *watch);
    for (size_t i = 0; i < count; i++)
        objs[i] = watched_new();
    double before = bench_resident();
    for (size_t i = 0; i < count; i++)
        watch_set(&watch[i], objs[i]);
    bench_bytes((bench_resident() - before) / (double)count);
}

#endif /* WR_BENCH_ROWS_WEAKREFS_H */
