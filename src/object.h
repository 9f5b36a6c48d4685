/* SPDX-License-Identifier: MIT */
/* Birth of objects, for the library's own kinds of them. */
#ifndef WR_OBJECT_H
#define WR_OBJECT_H

#include "word.h"

/* Tell whether a type, with that many bytes more of payload, breaks a rule of wr_type's comment. */
bool object_type_wrong(const wr_type *type, size_t extra);

/* Make an object of a right type with `size` bytes of payload and these flags in its word (WR_ONE among them:
 * one reference more). Returns NULL, errno ENOMEM. */
void *object_new(const wr_type *type, size_t size, uint64_t flags);

/* Give up two references, in one step if they are the last. */
void object_release_two(void *obj);

#endif /* WR_OBJECT_H */
