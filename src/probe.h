/* SPDX-License-Identifier: MIT */
/*
 * Static probes (USDT) for perf, bpftrace and systemtap, where gcc found <sys/sdt.h> at build time (clang says of its
 * macros that they are no standard C): each is one `nop` until somebody looks. tools/bpftrace has a script for each.
 * Their arguments:
 *   new       payload, type      death     payload, type
 *   stale     bits of the weak value whose look-up was refused; in the library, not in what was inlined into programs
 *   callback  weakref, function
 */
#ifndef WR_PROBE_H
#define WR_PROBE_H

#if defined(__has_include) && !defined(__clang__) && !defined(WR_NO_PROBES)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define wr_probe1(name, a) DTRACE_PROBE1(weakrt, name, a)
#define wr_probe2(name, a, b) DTRACE_PROBE2(weakrt, name, a, b)
#endif
#endif
#ifndef wr_probe1
#define wr_probe1(name, a) ((void)0)
#define wr_probe2(name, a, b) ((void)0)
#endif

/* For weakrt_inline.h, as wr_path. */
#define wr_stale(bits) wr_probe1(stale, bits)

#endif /* WR_PROBE_H */
