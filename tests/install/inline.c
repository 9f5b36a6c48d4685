/* SPDX-License-Identifier: MIT */
/* The same stranger with the hot path inlined. */
#include <weakrt_inline.h>

#include "program.c"
