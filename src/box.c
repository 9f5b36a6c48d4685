/* SPDX-License-Identifier: MIT */
/* Boxes: objects that stand for memory of the user's own. */
#include "weakrt.h"

struct box {
    void *ptr;
    void (*destroy)(void *ptr);
};

static void destroy_box(void *self) {
    struct box *box = self;
    if (box->destroy != NULL)
        box->destroy(box->ptr);
}

static const wr_type box_type = {
    .abi = WR_TYPE_ABI, .name = "box", .size = sizeof(struct box), .destroy = destroy_box};

void *wr_box_new(void *ptr, void (*destroy)(void *ptr)) {
    struct box *box = wr_new(&box_type);
    if (box != NULL)
        *box = (struct box){ptr, destroy};
    return box;
}

void *wr_box_get(const void *box) {
    return wr_type_of(box) == &box_type ? ((const struct box *)box)->ptr : NULL;
}
