/* SPDX-License-Identifier: MIT */
/*
 * An observer list: a thermometer tells whoever listens. Listeners are held weakly, so that a display that is closed
 * need not sign off, and one that closes itself while it is told is safe: it is held for that call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weakrt.h>

#define REQUIRE(cond) ((cond) ? (void)0 : (void)(fprintf(stderr, "line %d: " #cond "\n", __LINE__), exit(1)))

struct display {
    const char *name;
    struct display **owner; /* where its owner has it; closing empties that */
};

static void display_destroy(void *self) {
    printf("%s is gone\n", ((struct display *)self)->name);
}

static const wr_type display_type = {
    .abi = WR_TYPE_ABI, .name = "display", .size = sizeof(struct display), .destroy = display_destroy};

static struct display *display_new(const char *name, struct display **owner) {
    struct display *display = wr_new(&display_type);
    REQUIRE(display != NULL);
    display->name = name;
    display->owner = owner;
    return display;
}

static void show(void *self, void *event, void *arg) {
    const struct display *display = self;
    printf("%s: %d %s\n", display->name, *(int *)event, (const char *)arg);
}

/* One that closes itself when it is too hot. */
static void show_or_close(void *self, void *event, void *arg) {
    struct display *display = self;
    show(self, event, arg);
    if (*(int *)event > 30) {
        struct display *mine = *display->owner;
        *display->owner = NULL;
        wr_release(mine);
        printf("%s closes\n", display->name);
    }
}

static void tell(wr_listeners *listeners, int temperature, int expected) {
    REQUIRE(wr_listeners_call(listeners, &temperature) == expected);
}

int main(void) {
    static char celsius[] = "C";
    static char unit[] = "degrees";
    wr_listeners *listeners = wr_listeners_new();
    REQUIRE(listeners != NULL);
    struct display *wall = display_new("wall", &wall);
    struct display *desk = display_new("desk", &desk);
    REQUIRE(wr_listeners_add(listeners, desk, show_or_close, unit) == 0);
    REQUIRE(wr_listeners_add(listeners, wall, show, celsius) == 0);
    REQUIRE(wr_listeners_add_once(listeners, wall, show, celsius) == 0); /* it is there */

    tell(listeners, 21, 2);
    tell(listeners, 35, 2);
    REQUIRE(desk == NULL);
    tell(listeners, 24, 1);

    /* After this no thread is inside of show for the wall: what it uses may be taken down. */
    REQUIRE(wr_listeners_remove_wait(listeners, wall, show) == 0);
    tell(listeners, 22, 0);
    wr_release(wall);
    wr_listeners_free(listeners);
    return 0;
}
