/* SPDX-License-Identifier: MIT */
/* Plain accesses, which must not race with others, plain or atomic; and pages, to be made before they are used. */
#include "checker.h"

#include <string.h>

static struct plain *find(volatile void *at) {
    uint32_t hash = (uint32_t)(uintptr_t)at * UINT32_C(2654435761) >> 16;
    for (uint32_t tries = 0; tries < PLAIN_MAX; tries++, hash++) {
        struct plain *plain = &checker->plains[hash % PLAIN_MAX];
        if (plain->run != checker->run) {
            memset(plain, 0, sizeof *plain);
            plain->run = checker->run;
            plain->at = at;
        }
        if (plain->at == at)
            return plain;
    }
    model_fail("more than %d plain variables: raise PLAIN_MAX", PLAIN_MAX);
}

static void must_be_before(const struct access *other, uint8_t thread, const struct model_site *site,
                           bool is_write, const char *other_did) {
    if (other->epoch > checker->threads[checker->current].now.clock.at[thread])
        model_fail("data race: %s of %s in %s by %s, and %s in %s by %s: neither happens before the other",
                   is_write ? "write" : "read", trace_address(site->at, site->text), site->function,
                   trace_thread(checker->current), other_did, other->function, trace_thread(thread));
}

static void must_be_before_all(const struct access *others, const struct model_site *site, bool is_write,
                               const char *other_did) {
    for (uint8_t i = 0; i < checker->thread_count; i++)
        if (i != checker->current)
            must_be_before(&others[i], i, site, is_write, other_did);
}

static struct access here(const struct model_site *site) {
    uint8_t current = checker->current;
    return (struct access){site->function, checker->threads[current].now.clock.at[current]};
}

/* ---- lives ---- */

/* What is made and freed is a plain variable of its own, at an address that no other has. */
static void touch_life(const struct life *life, const struct model_site *site, bool is_write) {
    struct plain *plain = find(life->start + 1);
    struct model_site object = {life->start, "an object's memory", site->function, 1};
    must_be_before_all(plain->write, &object, is_write, "write");
    if (is_write)
        must_be_before_all(plain->read, &object, is_write, "use");
    (is_write ? plain->write : plain->read)[checker->current] = here(site);
}

static void use(const struct model_site *site) {
    for (int i = 0; i < checker->life_count; i++) {
        const struct life *life = &checker->lives[i];
        uintptr_t offset = (uintptr_t)site->at - (uintptr_t)life->start;
        if (offset < life->size)
            touch_life(life, site, false);
        else if (offset == 0 && life->size == 0)
            model_fail("use of %s in %s by %s, whose object was freed", trace_address(site->at, site->text),
                       site->function, trace_thread(checker->current));
    }
}

void plain_made(char *start, size_t size) {
    int i = 0;
    while (i < checker->life_count && checker->lives[i].start != start)
        i++;
    if (i == LIFE_MAX)
        model_fail("more than %d objects' places: raise LIFE_MAX", LIFE_MAX);
    if (i == checker->life_count)
        checker->lives[checker->life_count++] = (struct life){start, 0};
    if (checker->lives[i].size != 0)
        model_fail("%s is given out twice", trace_address(start, "payload"));
    checker->lives[i].size = size;
    touch_life(&checker->lives[i], &(struct model_site){start, "", "its birth", 1}, true);
    trace_line("made %s", trace_address(start, "payload"));
}

void plain_freed(char *start) {
    int i = 0;
    while (i < checker->life_count && checker->lives[i].start != start)
        i++;
    if (i == checker->life_count || checker->lives[i].size == 0)
        model_fail("%s is freed twice", trace_address(start, "payload"));
    touch_life(&checker->lives[i], &(struct model_site){start, "", "its end", 1}, true);
    checker->lives[i].size = 0;
    trace_line("freed %s", trace_address(start, "payload"));
}

unsigned model_objects_alive(void) {
    unsigned alive = 0;
    for (int i = 0; i < checker->life_count; i++)
        alive += checker->lives[i].size != 0;
    return alive;
}

/* ---- accesses ---- */

static void access_plain(struct model_site site, bool is_write) {
    struct plain *plain = find(site.at);
    uint8_t current = checker->current;
    place_note_plain(site.at);
    if (is_write || plain->seen[current] != plain->writes) /* once for each value is enough to read */
        trace_line("%s: %s %s", site.function, is_write ? "write" : "read",
                   trace_address(site.at, site.text));
    plain->writes += is_write;
    plain->seen[current] = plain->writes;
    must_be_before_all(plain->write, &site, is_write, "write");
    must_be_before_all(plain->atomic_write, &site, is_write, "atomic write");
    if (is_write) {
        must_be_before_all(plain->read, &site, is_write, "read");
        must_be_before_all(plain->atomic_read, &site, is_write, "atomic read");
    }
    (is_write ? plain->write : plain->read)[current] = here(&site);
}

void model_plain(struct model_site site, bool is_write) {
    use(&site);
    access_plain(site, is_write);
}

void plain_atomic(const struct place *place, const struct model_site *site, bool is_write) {
    use(site);
    if (checker->mode == DEPTH_FIRST && !place->mixed)
        return;
    struct plain *plain = find(site->at);
    must_be_before_all(plain->write, site, is_write, "plain write");
    if (is_write)
        must_be_before_all(plain->read, site, is_write, "plain read");
    (is_write ? plain->atomic_write : plain->atomic_read)[checker->current] = here(site);
}

void plain_commit(void *start, size_t size) {
    if (checker->committed_count == COMMIT_MAX)
        model_fail("more than %d pieces of pages: raise COMMIT_MAX", COMMIT_MAX);
    uint16_t epoch = checker->threads[checker->current].now.clock.at[checker->current];
    checker->committed[checker->committed_count++] =
        (struct committed){(uintptr_t)start, size, checker->current, epoch};
}

static bool is_in(volatile void *at, char *start, size_t size) {
    return (uintptr_t)at - (uintptr_t)start < size;
}

/* The pages read as zero from now on. Each word turns to zero by itself, as a relaxed store at the end of its
 * modification order; what is not atomic is written. */
void plain_discard(char *start, size_t size) {
    for (int i = 0; i < checker->life_count; i++)
        if (checker->lives[i].size != 0 && is_in(checker->lives[i].start, start, size))
            model_fail("the pages of an object that lives are given back");
    for (int i = 0; i < PLAIN_MAX; i++) {
        const struct plain *plain = &checker->plains[i];
        if (plain->run == checker->run && is_in(plain->at, start, size))
            access_plain((struct model_site){plain->at, "a field", "os_discard", 8}, true);
    }
    memset(start, 0, size);
    for (int i = 0; i < checker->place_count; i++)
        if (checker->places[i].run == checker->run && is_in(checker->places[i].at, start, size))
            memory_to_mirror(&checker->places[i]);
    for (int i = 0; i < checker->place_count; i++) {
        const struct place *place = &checker->places[i];
        if (place->run == checker->run && is_in(place->at, start, size))
            memory_zero((struct model_site){place->at, place->text, "os_discard", place->size});
    }
}
