/* SPDX-License-Identifier: MIT */
/* Calls weakrt as it is, not as recorded: a handler may come in the middle of an entry of its thread's trail. */
#include "perturb_guests.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "stress.h"
#undef wr_weak_get
#undef wr_weak_is_dead
#undef wr_weak_of
#undef wr_release
#undef wr_kill
#undef wr_trim
#undef wr_cache_get

#define GUESTS 16u
#define CHILDS_OWN 300u /* more than a thread's cache holds */
#define SHELF_LASTS 64u /* turns */
#define NUMBER UINT64_C(0x67756573747321)

struct guest {
    uint64_t number; /* NUMBER ^ the weak value: constant while it lives */
};

static void destroy(void *self) {
    struct guest *guest = self;
    guest->number = 0;
}

static const wr_type guest_type = {
    .abi = WR_TYPE_ABI, .name = "guest", .size = sizeof(struct guest), .destroy = destroy};

static _Atomic uint64_t values[GUESTS];
static struct guest *held[GUESTS]; /* the watching thread's */
static unsigned next;
static wr_cache *shelf; /* the watching thread's: guests by name, in memory that may be refused */
static atomic_uint looks;

static struct guest *guest_new(void) {
    struct guest *guest = wr_new(&guest_type);
    if (guest != NULL)
        guest->number = NUMBER ^ wr_weak_of(guest).bits;
    return guest;
}

static bool is_guest(const struct guest *guest, wr_weak weak) {
    return guest->number == (NUMBER ^ weak.bits);
}

/* Put a guest on the shelf. One that there is no memory for leaves it as it was: with the guest of that name before. */
static void put_on_shelf(unsigned i, struct guest *guest, struct guest *old) {
    char name[] = "guest ?, of some that are found by name";
    name[6] = (char)('a' + i);
    if (shelf == NULL && (shelf = wr_cache_new()) == NULL)
        return;
    struct guest *before = wr_cache_get(shelf, name, sizeof name);
    if (before != NULL && before != old)
        violation("a cache of objects gives one that was not put there last");
    int result = wr_cache_put(shelf, name, sizeof name, guest);
    struct guest *now = wr_cache_get(shelf, name, sizeof name);
    if ((result != 0 && result != -ENOMEM) || now != (result == 0 ? guest : before))
        violation("a put into a cache returned %d, and the cache gives %s", result,
                  now == guest    ? "the new object"
                  : now == before ? "the old one"
                                  : "another");
    wr_release(before);
    wr_release(now);
    if (next % SHELF_LASTS == 0) {
        wr_cache_free(shelf);
        shelf = NULL;
    }
}

void guests_turn(void) {
    unsigned i = next++ % GUESTS;
    struct guest *old = held[i];
    held[i] = guest_new();
    if (held[i] == NULL)
        violation("wr_new failed");
    atomic_store_explicit(&values[i], wr_weak_of(held[i]).bits, memory_order_release);
    put_on_shelf(i, held[i], old);
    if (old != NULL && next % 3 == 0)
        (void)wr_kill(old);
    wr_release(old);
}

void guests_leave(void) {
    for (unsigned i = 0; i < GUESTS; i++) {
        wr_release(held[i]);
        held[i] = NULL;
    }
    wr_cache_free(shelf);
    shelf = NULL;
}

void guests_look(void) {
    unsigned i = atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed) % GUESTS;
    wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&values[i], memory_order_acquire));
    bool dead = wr_weak_is_dead(weak);
    struct guest *guest = wr_weak_get(weak);
    if (guest == NULL)
        return;
    if (dead)
        violation_of(weak.bits, "in a signal handler a get succeeded after is_dead said true");
    if (!is_guest(guest, weak))
        violation_of(weak.bits, "in a signal handler a get gave something else");
    wr_release_later(guest, NULL);
}

bool guests_are_sound(void) {
    struct guest *own[CHILDS_OWN];
    bool good = true;
    for (unsigned i = 0; i < GUESTS; i++) {
        wr_weak weak = wr_weak_from_u64(atomic_load_explicit(&values[i], memory_order_acquire));
        struct guest *guest = wr_weak_get(weak);
        if (guest != NULL)
            good &= is_guest(guest, weak);
        wr_release(guest);
        if (held[i] != NULL)
            good &= guest == held[i];
    }
    for (unsigned i = 0; i < CHILDS_OWN; i++)
        good &= (own[i] = guest_new()) != NULL;
    for (unsigned i = 0; good && i < CHILDS_OWN; i++) {
        wr_weak weak = wr_weak_of(own[i]);
        good &= is_guest(own[i], weak);
        wr_release(own[i]);
        good &= wr_weak_is_dead(weak) && wr_weak_get(weak) == NULL;
    }
    (void)wr_trim();
    return good;
}

void guests_wrong(const char *what, int number) {
    violation("%s %d", what, number);
}
