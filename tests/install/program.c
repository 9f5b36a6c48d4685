/* SPDX-License-Identifier: MIT */
/* A stranger's program: what it knows of weakrt is what `make install` installed. Its first argument is the version it
 * must find at run time. It is also compiled as C++. */
#include <weakrt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int destroyed;

static void destroy(void *self) {
    (void)self;
    destroyed++;
}

int main(int argc, char **argv) {
    wr_type type;
    memset(&type, 0, sizeof type);
    type.abi = WR_TYPE_ABI;
    type.name = "stranger";
    type.size = 64;
    type.destroy = destroy;

    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", WR_VERSION_MAJOR, WR_VERSION_MINOR, WR_VERSION_PATCH);
    if (argc != 2 || strcmp(argv[1], version) != 0 || wr_version() != WR_VERSION) {
        fprintf(stderr, "header %s, library %u, expected %s\n", version, (unsigned)wr_version(),
                argc > 1 ? argv[1] : "an argument");
        return EXIT_FAILURE;
    }

    void *object = wr_new(&type);
    if (!object)
        return EXIT_FAILURE;
    wr_weak weak = wr_weak_of(object);
    void *again = wr_weak_get(weak);
    int alive = again == object;
    wr_release(again);
    wr_release(object);
    if (!alive || destroyed != 1 || !wr_weak_is_dead(weak) || wr_weak_get(weak)) {
        fputs("the weak value did not follow its object\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
