/* SPDX-License-Identifier: MIT */
/* Who waits for the end of an object: entries in front of its list, told after destroy. */
#ifndef WR_WAIT_H
#define WR_WAIT_H

#include "registry.h"

/* Tell everybody in front of the list of the object in `slot` that it is destroyed; frees its annex. */
void wait_tell(struct wr_slot *slot);

#endif /* WR_WAIT_H */
