/* SPDX-License-Identifier: MIT */
/*
 * Memory of one's own: a mapping, far larger than an object may be. A box stands for it, with a count and weak values;
 * the mapping goes with the box's last reference.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

enum { BYTES = 1 << 20 };

static void unmap(void *memory) {
    REQUIRE(munmap(memory, BYTES) == 0);
    puts("unmapped");
}

int main(void) {
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    void *box = wr_box_new(memory, unmap);
    REQUIRE(box != NULL); /* if not, the mapping is still ours */
    wr_weak weak = wr_weak_of(box);

    void *user = wr_weak_get(weak);
    memcpy(wr_box_get(user), "a page of text", sizeof "a page of text");
    wr_release(box); /* the owner lets go while somebody uses it */
    puts(wr_box_get(user));
    wr_release(user);
    REQUIRE(wr_weak_is_dead(weak));
    return 0;
}
