/* SPDX-License-Identifier: MIT */
#include "atomic.h"

#include <stddef.h>

#ifdef WR_HOOK
void (*atomic_hook)(const char *op, const volatile void *at) = NULL;
#endif
