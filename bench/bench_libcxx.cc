/* SPDX-License-Identifier: MIT */
/* libc++, by clang: see bench.mk. */
#include <memory>

#ifdef _LIBCPP_VERSION
namespace peer = std;
#include "shared_ptr.h"
#include "shared_ptr_cache.h"

#define TEXT(x) #x
#define VERSION_TEXT(x) TEXT(x)
extern const char bench_peer[] = "libc++ " VERSION_TEXT(_LIBCPP_VERSION) " shared_ptr and weak_ptr";

#define SLOT std::shared_ptr<payload>
#define SLOT_LOAD(slot) std::atomic_load(&(slot))
#define SLOT_STORE(slot, value) std::atomic_store(&(slot), value)
#define SLOT_EXCHANGE(slot, value) std::atomic_exchange(&(slot), value)
#include "shared_ptr_slot.h"
#else
#include "bench.h"
extern const char bench_peer[] = "libc++";
BENCH_MISSING("clang and libc++-dev");
#endif
