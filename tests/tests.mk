# SPDX-License-Identifier: MIT
# ---- tests ----
test_sources   := $(sort $(wildcard tests/test_*.c))
# Of the stress program, what has unit tests.
test_parts     := $B/stress/histogram.o $B/stress/linear.o
test_objects   := $(patsubst tests/%.c,$B/tests/%.o,tests/runner.c tests/support.c $(test_sources)) $(test_parts)
crit_objects   := $(patsubst tests/%.c,$B/criterion/%.o,tests/support.c $(test_sources)) $(test_parts)
bad_objects    := $(patsubst tests/%.c,$B/tests/%.o,tests/runner.c tests/support.c tests/selftest/bad.c)
badc_objects   := $(patsubst tests/%.c,$B/criterion/%.o,tests/support.c tests/selftest/bad.c)

# The suite is named after the file: tests/test_weak.c holds the suite `weak`.
$B/tests/%.o: tests/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(test_flags) -DTEST_SUITE=$(patsubst test_%,%,$(*F)) -c $< -o $@

$B/criterion/%.o: tests/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(test_flags) -DUSE_CRITERION -DTEST_SUITE=$(patsubst test_%,%,$(*F)) -c $< -o $@

$B/run/tests: $(test_objects) $(lib_objects) $B/sources
$B/selftest/tests: $(bad_objects) $B/sources
$B/run/tests $B/selftest/tests:
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $(filter %.o,$^) $(LDLIBS) -o $@

$B/run-criterion/tests: $(crit_objects) $(lib_objects) $B/sources
$B/selftest-criterion/tests: $(badc_objects) $B/sources
$B/run-criterion/tests $B/selftest-criterion/tests:
	$(call say,LD)
	@mkdir -p $(@D)
	$q$(CC) $(link_flags) $(filter %.o,$^) -lcriterion $(LDLIBS) -o $@

.PHONY: tests test test-criterion test-valgrind test-runner selftest-programs
tests: $B/run/tests ## build the tests in this combination

test: $B/run/tests ## run them in the in-process runner: `make test SAN=thread FILTER='S22*'`
	$qtools/run-tests $(EMULATOR:%=--emulator %) $< -j $(JOBS) $(FILTER:%='%')

test-criterion: $B/run-criterion/tests ## run them in Criterion
	$qtools/run-tests $< -j $(JOBS) $(if $(FILTER),--filter '$(FILTER)')

test-valgrind: $B/run/tests ## run them under valgrind
	$qtools/run-tests --valgrind $< -j $(JOBS) $(FILTER:%='%')

test-runner: ## see that deliberately bad tests are reported as bad, in every way tests are run
	+$qtests/selftest/run '$(again)'
selftest-programs: $B/selftest/tests $(if $(SAN),,$B/selftest-criterion/tests)

# ---- coverage ----
coverage_folders := $(foreach v,coverage coverage-wear coverage-pipe,build/$(notdir $(CC))-release-$v)
.PHONY: coverage
coverage: ## say which lines of the library no test runs, and whether that is explained (tests/coverage.txt)
	$qtools/setup --coverage
	$qfind $(wildcard $(coverage_folders)) -name '*.gcda' -delete 2>/dev/null || true
	+$q$(again) test VARIANT=coverage
	+$q$(again) test VARIANT=coverage-wear
	+$q$(again) test VARIANT=coverage-pipe FILTER='queue*'
	$qtools/coverage $(coverage_folders)
