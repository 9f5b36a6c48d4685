/* SPDX-License-Identifier: MIT */
#include <memory>

namespace peer = std;
#include "shared_ptr.h"
#include "shared_ptr_cache.h"

#define TEXT(x) #x
#define VERSION_TEXT(x) TEXT(x)
#ifdef _GLIBCXX_RELEASE
extern const char bench_peer[] = "libstdc++ " VERSION_TEXT(_GLIBCXX_RELEASE) " shared_ptr and weak_ptr";
#else
extern const char bench_peer[] = "the C++ library's shared_ptr and weak_ptr";
#endif
