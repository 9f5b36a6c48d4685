# SPDX-License-Identifier: MIT
# ---- fuzz: sequences of calls, checked against a model ----
FUZZ_SECONDS ?= 60
FUZZ         ?= tests/fuzz/corpus
fuzz_objects := $(patsubst tests/%.c,$B/tests/%.o,$(sort $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))))
# libFuzzer finds its way by the branches of the library and of the model.
fuzz_build   := CC=clang SAN=fuzzer-no-link,address,undefined
asan_build   := SAN=address,undefined VARIANT=hook
fuzz_options := -max_len=512 -timeout=20 -len_control=0 -reload=0 -artifact_prefix=build/fuzz/

$B/fuzz-replay: $(fuzz_objects) $B/tests/fuzz/replay.o $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(link_flags) $(filter %.o,$^) $(LDLIBS) -o $@

$B/fuzz: $(fuzz_objects) $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(link_flags) -fsanitize=fuzzer $(filter %.o,$^) $(LDLIBS) -o $@

.PHONY: fuzz-program fuzz fuzz-short fuzz-replay fuzz-replay-run fuzz-corpus fuzz-corpus-run fuzz-run fuzz-short-run
fuzz-program: $B/fuzz-replay
fuzz: ## look for sequences of calls that contradict the model, for FUZZ_SECONDS=60
	+$q$(again) fuzz-run $(fuzz_build)
fuzz-run: $B/fuzz
	@mkdir -p build/fuzz/found
	$q$< $(fuzz_options) -max_total_time=$(FUZZ_SECONDS) build/fuzz/found tests/fuzz/corpus

fuzz-short: ## replay the corpus under AddressSanitizer, then look for 20 seconds
	+$q$(again) fuzz-replay FUZZ=tests/fuzz/corpus
	+$q$(again) fuzz-short-run $(fuzz_build)
fuzz-short-run: $B/fuzz
	@rm -rf build/fuzz/short && mkdir -p build/fuzz/short
	$q$< $(fuzz_options) -seed=1 -max_total_time=20 build/fuzz/short tests/fuzz/corpus

fuzz-replay: ## repeat a sequence, or make some: FUZZ=FILE, FUZZ='--random 5000'
	+$q$(again) fuzz-replay-run $(asan_build)
fuzz-replay-run: $B/fuzz-replay
	$q$< $(FUZZ)

fuzz-corpus: ## make the corpus anew of what was found, as small as it goes
	+$q$(again) fuzz-corpus-run $(fuzz_build)
fuzz-corpus-run: $B/fuzz
	@mkdir -p build/fuzz/found
	@rm -rf build/fuzz/merged && mkdir -p build/fuzz/merged
	$q$< $(fuzz_options) -merge=1 -use_counters=0 build/fuzz/merged tests/fuzz/corpus build/fuzz/found
	@rm -rf tests/fuzz/corpus && mv build/fuzz/merged tests/fuzz/corpus
