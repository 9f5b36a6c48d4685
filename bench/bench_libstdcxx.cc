/* SPDX-License-Identifier: MIT */
#include <atomic>
#include <memory>

namespace peer = std;
#include "shared_ptr.h"
#include "shared_ptr_cache.h"

#ifdef __cpp_lib_atomic_shared_ptr
#define SLOT std::atomic<std::shared_ptr<payload>>
#define SLOT_LOAD(slot) (slot).load()
#define SLOT_STORE(slot, value) (slot).store(value)
#define SLOT_EXCHANGE(slot, value) (slot).exchange(value)
#include "shared_ptr_slot.h"
#endif

#define TEXT(x) #x
#define VERSION_TEXT(x) TEXT(x)
#ifdef _GLIBCXX_RELEASE
extern const char bench_peer[] = "libstdc++ " VERSION_TEXT(_GLIBCXX_RELEASE) " shared_ptr and weak_ptr";
#else
extern const char bench_peer[] = "the C++ library's shared_ptr and weak_ptr";
#endif
