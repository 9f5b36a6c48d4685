/* SPDX-License-Identifier: MIT */
/* A program for LeakSanitizer to look at: memory of malloc that an object has at the end. */
#include <stdlib.h>
#include <string.h>
#include <weakrt.h>

struct owner {
    void *memory;
};
static const wr_type owner_type = {.abi = WR_TYPE_ABI, .name = "owner", .size = sizeof(struct owner)};

static void *box;

/* An object whose destroy does not free what it owns. */
static void forget(void) {
    struct owner *owner = wr_new(&owner_type);
    if (owner != NULL)
        owner->memory = malloc(1234);
    wr_release(owner);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "forgotten") == 0)
        forget();
    else
        box = wr_box_new(malloc(1234), free);
    if (strcmp(what, "lost") == 0)
        box = NULL;
    return 0;
}
