# SPDX-License-Identifier: MIT
# ---- benchmarks: bench/bench_<peer>.c or .cc, with its bench/<peer>_*.c if it has any, is a program; bench_flags_<peer>
# and bench_libs_<peer> if it needs them ----
bench_peers    := $(sort $(patsubst bench/bench_%,%,$(basename $(wildcard bench/bench_*.c bench/bench_*.cc))))
bench_programs := $(patsubst %,$B/bench/run/%,weakrt-inline weakrt-calls $(filter-out weakrt,$(bench_peers)))
bench_common   := $(patsubst %,$B/bench/%.o,bench measure workers)

# Of libraries that are not there all of this is empty, and the program only says so. Not ours to warn about: -isystem.
bench_package   = $(patsubst -I%,-isystem %,$(shell pkg-config $1 2>/dev/null))
bench_flags_libstdcxx := -std=c++20
bench_flags_glib  = $(call bench_package,--cflags gobject-2.0)
bench_libs_glib   = $(call bench_package,--libs gobject-2.0)
bench_flags_uv    = $(call bench_package,--cflags libuv)
bench_libs_uv     = $(call bench_package,--libs libuv)
# The distribution's Python, whatever else stands first in the PATH.
bench_python      = $(patsubst -I%,-isystem %,$(shell /usr/bin/python3-config $1 2>/dev/null))
bench_flags_python = $(call bench_python,--includes)
bench_libs_python = $(call bench_python,--ldflags --embed)
bench_flags_urcu  = $(call bench_package,--cflags liburcu-memb liburcu-cds)
bench_libs_urcu   = $(call bench_package,--libs liburcu-memb liburcu-cds)
# Rust is used where it is, and never installed.
bench_rustc       = $(shell rustc --version 2>/dev/null | cut -d' ' -f1-2)
bench_flags_rust  = $(if $(bench_rustc),-DBENCH_RUSTC='"$(bench_rustc)"')
bench_libs_rust   = $(if $(bench_rustc),-ldl)
bench_loops_rust := $(if $(bench_rustc),$B/bench/libarc.a)
# libc++ comes with clang; without it the program is built as any other, and says that it is missing.
bench_cxx_libcxx  = $(shell clang++ -stdlib=libc++ -fsyntax-only -include memory -x c++ /dev/null 2>/dev/null && \
                      echo clang++ -stdlib=libc++)
bench_cxx         = $(or $(bench_cxx_$1),$(CXX))

# $(call bench_parts,peer,ending): the objects of a peer.
bench_parts     = $(patsubst bench/%.c,$B/bench/%$2,bench/bench_$1.c $(sort $(wildcard bench/$1_*.c)))

# The peer that an object belongs to: what stands behind bench_, or before the first _.
bench_peer_of   = $(if $(filter bench_%,$1),$(1:bench_%=%),$(firstword $(subst _, ,$1)))

$B/bench/%.o: bench/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE $(bench_flags_$(call bench_peer_of,$(*F))) -c $< -o $@

$B/bench/%-inline.o: bench/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE -DBENCH_INLINE -c $< -o $@

$B/bench/%.cc.o: bench/%.cc $B/flags
	$(call say,CXX)
	@mkdir -p $(@D)
	$q$(call bench_cxx,$(*F:bench_%=%)) $(cxx_flags) $(bench_flags_$(*F:bench_%=%)) -c $< -o $@

$B/bench/run/weakrt-inline: $(call bench_parts,weakrt,-inline.o) $(bench_common) $(STATIC_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ $(LDLIBS) -o $@

$B/bench/run/weakrt-calls: $(call bench_parts,weakrt,.o) $(bench_common) $(SHARED_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ -Wl,-rpath,'$$ORIGIN/../..' $(LDLIBS) -o $@

$B/bench/libarc.a: bench/arc.rs
	$(call say,RUSTC)
	@mkdir -p $(@D)
	$qrustc --edition 2021 --crate-type staticlib -C opt-level=3 -C panic=abort -o $@ $<

# A peer's program, from its parts.
define bench_program
$B/bench/run/$1: $(call bench_parts,$1,.o) $(bench_common) $(bench_loops_$1)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$q$$(CC) $$(link_flags) $$^ $$(bench_libs_$1) $$(LDLIBS) -o $$@
endef
define bench_program_cc
$B/bench/run/$1: $B/bench/bench_$1.cc.o $(bench_common)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$q$$(call bench_cxx,$1) $$(link_flags) $$^ $$(bench_libs_$1) $$(LDLIBS) -o $$@
endef
$(foreach peer,$(patsubst bench/bench_%.c,%,$(filter-out %/bench_weakrt.c,$(wildcard bench/bench_*.c))),$(eval \
    $(call bench_program,$(peer))))
$(foreach peer,$(patsubst bench/bench_%.cc,%,$(wildcard bench/bench_*.cc)),$(eval $(call bench_program_cc,$(peer))))

.PHONY: bench bench-growth bench-quick bench-curves bench-check bench-instructions bench-count bench-programs
bench-programs: $(bench_programs)
bench: ## measure against what users would pick instead; results under build/bench
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --out build/bench $(BENCH) $(bench_programs)
	$qbench/plot.py build/bench
bench-curves: ## how it grows with threads, objects, entries and callbacks; plots under build/bench
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --curves --out build/bench $(BENCH) $(bench_programs)
	$qbench/plot.py build/bench
bench-growth: ## the longest put while a cache grows to 10 million entries, and bytes of an entry
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --long --only 'cache_growth_*' --only bytes_per_cache_entry --out build/bench/growth $(BENCH) \
	    $(bench_programs)
bench-quick: ## the main rows only, in some seconds
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --quick --out build/bench/quick $(BENCH) $(bench_programs)
bench-check: ## only see that every benchmark works
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --check $(bench_programs)
bench-instructions: ## count instructions instead, which other work on the machine does not change
	$qtools/setup --bench
	+$q$(again) bench-count VARIANT=count
bench-count: $(bench_programs)
	$qbench/bench.py --instructions --out build/bench/instructions $(BENCH) $(bench_programs)
