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

/* ---- views ---- */

static uint8_t position(const struct place *place, uint8_t store) {
    return place->stores[store].position;
}

static void join_stores(struct view *to, const struct view *from) {
    for (uint8_t i = 0; i < checker->place_count; i++)
        if (to->store[i] != from->store[i] &&
            position(&checker->places[i], from->store[i]) > position(&checker->places[i], to->store[i]))
            to->store[i] = from->store[i];
}

static void join(struct view *to, const struct view *from) {
    join_stores(to, from);
    for (int i = 0; i < THREAD_MAX; i++)
        if (to->clock.at[i] < from->clock.at[i])
            to->clock.at[i] = from->clock.at[i];
}

void memory_inherit(uint8_t from, uint8_t to) {
    struct thread_state *child = &checker->threads[to];
    child->now = child->acquire = checker->threads[from].now;
    memset(&child->release, 0, sizeof child->release);
    child->now.clock.at[to] = 1;
    checker->threads[from].now.clock.at[from]++;
}

void memory_join(uint8_t from, uint8_t to) {
    join(&checker->threads[to].now, &checker->threads[from].now);
}

/* ---- places ---- */

void memory_reset(void) {
    memset(&checker->fences, 0, sizeof checker->fences);
    memset(&checker->in_order, 0, sizeof checker->in_order);
    checker->stamp = 0;
    checker->committed_count = 0;
}

void memory_forget_sharing(void) {
    checker->place_count = 0;
    memset(checker->place_index, NONE, sizeof checker->place_index);
}

static uint64_t from_memory(const volatile void *at, uint8_t size) {
    return size == 8   ? *(const volatile uint64_t *)at
           : size == 4 ? *(const volatile uint32_t *)at
           : size == 2 ? *(const volatile uint16_t *)at
                       : *(const volatile uint8_t *)at;
}

static void to_memory(volatile void *at, uint8_t size, uint64_t value) {
    if (size == 8)
        *(volatile uint64_t *)at = value;
    else if (size == 4)
        *(volatile uint32_t *)at = (uint32_t)value;
    else if (size == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint8_t *)at = (uint8_t)value;
}

/* Where the number of the place at an address is, or will be. */
static uint8_t *index_of(const volatile void *at) {
    uint32_t hash = (uint32_t)((uintptr_t)at >> 1) * UINT32_C(2654435761) >> 16;
    while (checker->place_index[hash % INDEX_MAX] != NONE &&
           checker->places[checker->place_index[hash % INDEX_MAX]].at != at)
        hash++;
    return &checker->place_index[hash % INDEX_MAX];
}

static struct place *find(struct model_site site) {
    uint8_t *index = index_of(site.at);
    if (*index == NONE) {
        if (checker->place_count == PLACE_MAX)
            model_fail("more than %d atomic variables: raise PLACE_MAX", PLACE_MAX);
        *index = checker->place_count++;
        checker->places[*index] = (struct place){.at = site.at, .text = site.text, .size = site.size};
    }
    return &checker->places[*index];
}

static struct place *place_of(struct model_site site) {
    struct place *place = find(site);
    if (place->size != site.size)
        model_fail("%s is used with two sizes", site.text);
    if (place->run != checker->run) {
        place->run = checker->run;
        place->count = 1;
        place->last = 0;
        place->order[0] = 0;
        place->holder = NONE;
        memset(&place->given, 0, sizeof place->given);
        struct store *first = &place->stores[0];
        memset(first, 0, sizeof *first);
        first->value = from_memory(site.at, site.size);
        first->read = NONE;
    }
    for (int i = 0; i < checker->committed_count; i++) {
        const struct committed *c = &checker->committed[i];
        if ((uintptr_t)site.at - c->start < c->size && c->thread != checker->current &&
            me()->now.clock.at[c->thread] < c->epoch)
            model_fail("%s at %s is used, but that its pages were made by %s did not happen before",
                       site.function, trace_place(place), trace_thread(c->thread));
    }
    return place;
}

void memory_note_plain(volatile void *at) {
    uint8_t index = *index_of(at);
    if (index != NONE && !checker->places[index].mixed) {
        checker->places[index].mixed = true;
        checker->sharing_changed = true; /* earlier operations on it were not noted */
    }
}

bool memory_is_contended(const struct place *place) {
    unsigned all = place->readers | place->writers;
    return place->writers != 0 && (all & (all - 1)) != 0;
}

/* Note that the current thread uses a place. The first run in which two use it, and one of them to write, makes it
 * contended: only from then on may others go first at its operations. */
static void note_use(struct place *place, bool writes) {
    if (!checker->concurrent)
        return;
    bool before = memory_is_contended(place);
    *(writes ? &place->writers : &place->readers) |= (uint8_t)(1u << checker->current);
    if (memory_is_contended(place) != before)
        checker->sharing_changed = true;
}

/* ---- one operation ---- */

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
        join(&made->view, &place->stores[store].view);
    me()->now.clock.at[checker->current]++;
    to_memory(place->at, place->size, place->stores[place->order[place->last]].value);
}

