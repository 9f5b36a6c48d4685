/* SPDX-License-Identifier: MIT */
/* Memory for everything that is not a slot, from the allocator the user chose. */
#ifndef WR_ALLOC_H
#define WR_ALLOC_H

#include <stddef.h>

/* Return `size` zero bytes, or NULL. errno is kept. */
void *alloc_zeroed(size_t size);

/* Give memory of alloc_zeroed back; NULL: nothing. errno is kept. */
void alloc_free(void *memory);

/* Take and give back the lock on the choice of allocator, for fork. */
void alloc_lock(void);
void alloc_unlock(void);

#endif /* WR_ALLOC_H */
