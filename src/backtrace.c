/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "backtrace.h"

#include <stdlib.h>

#include "atomic.h"

#if defined(__has_include) && !defined(WR_NO_BACKTRACE) /* a build without, to test the other way */
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE 1
#endif
#endif

#ifdef HAVE_BACKTRACE

void backtrace_prepare(void) {
    void *first;
    (void)backtrace(&first, 1); /* loads what it needs, and allocates for that */
}

uint32_t backtrace_frames(void **frames, uint32_t most) {
    int count = backtrace(frames, (int)most);
    return count > 0 ? (uint32_t)count : 0;
}

void backtrace_write(FILE *f, void *const *frames, uint32_t count) {
    char **names = count > 0 ? backtrace_symbols(frames, (int)count) : NULL;
    for (uint32_t i = 0; names != NULL && i < count; i++)
        (void)fprintf(f, "        by %s\n", names[i]);
    free(names);
}

#else

#include <dlfcn.h>

typedef int (*unwinder)(void **frames, int most);

static unwinder of_libunwind; /* atomic: set once, to code, which nothing has to be seen with */

void backtrace_prepare(void) {
    unwinder found;
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    *(void **)(void *)&found = dlsym(library, "unw_backtrace");
    wr_store_relaxed(&of_libunwind, found);
}

uint32_t backtrace_frames(void **frames, uint32_t most) {
    unwinder found = wr_load_relaxed(&of_libunwind);
    int count = found != NULL ? found(frames, (int)most) : 0;
    return count > 0 ? (uint32_t)count : 0;
}

void backtrace_write(FILE *f, void *const *frames, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) == 0 || info.dli_fname == NULL)
            (void)fprintf(f, "        by %p\n", frames[i]);
        else
            (void)fprintf(f, "        by %s(+0x%zx)\n", info.dli_fname,
                          (size_t)((char *)frames[i] - (char *)info.dli_fbase));
    }
}

#endif