/* Memory that is used again, on a stack say, is set up by plain writes that nobody told of. What they leave is taken as
 * the first value of a new variable, which everybody knows of. */
static void notice_plain_write(struct place *place) {
    uint64_t value = from_memory(place->at, place->size);
    if (value == place->stores[place->order[place->last]].value)
        return;
    write_behind(place, place->order[place->last], value, RELAXED, false);
    for (uint8_t i = 0; i < checker->thread_count; i++)
        checker->threads[i].now.store[place - checker->places] = place->order[place->last];
}

void memory_to_mirror(const struct place *place) {
    to_memory(place->at, place->size, place->stores[place->order[place->last]].value);
}

/* Let others go first, then choose the store to act on. */
static uint8_t begin(struct operation *operation, struct model_site site) {
    operation->site = site;
    operation->place = place_of(site);
    notice_plain_write(operation->place);
    note_use(operation->place, operation->kind != LOAD);
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
    join(acquires(order) ? &me()->now : &me()->acquire, &place->stores[store].view);
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
    operation.expected = from_memory(expected, site.size);
    uint8_t store = begin(&operation, site);
    struct place *place = operation.place;
    uint64_t found = place->stores[store].value;
    bool success = found == operation.expected;
    trace_operation(&operation, store, success ? desired : found);
    read_from(place, store, success ? order : order_of_failure);
    if (success)
        write_behind(place, store, desired, order, true);
    else
        to_memory(expected, site.size, found);
    return success;
}

void memory_zero(struct model_site site) {
    struct operation operation = {.kind = DISCARD, .order = RELAXED};
    uint8_t store = begin(&operation, site);
    trace_operation(&operation, store, 0);
    write_behind(operation.place, store, 0, RELAXED, false);
}

/* ---- locks and sleeping ---- */

static struct place *stop(struct operation *operation, struct model_site site, enum kind kind) {
    *operation = (struct operation){.kind = kind, .site = site, .place = place_of(site)};
    note_use(operation->place, true);
    schedule_point(operation);
    me()->slumbers = false;
    return operation->place;
}

void memory_lock(struct model_site site) {
    struct operation operation;
    struct place *lock = stop(&operation, site, LOCK);
    if (lock->holder != NONE)
        model_fail("%s is taken twice", trace_place(lock));
    lock->holder = checker->current;
    join(&me()->now, &lock->given);
    trace_operation(&operation, 0, 0);
}

void memory_unlock(struct model_site site) {
    struct place *lock = place_of(site);
    if (lock->holder != checker->current)
        model_fail("%s is given by %s, who does not hold it", trace_place(lock),
                   trace_thread(checker->current));
    lock->holder = NONE;
    lock->given = me()->now;
    me()->now.clock.at[checker->current]++;
    trace_line("unlock %d", (int)(lock - checker->places));
}

void memory_sleep(struct model_site site, uint32_t value, bool briefly) {
    struct operation operation;
    struct place *place = stop(&operation, site, SLEEP);
    trace_operation(&operation, 0, value);
    if (briefly || place->stores[place->order[place->last]].value != value)
        return;
    me()->word = site.at;
    me()->state = ASLEEP_ON_WORD;
    stop(&operation, site, SLEEP);
}

void memory_wake(struct model_site site, int count) {
    struct operation operation;
    stop(&operation, site, WAKE);
    while (count-- > 0 && schedule_wake(site.at, site.function))
        ;
}

/* ---- fences ---- */

static void fence_seq_cst(struct thread_state *thread) {
    join(&thread->now, &thread->acquire);
    join_stores(&thread->now, &checker->fences);
    join_stores(&thread->now, &checker->in_order);
    join_stores(&checker->fences, &thread->now);
    thread->release = thread->now;
}

void model_fence(enum model_order order, const char *function) {
    struct operation operation = {.kind = FENCE, .order = order, .site = {NULL, "", function, 0}};
    if (order == SEQ_CST)
        schedule_point(&operation);
    me()->slumbers = false;
    trace_operation(&operation, 0, 0);
    if (order == SEQ_CST) {
        fence_seq_cst(me());
    } else {
        if (acquires(order))
            join(&me()->now, &me()->acquire);
        if (releases(order))
            me()->release = me()->now;
    }
    me()->now.clock.at[checker->current]++;
}

/* A fence here, then one wherever each other thread is, then one here again. */
void model_membarrier(const char *function) {
    struct operation operation = {.kind = MEMBARRIER, .order = SEQ_CST, .site = {NULL, "", function, 0}};
    schedule_point(&operation);
    me()->slumbers = false;
    trace_operation(&operation, 0, 0);
    fence_seq_cst(me());
    for (uint8_t i = 1; i < checker->thread_count; i++) {
        if (i != checker->current) { /* also one that has ended: its stores are out */
            fence_seq_cst(&checker->threads[i]);
            checker->threads[i].now.clock.at[i]++;
        }
    }
    fence_seq_cst(me());
    me()->now.clock.at[checker->current]++;
}
