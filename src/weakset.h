/* SPDX-License-Identifier: MIT */
/* What the operations on weak sets share. */
#ifndef WR_WEAKSET_H
#define WR_WEAKSET_H

#include "weakrt.h"

/* Make an empty set with the options of another. Returns NULL, errno ENOMEM. */
wr_weakset *weakset_new_like(const wr_weakset *set);

#endif /* WR_WEAKSET_H */
