/* SPDX-License-Identifier: MIT */
#include "word.h" /* before what puts its own names in place of those there */

#include "item.h"
#include "mix.h"

#include <errno.h>
#include <string.h>

#define SEAL UINT64_C(0x5ea1ed0b1ec75ea1)
#define BROKEN UINT64_C(0xdead5ea1dead5ea1)
#define OLD UINT32_C(0xffffff00) /* a tag with some hundred left */
#define MOST_AGED 4000u /* slots by each worker, for the perturbation: retired ones are lost for good */

const wr_type item_type = {
    .abi = WR_TYPE_ABI, .name = "item", .size = sizeof(struct item), .destroy = item_destroy};
const wr_type item_quiet_type = {.abi = WR_TYPE_ABI, .name = "quiet item", .size = sizeof(struct item)};

static atomic_bool any_aged;

static uint32_t *marks_of(struct item *item) {
    return (uint32_t *)(void *)((char *)item + item->marks);
}

static uint32_t mark_count(const struct run *run) {
    return 2 * run->threads + 1; /* workers, their children, the thread that runs begin and end */
}

static uint8_t *filler_of(const struct run *run, struct item *item) {
    return (uint8_t *)(marks_of(item) + mark_count(run));
}

static uint64_t seal_of(uint64_t id) {
    return random_mix(id ^ SEAL);
}

size_t item_size(const struct run *run, const wr_type *type, uint32_t filler) {
    return type->size + mark_count(run) * sizeof(uint32_t) + filler;
}

bool valued_item_equal(const void *a, const void *b) {
    return ((const struct valued_item *)a)->value == ((const struct valued_item *)b)->value;
}

int valued_item_hash(const void *self, uint64_t *out) {
    *out = ((const struct valued_item *)self)->value / 2;
    return 0;
}

bool item_age(struct item *item) {
    struct slot_word {
        _Atomic uint64_t word;
    } *slot = (struct slot_word *)(void *)wr_slot_of(item);
    /* Strangers may add their units meanwhile. */
    uint32_t tag = (uint32_t)atomic_load_explicit(&slot->word, memory_order_relaxed);
    if (tag >= OLD)
        return false;
    atomic_fetch_add_explicit(&slot->word, (OLD | 1) - tag, memory_order_relaxed);
    atomic_store_explicit(&any_aged, true, memory_order_relaxed);
    return true;
}

bool items_aged(void) {
    return atomic_load_explicit(&any_aged, memory_order_relaxed);
}

bool item_clear(struct item *item) {
    int result = wr_weakref_clear(item);
    if (result != 0 && (result != -EOVERFLOW || !items_aged()))
        violation_of(trail_about(item), "a clear failed with %d", result);
    return result == 0;
}

static void age_some(struct worker *worker, struct item *item) {
    if (worker->aged == MOST_AGED || random_below(worker, 16) != 0 || !item_age(item))
        return;
    worker->aged++;
    perturb_happened(PERTURB_WEAR);
}

void *item_new(struct worker *worker, const wr_type *type, uint32_t filler) {
    struct item *item = wr_new_flex(type, item_size(worker->run, type, filler) - type->size);
    if (item == NULL)
        violation("wr_new failed");
    const uint64_t *words = (const uint64_t *)item;
    for (size_t i = 0; i < item_size(worker->run, type, filler) / sizeof *words; i++)
        if (words[i] != 0)
            violation("a new object is not all zero: word %zu is %016" PRIx64, i, words[i]);
    if (perturb_is_on(PERTURB_WEAR))
        age_some(worker, item);
    item->id = (uint64_t)(worker->number + 1) << 40 | ++worker->serial;
    item->seal = seal_of(item->id);
    item->marks = (uint32_t)type->size;
    item->filler = filler;
    memset(filler_of(worker->run, item), (int)(uint8_t)item->id, filler);
    if (type->destroy != NULL) {
        worker->items.made++;
        worker->items.made_sum += random_mix(item->id);
    }
    return item;
}

