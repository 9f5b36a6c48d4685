/* SPDX-License-Identifier: MIT */
#include "bench.h"

#if __has_include(<boost/make_shared.hpp>)
#include <boost/make_shared.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/smart_ptr/atomic_shared_ptr.hpp>
#include <boost/version.hpp>
#include <boost/weak_ptr.hpp>

namespace peer = boost;
#include "shared_ptr.h"
#include "shared_ptr_cache.h"

#define SLOT boost::atomic_shared_ptr<payload>
#define SLOT_LOAD(slot) (slot).load()
#define SLOT_STORE(slot, value) (slot).store(value)
#define SLOT_EXCHANGE(slot, value) (slot).exchange(value)
#include "shared_ptr_slot.h"

extern const char bench_peer[] = "Boost " BOOST_LIB_VERSION " shared_ptr and weak_ptr";
#else
extern const char bench_peer[] = "Boost";
BENCH_MISSING("libboost-dev");
#endif
