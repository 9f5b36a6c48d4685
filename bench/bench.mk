# SPDX-License-Identifier: MIT
# ---- benchmarks: bench/bench_<peer>.c or .cc is a program; bench_flags_<peer> and bench_libs_<peer> if it needs them ----
bench_peers    := $(sort $(patsubst bench/bench_%,%,$(basename $(wildcard bench/bench_*.c bench/bench_*.cc))))
bench_programs := $(patsubst %,$B/bench/run/%,weakrt-inline weakrt-calls $(filter-out weakrt,$(bench_peers)))

$B/bench/%.o: bench/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE $(bench_flags_$(*F:bench_%=%)) -c $< -o $@

$B/bench/%-inline.o: bench/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE -DBENCH_INLINE -c $< -o $@

$B/bench/%.cc.o: bench/%.cc $B/flags
	$(call say,CXX)
	@mkdir -p $(@D)
	$q$(CXX) $(cxx_flags) $(bench_flags_$(*F:bench_%=%)) -c $< -o $@

$B/bench/run/weakrt-inline: $B/bench/bench_weakrt-inline.o $B/bench/bench.o $(STATIC_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ $(LDLIBS) -o $@

$B/bench/run/weakrt-calls: $B/bench/bench_weakrt.o $B/bench/bench.o $(SHARED_LIB)
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ -Wl,-rpath,'$$ORIGIN/../..' $(LDLIBS) -o $@

$B/bench/run/%: $B/bench/bench_%.o $B/bench/bench.o
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $^ $(bench_libs_$*) $(LDLIBS) -o $@

$B/bench/run/%: $B/bench/bench_%.cc.o $B/bench/bench.o
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CXX) $(link_flags) $^ $(bench_libs_$*) $(LDLIBS) -o $@

.PHONY: bench bench-quick bench-instructions bench-count bench-programs
bench-programs: $(bench_programs)
bench: ## measure against what users would pick instead; results under build/bench
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --out build/bench $(BENCH) $(bench_programs)
bench-quick: ## the main rows only, in some seconds
	$qtools/setup --bench
	+$q$(again) bench-programs
	$qbench/bench.py --quick --out build/bench $(BENCH) $(bench_programs)
bench-instructions: ## count instructions instead, which other work on the machine does not change
	$qtools/setup --bench
	+$q$(again) bench-count VARIANT=count
bench-count: $(bench_programs)
	$qbench/bench.py --instructions --out build/bench/instructions $(BENCH) $(bench_programs)