wr_weak item_weak(struct item *item) {
    wr_weak weak = wr_weak_of(item);
    if (wr_weak_is_null(weak))
        violation("wr_weak_of gave null for a live object");
    item->self = weak.bits;
    mix_offer(weak);
    return weak;
}

static const char *state_of(const struct item *item) {
    return item->seal == (seal_of(item->id) ^ BROKEN) ? "was destroyed" : "is not intact";
}

void item_check(const struct item *item, wr_weak weak) {
    if (item->seal != seal_of(item->id))
        violation_of(trail_about(item),
                     "an object held by a strong reference %s: id %" PRIx64 ", weak value " WR_WEAK_FMT,
                     state_of(item), item->id, WR_WEAK_ARGS(weak));
    if (!wr_weak_is_null(weak) && item->self != weak.bits)
        violation_of(weak.bits, "a get of " WR_WEAK_FMT " gave another object, " WR_WEAK_FMT,
                     WR_WEAK_ARGS(weak), WR_WEAK_ARGS(wr_weak_from_u64(item->self)));
}

void item_mark(struct worker *worker, struct item *item) {
    marks_of(item)[worker->number]++;
    if (wr_type_of(item)->destroy != NULL)
        worker->items.marked++;
}

void item_destroy(void *self) {
    struct worker *worker = worker_self;
    struct item *item = self;
    if (item->seal != seal_of(item->id))
        violation_of(trail_about(item), "destroy ran on an object that %s: id %" PRIx64, state_of(item),
                     item->id);
    item->seal ^= BROKEN;
    if (!wr_weak_is_dead(wr_weak_from_u64(item->self)))
        violation_of(trail_about(item), "inside destroy the weak value is alive: " WR_WEAK_FMT,
                     WR_WEAK_ARGS(wr_weak_from_u64(item->self)));
    for (uint32_t i = 0; i < mark_count(worker->run); i++)
        worker->items.marks_seen += marks_of(item)[i];
    const uint8_t *filler = filler_of(worker->run, item);
    if (item->filler != 0 &&
        (filler[0] != (uint8_t)item->id || memcmp(filler, filler + 1, item->filler - 1) != 0))
        violation_of(trail_about(item), "the payload of an object was written to: id %" PRIx64, item->id);
    worker->items.destroyed++;
    worker->items.destroyed_sum += random_mix(item->id);
}

void item_check_dead(wr_weak weak) {
    void *got = wr_weak_get(weak);
    if (got != NULL)
        violation_of(weak.bits, "a get of " WR_WEAK_FMT " succeeded after it was seen dead",
                     WR_WEAK_ARGS(weak));
    if (!wr_weak_is_dead(weak))
        violation_of(weak.bits, "is_dead is false for " WR_WEAK_FMT " after it was seen dead",
                     WR_WEAK_ARGS(weak));
}

void *item_get(struct worker *worker, wr_weak weak) {
    bool dead = wr_weak_is_dead(weak);
    struct item *item = wr_weak_get(weak);
    if (item == NULL) {
        item_check_dead(weak);
        return NULL;
    }
    if (dead)
        violation_of(weak.bits, "a get of " WR_WEAK_FMT " succeeded after is_dead said true",
                     WR_WEAK_ARGS(weak));
    item_check(item, weak);
    item_mark(worker, item);
    return item;
}

void *post_get_value(struct worker *worker, struct post *post, wr_weak weak) {
    uint64_t seen = atomic_load_explicit(&post->dead, memory_order_acquire);
    struct item *item = item_get(worker, weak);
    if (item == NULL && !wr_weak_is_null(weak))
        atomic_store_explicit(&post->dead, weak.bits, memory_order_release);
    if (item != NULL && seen == weak.bits)
        violation_of(weak.bits, "a get of " WR_WEAK_FMT " succeeded after another thread had seen it dead",
                     WR_WEAK_ARGS(weak));
    return item;
}

void *post_get(struct worker *worker, struct post *post) {
    return post_get_value(worker, post,
                          wr_weak_from_u64(atomic_load_explicit(&post->weak, memory_order_acquire)));
}
