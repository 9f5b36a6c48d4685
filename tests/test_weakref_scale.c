/* SPDX-License-Identifier: MIT */
/* Many weakrefs. That the work is linear is shown by the time of a large round against a small one in the same
 * run, with room for noise: a quadratic one would be off by the factor of the sizes. */
#include "weakrefs.h"

#include <time.h>

#ifdef WR_HOOK
#define WR_HOOKED true
#else
#define WR_HOOKED false
#endif

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned called_back;
static void counts(wr_weakref *ref, void *arg) {
    (void)ref, (void)arg;
    called_back++;
}

/* What each phase of n weakrefs with callbacks on one object took. */
enum { REGISTER, CANCEL, DROP, FIRE, FREE, PHASES };
static const char *const phase_names[] = {"register", "cancel", "drop", "fire", "free"};

static void round_of(size_t n, double took[PHASES]) {
    wr_weakref **refs = malloc(n * sizeof *refs);
    REQUIRE(refs);
    double t[PHASES + 1];
    probe *p = probe_new(NULL);
    called_back = 0;
    t[0] = now();
    for (size_t i = 0; i < n; i++)
        refs[i] = new_ref(p, counts, NULL);
    t[1] = now();
    for (size_t i = n / 4; i < n / 2; i++)
        REQUIRE(wr_weakref_cancel(refs[i]) == 1);
    t[2] = now();
    for (size_t i = n / 2; i < n / 2 + n / 4; i++)
        wr_release(refs[i]); /* from the middle of the list */
    t[3] = now();
    CHECK_EQ(wr_weakref_count(p), n - n / 4);
    wr_release(p);
    t[4] = now();
    CHECK_EQ(called_back, n - 2 * (n / 4));
    for (size_t i = 0; i < n; i++)
        if (i < n / 2 || i >= n / 2 + n / 4)
            wr_release(refs[i]);
    t[5] = now();
    for (int i = 0; i < PHASES; i++)
        took[i] = t[i + 1] - t[i];
    free(refs);
}

TEST(a_million_weakrefs_on_one_object_in_linear_time) {
    const size_t large = watched() ? scaled(100000) : 1000000, parts = 20;
    double small_took[PHASES] = {0}, large_took[PHASES];
    test_timeout(600);
    round_of(large, large_took); /* memory is there now, for both */
    round_of(large, large_took);
    for (size_t i = 0; i < parts; i++) {
        double took[PHASES];
        round_of(large / parts, took);
        for (int phase = 0; phase < PHASES; phase++)
            small_took[phase] += took[phase];
    }
    for (int phase = 0; phase < PHASES; phase++) {
        printf("%s: %.3f s at once, %.3f s in %zu parts\n", phase_names[phase], large_took[phase],
               small_took[phase], parts);
        /* Quadratic would be 20 times as long; caches alone account for 2 to 4. */
        if (!watched())
            CHECK(large_took[phase] < 10 * small_took[phase] + 0.05);
    }
}

TEST(ten_million_objects_with_a_weakref_each) {
    const size_t n = watched() || ON_DEBUG || ON_WEAR || WR_HOOKED ? scaled(100000) : 10000000;
    struct pair {
        wr_weakref *ref;
        probe *obj;
    } *pairs = malloc(n * sizeof *pairs);
    unsigned destroyed = 0;
    REQUIRE(pairs);
    test_timeout(600);
    called_back = 0;
    for (size_t i = 0; i < n; i++) {
        pairs[i].obj = probe_new(&destroyed);
        pairs[i].obj->value = i;
        pairs[i].ref = new_ref(pairs[i].obj, i % 2 ? counts : NULL, NULL);
    }
    for (size_t i = 0; i < n; i += 1 + i % 97) {
        void *obj;
        REQUIRE(wr_weakref_get(pairs[i].ref, &obj) == 1);
        REQUIRE(obj == pairs[i].obj && pairs[i].obj->value == i);
        wr_release(obj);
    }
    for (size_t i = 0; i < n; i += 3)
        wr_release(pairs[i].obj);
    CHECK_EQ(destroyed, (n + 2) / 3);
    for (size_t i = 0; i < n; i++)
        REQUIRE(wr_weakref_is_dead(pairs[i].ref) == (i % 3 == 0));
    for (size_t i = 0; i < n; i++)
        if (i % 3)
            wr_release(pairs[i].obj);
    CHECK_EQ(destroyed, n);
    CHECK_EQ(called_back, n / 2);
    for (size_t i = 0; i < n; i++)
        wr_release(pairs[i].ref);
    free(pairs);
}
