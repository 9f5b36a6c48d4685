# SPDX-License-Identifier: MIT
# ---- benchmarks: bench/bench_<peer>.c or .cc, with its bench/<peer>_*.c if it has any, is a program; bench_flags_<peer>
# and bench_libs_<peer> if it needs them ----
bench_peers    := $(sort $(patsubst bench/bench_%,%,$(basename $(wildcard bench/bench_*.c bench/bench_*.cc))))
bench_programs := $(patsubst %,$B/bench/run/%,weakrt-inline weakrt-calls $(filter-out weakrt,$(bench_peers)))
bench_common   := $(patsubst %,$B/bench/%.o,bench measure workers)
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
	$q$(CXX) $(cxx_flags) $(bench_flags_$(*F:bench_%=%)) -c $< -o $@

$B/bench/run/weakrt-inline: $(call bench_parts,weakrt,-inline.o) $(bench_common) $(STATIC_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ $(LDLIBS) -o $@

$B/bench/run/weakrt-calls: $(call bench_parts,weakrt,.o) $(bench_common) $(SHARED_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ -Wl,-rpath,'$$ORIGIN/../..' $(LDLIBS) -o $@

$B/bench/run/%: $B/bench/bench_%.o $(bench_common)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ $(bench_libs_$*) $(LDLIBS) -o $@

$B/bench/run/%: $B/bench/bench_%.cc.o $(bench_common)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CXX) $(link_flags) $^ $(bench_libs_$*) $(LDLIBS) -o $@

.PHONY: bench bench-quick bench-check bench-instructions bench-count bench-programs
bench-programs: $(bench_programs)
bench: ## measure against what users would pick instead; results under build/bench
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --out build/bench $(BENCH) $(bench_programs)
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
