/* SPDX-License-Identifier: MIT */
/*
 * What atomic operations do. Each place has its modification order, a list that a store may be put into anywhere behind
 * the last store its thread knows of; each thread has a view, the last store it knows of at each place; a release
 * leaves its thread's view with the store, an acquire takes it over. This is the C11 model as repaired (RC11), in its
 * operational form, which executes a thread's operations in program order: no load reads from a store that program
 * order puts after it (no load buffering).
 */
#include "checker.h"

#include <string.h>

static struct thread_state *me(void) {
    return &checker->threads[checker->current];
}

static bool acquires(enum model_order order) {
    return order == ACQUIRE || order == ACQ_REL || order == SEQ_CST;
}

static bool releases(enum model_order order) {
    return order == RELEASE || order == ACQ_REL || order == SEQ_CST;
}

static uint8_t position(const struct place *place, uint8_t store) {
    return place->stores[store].position;
}

void memory_options(uint8_t thread, const struct operation *operation, struct options *options) {
    const struct place *place = operation->place;
    uint8_t index = (uint8_t)(place - checker->places);
    uint8_t lowest = position(place, checker->threads[thread].now.store[index]);
    if (operation->order == SEQ_CST) {
        uint8_t in_order = position(place, checker->in_order.store[index]);
        uint8_t fences = position(place, checker->fences.store[index]);
        lowest = lowest < in_order ? in_order : lowest;
        lowest = lowest < fences ? fences : lowest;
    }
    options->count = 0;
    for (uint8_t i = place->last + 1;
         i-- > lowest && options->count < 26;) { /* as many as there are letters */
        uint8_t store = place->order[i];
        bool followed = i < place->last && place->stores[place->order[i + 1]].read == store;
        bool only_reads = operation->kind == LOAD ||
                          (operation->kind == CAS && place->stores[store].value != operation->expected);
        if (!followed || only_reads)
            options->store[options->count++] = store;
        if (operation->kind == DISCARD)
            break;
    }
}

static void know(struct place *place, uint8_t store) {
    me()->now.store[place - checker->places] = store;
}

static void write_behind(struct place *place, uint8_t store, uint64_t value, enum model_order order,
                         bool is_rmw) {
    uint8_t number = place->count;
    if (number == STORE_MAX)
        model_fail("more than %d stores to %s", STORE_MAX, place->text);
    place->count++;
    uint8_t at = position(place, store) + 1;
    for (uint8_t i = ++place->last; i > at; i--) {
        place->order[i] = place->order[i - 1];
        place->stores[place->order[i]].position = i;
    }
    place->order[at] = number;
    struct store *made = &place->stores[number];
    made->value = value & (UINT64_MAX >> (64 - 8 * place->size));
    made->stamp = ++checker->stamp;
    made->position = at;
    made->thread = checker->current;
    made->read = is_rmw ? store : NONE;
    know(place, number);
    if (order == SEQ_CST)
        checker->in_order.store[place - checker->places] = number;
    made->view = releases(order) ? me()->now : me()->release;
    if (is_rmw) /* a release sequence goes on through it */
        view_join(&made->view, &place->stores[store].view);
    me()->now.clock.at[checker->current]++;
    place_to_memory(place->at, place->size, place->stores[place->order[place->last]].value);
}

/* Memory that is used again, on a stack say, is set up by plain writes that nobody told of. What they leave is taken as
 * the first value of a new variable, which everybody knows of. */
static void notice_plain_write(struct place *place) {
    uint64_t value = place_from_memory(place->at, place->size);
    if (value == place->stores[place->order[place->last]].value)
        return;
    write_behind(place, place->order[place->last], value, RELAXED, false);
    for (uint8_t i = 0; i < checker->thread_count; i++)
        checker->threads[i].now.store[place - checker->places] = place->order[place->last];
}

void memory_to_mirror(const struct place *place) {
    place_to_memory(place->at, place->size, place->stores[place->order[place->last]].value);
}

/* Let others go first, then choose the store to act on. */
static uint8_t begin(struct operation *operation, struct model_site site) {
    operation->site = site;
    operation->place = place_of(site);
    notice_plain_write(operation->place);
    place_note_use(operation->place, operation->kind != LOAD);
    schedule_point(operation);
    struct options options;
    memory_options(checker->current, operation, &options);
    if (options.count == 0)
        model_fail("%s: %s has nothing left to read within the bounds of the checker", site.function,
                   site.text);
    uint32_t all = options.count == 32 ? UINT32_MAX : (UINT32_C(1) << options.count) - 1;
    uint32_t allowed = schedule_load_options(checker->current, all, &options);
    uint32_t done;
    uint8_t chosen = search_choose(all, allowed, (uint8_t)__builtin_ctz(allowed), 'a', &done);
    me()->slumbers = false;
    bool only_reads = operation->kind == LOAD ||
                      (operation->kind == CAS &&
                       operation->place->stores[options.store[chosen]].value != operation->expected);
    plain_atomic(operation->place, &site, !only_reads);
    checker->stale_left -= chosen != 0;
    return options.store[chosen];
}

static void read_from(struct place *place, uint8_t store, enum model_order order) {
    know(place, store);
    view_join(acquires(order) ? &me()->now : &me()->acquire, &place->stores[store].view);
}

uint64_t model_load(struct model_site site, enum model_order order) {
    struct operation operation = {.kind = LOAD, .order = order};
    uint8_t store = begin(&operation, site);
    struct place *place = operation.place;
    trace_operation(&operation, store, place->stores[store].value);
    read_from(place, store, order);
    return place->stores[store].value;
}

void model_store(struct model_site site, uint64_t value, enum model_order order) {
    struct operation operation = {.kind = STORE, .order = order, .operand = value};
    uint8_t store = begin(&operation, site);
    trace_operation(&operation, store, value);
    write_behind(operation.place, store, value, order, false);
}

uint64_t model_rmw(struct model_site site, enum model_rmw rmw, uint64_t operand, enum model_order order) {
    struct operation operation = {.kind = RMW, .rmw = rmw, .order = order, .operand = operand};
    uint8_t store = begin(&operation, site);
    struct place *place = operation.place;
    uint64_t old = place->stores[store].value;
    uint64_t value = rmw == ADD   ? old + operand
                     : rmw == SUB ? old - operand
                     : rmw == OR  ? old | operand
                     : rmw == AND ? old & operand
                     : rmw == XOR ? old ^ operand
                                  : operand;
    trace_operation(&operation, store, value);
    read_from(place, store, order);
    write_behind(place, store, value, order, true);
    return old;
}

bool model_cas(struct model_site site, void *expected, uint64_t desired, enum model_order order,
               enum model_order order_of_failure) {
    struct operation operation = {
        .kind = CAS, .order = order, .order_of_failure = order_of_failure, .operand = desired};
    operation.expected = place_from_memory(expected, site.size);
    uint8_t store = begin(&operation, site);
    struct place *place = operation.place;
    uint64_t found = place->stores[store].value;
    bool success = found == operation.expected;
    trace_operation(&operation, store, success ? desired : found);
    read_from(place, store, success ? order : order_of_failure);
    if (success)
        write_behind(place, store, desired, order, true);
    else
        place_to_memory(expected, site.size, found);
    return success;
}

void memory_zero(struct model_site site) {
    struct operation operation = {.kind = DISCARD, .order = RELAXED};
    uint8_t store = begin(&operation, site);
    trace_operation(&operation, store, 0);
    write_behind(operation.place, store, 0, RELAXED, false);
}
