# SPDX-License-Identifier: MIT
# weakrt: `make help` says what there is. Everything built goes under build/.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

# ---- what to build: all of these may be given on the command line ----
BUILD   ?= release#       release, or debug: -Og and -DWR_DEBUG
SAN     ?=#               sanitizers, as -fsanitize= takes them: thread, or address,undefined
VARIANT ?= plain#         a build-time variation of the library, from the table below
INLINE  ?=#               1: the test bodies use weakrt_inline.h
WERROR  ?=#               1: warnings are errors, as in CI
V       ?=#               1: show the commands
STRESS  ?=#               arguments of wr-stress, as `wr-stress --help` lists them
FILTER  ?=#               run only the tests whose suite/name or name matches this glob
JOBS    ?= $(shell nproc)

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(if $(findstring clang,$(CC)),$(subst clang,clang++,$(CC)),$(subst gcc,g++,$(CC)))
endif
OBJCOPY ?= objcopy
NM      ?= nm

prefix       ?= /usr/local
exec_prefix  ?= $(prefix)
includedir   ?= $(prefix)/include
libdir       ?= $(exec_prefix)/lib
pkgconfigdir ?= $(libdir)/pkgconfig
DESTDIR      ?=

# ---- variants: one line each. Name it here and VARIANT=name builds and tests it ----
variant_plain :=
variant_hook  := -DWR_HOOK
variant_stripe1 := -DWR_HOOK -DWR_STRIPES=1u
variant_wear  := -DWR_HOOK -DWR_TAG_START=0xffffff00u
variant_pipe  := -DWR_HOOK -DWR_NO_EVENTFD
variant_stress := -DWR_HOOK -DWR_COUNT_PATHS
variant_stress1 := -DWR_HOOK -DWR_COUNT_PATHS -DWR_STRIPES=1u

# ---- the stages of `make check`: one line each, a name and what to make. Each is a target too: check-NAME ----
comma := ,
stage = $(eval check_stages += $1)$(eval check_$1 := $2)
$(call stage,unit,test-criterion)
$(call stage,hook,test VARIANT=hook)
$(call stage,debug,test BUILD=debug)
$(call stage,inline,test INLINE=1)
$(call stage,wear,test VARIANT=wear)
$(call stage,pipe,test VARIANT=pipe FILTER='queue*')
$(call stage,stripe1,test VARIANT=stripe1)
$(call stage,tsan-stripe1,test SAN=thread VARIANT=stripe1)
$(call stage,tsan,test SAN=thread VARIANT=hook)
$(call stage,asan,test SAN=address$$(comma)undefined VARIANT=hook)
$(call stage,valgrind,test-valgrind)
$(call stage,examples,run-examples)
$(call stage,runner,test-runner)
$(call stage,model,model)

lint_stages := format tidy threads headers docs readme atomics paths text shell exports

# ---- the rest follows ----
BUILD   := $(strip $(BUILD))
SAN     := $(strip $(SAN))
VARIANT := $(strip $(VARIANT))
INLINE  := $(strip $(INLINE))
ifeq ($(filter $(BUILD),release debug),)
$(error BUILD=$(BUILD): say release or debug)
endif
ifeq ($(origin variant_$(VARIANT)),undefined)
$(error VARIANT=$(VARIANT): not in the table of the Makefile)
endif

space   := $(subst ,, )
version  = $(shell awk '$$2 == "WR_VERSION_$1" {print $$3}' include/weakrt.h)
MAJOR   := $(call version,MAJOR)
VERSION := $(MAJOR).$(call version,MINOR).$(call version,PATCH)
SONAME  := libweakrt.so.$(MAJOR)
SHARED  := libweakrt.so.$(VERSION)

# One folder for each combination, such as build/clang-debug-thread-hook.
B := build/$(subst $(space),,$(notdir $(CC)))-$(BUILD)$(SAN:%=-$(subst $(comma),+,$(SAN)))$(if $(filter-out \
     plain,$(VARIANT)),-$(VARIANT))$(INLINE:%=-inline)

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wpointer-arith \
            -Wformat=2 $(if $(filter 1,$(WERROR)),-Werror)
warnings_c := -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
optimize_release := -O2
optimize_debug   := -Og
# -gdwarf-4: valgrind 3.19 cannot read clang's DWARF 5.
common := $(optimize_$(BUILD)) -g -gdwarf-4 -pthread $(warnings) \
          $(SAN:%=-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
define_debug := -DWR_DEBUG
defines := $(variant_$(VARIANT)) $(define_$(BUILD))

cppflags   = -Iinclude $(defines) $(CPPFLAGS) -MMD -MP
lib_flags  = -std=c11 -Isrc -fPIC -fvisibility=hidden $(common) $(warnings_c) $(cppflags) $(CFLAGS)
test_flags = -std=c11 -D_GNU_SOURCE -Isrc -Itests $(common) $(warnings_c) $(INLINE:1=-DWR_TEST_INLINE) $(cppflags) $(CFLAGS)
user_flags = -std=c11 $(common) $(warnings_c) $(cppflags) $(CFLAGS)
cxx_flags  = -std=c++17 $(common) $(cppflags) $(CXXFLAGS)
link_flags = -pthread $(SAN:%=-fsanitize=$(SAN)) $(LDFLAGS)
# A sanitizer's own symbols come from the program, so a shared library of such a build has holes.
shared_flags := -shared -Wl,-soname,$(SONAME) -Wl,--version-script,src/weakrt.map -Wl,-z,nodelete -Wl,-z,relro \
                -Wl,-z,now $(if $(SAN),,-Wl,-z,defs)

lib_objects    := $(patsubst src/%.c,$B/src/%.o,$(sort $(wildcard src/*.c)))
test_sources   := $(sort $(wildcard tests/test_*.c))
test_objects   := $(patsubst tests/%.c,$B/tests/%.o,tests/runner.c tests/support.c $(test_sources))
crit_objects   := $(patsubst tests/%.c,$B/criterion/%.o,tests/support.c $(test_sources))
bad_objects    := $(patsubst tests/%.c,$B/tests/%.o,tests/runner.c tests/support.c tests/selftest/bad.c)
badc_objects   := $(patsubst tests/%.c,$B/criterion/%.o,tests/support.c tests/selftest/bad.c)
examples       := $(patsubst examples/%.c,$B/examples/%,$(sort $(wildcard examples/*.c)))
stress_objects := $(patsubst %.c,$B/%.o,$(sort $(wildcard stress/*.c)))
bench_objects  := $(patsubst %.c,$B/%.o,$(sort $(wildcard bench/*.c))) \
                  $(patsubst %.cc,$B/%.cc.o,$(sort $(wildcard bench/*.cc)))
STATIC_LIB     := $B/libweakrt.a
SHARED_LIB     := $B/$(SHARED)

q    := $(if $(filter 1,$(V)),,@)
say   = @$(if $(filter 1,$(V)),:,echo "  $1	$@")
# A sub-make for another combination; in parallel when the caller did not say.
again = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: all
all: $(STATIC_LIB) $(SHARED_LIB) ## build the static and the shared library

.PHONY: help
help: ## say what there is
	@echo 'Targets:'
	@awk -F ':.*## ' '/^[a-z][^ ]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo '  check-NAME         one stage of check: $(check_stages)'
	@echo '  lint-NAME          one stage of lint: $(lint_stages)'
	@echo 'Variables (with their defaults):'
	@sed -nE 's/^([A-Z]+) *\?= *([^#]*)# *(.*)/  \1=\2\t\3/p' $(firstword $(MAKEFILE_LIST)) | expand -t 21
	@echo '  CC, CXX, CPPFLAGS, CFLAGS, CXXFLAGS, LDFLAGS as usual: yours come after ours'
	@echo '  prefix, libdir, includedir, pkgconfigdir, DESTDIR for install'
	@echo 'Variants: $(patsubst variant_%,%,$(sort $(filter variant_%,$(.VARIABLES))))'

# ---- compiling: an object depends on the headers it read and on the command that made it ----
# $(call remember,file,text): the file changes only when the text does.
remember = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$1)' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$1)' >$@

.PHONY: FORCE
$B/flags: FORCE
	$(call remember,$(CC) $(lib_flags) / $(test_flags) / $(CXX) $(cxx_flags) / $(link_flags) $(LDLIBS) / $(bench_flags))
# A source that was removed must leave the library too.
$B/sources: FORCE
	$(call remember,$(lib_objects) $(test_objects) $(stress_objects) $(bench_objects))

$B/src/%.o: src/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(lib_flags) -c $< -o $@

# The suite is named after the file: tests/test_weak.c holds the suite `weak`.
$B/tests/%.o: tests/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(test_flags) -DTEST_SUITE=$(patsubst test_%,%,$(*F)) -c $< -o $@

$B/criterion/%.o: tests/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(test_flags) -DUSE_CRITERION -DTEST_SUITE=$(patsubst test_%,%,$(*F)) -c $< -o $@

$B/stress/%.o: stress/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE -Isrc -c $< -o $@

$B/bench/%.o: bench/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE $(bench_flags) -c $< -o $@

$B/bench/%.cc.o: bench/%.cc $B/flags
	$(call say,CXX)
	@mkdir -p $(@D)
	$q$(CXX) $(cxx_flags) $(bench_flags) -c $< -o $@

-include $(wildcard $B/model/*.d $B/src/*.d $B/tests/*.d $B/tests/*/*.d $B/criterion/*.d $B/criterion/*/*.d $B/examples/*.d \
                    $B/stress/*.d $B/bench/*.d)

# ---- the libraries ----
# One relocatable object with the hidden names made local, so that the archive too gives out wr_ names only.
$B/weakrt.o: $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(CFLAGS) $(LDFLAGS) -r -nostdlib $(if $(findstring -flto,$(CFLAGS)),-flinker-output=nolto-rel) \
	    $(lib_objects) -o $@
	$q$(OBJCOPY) --localize-hidden $@

# Sanitizer builds keep the objects apart: their sections do not survive being merged.
$(STATIC_LIB): $(if $(SAN),$(lib_objects),$B/weakrt.o) $B/sources
	$(call say,AR)
	@rm -f $@
	$q$(AR) rcs $@ $(filter %.o,$^)

$(SHARED_LIB): $(lib_objects) src/weakrt.map $B/sources
	$(call say,LD)
	$q$(CC) $(common) $(link_flags) $(shared_flags) $(lib_objects) $(LDLIBS) -o $@
	@ln -sf $(SHARED) $B/$(SONAME)
	@ln -sf $(SONAME) $B/libweakrt.so

# ---- tests ----
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

.PHONY: tests test test-criterion test-valgrind test-runner selftest-programs where
tests: $B/run/tests ## build the tests in this combination

test: $B/run/tests ## run them in the in-process runner: `make test SAN=thread FILTER='S22*'`
	$qtools/run-tests $< -j $(JOBS) $(if $(FILTER),'$(FILTER)')

test-criterion: $B/run-criterion/tests ## run them in Criterion
	$qtools/run-tests $< -j $(JOBS) $(if $(FILTER),--filter '$(FILTER)')

test-valgrind: $B/run/tests ## run them under valgrind
	$qtools/run-tests --valgrind $< -j $(JOBS) $(if $(FILTER),'$(FILTER)')

test-runner: ## see that deliberately bad tests are reported as bad, in every way tests are run
	+$qtests/selftest/run '$(again)'
selftest-programs: $B/selftest/tests $(if $(SAN),,$B/selftest-criterion/tests)
where:
	@echo $B

# ---- models: the library's own source on the atomics, locks and pages of the checker in tests/model ----
# What the checker has in place of: its neighbours.c says how.
model_without := alloc atomic fork os poison
model_sources := $(filter-out $(model_without:%=src/%.c),$(sort $(wildcard src/*.c))) \
                 $(sort $(wildcard tests/model/*.c))
model_objects := $(patsubst %.c,$B/model/%.o,$(notdir $(model_sources)))
# _GNU_SOURCE without a value: files of the library define it so themselves.
model_flags    = -std=c11 -D_GNU_SOURCE= -Isrc -Itests/model -include tests/model/model_core.h -O2 -g $(warnings) \
                 $(warnings_c) -Iinclude $(CPPFLAGS) -MMD -MP $(CFLAGS)
# The library's lock under other names: it is a model's subject, and its work is the checker's.
$B/model/lock.o: model_flags += -Dlock_take=real_lock_take -Dlock_give=real_lock_give

$B/model/flags: FORCE
	$(call remember,$(CC) $(model_flags) / $(model_objects))

$B/model/%.o: src/%.c $B/model/flags
	$(call say,CC)
	$q$(CC) $(model_flags) -c $< -o $@

$B/model/%.o: tests/model/%.c $B/model/flags
	$(call say,CC)
	$q$(CC) $(model_flags) -c $< -o $@

$B/wr-model: $(model_objects)
	$(call say,LD)
	$q$(CC) $(LDFLAGS) $^ -o $@

MODEL ?= *#               run only the models whose name matches this glob
.PHONY: model model-long model-program model-sabotage
model-program: $B/wr-model
model: $B/wr-model ## explore the models: litmus tests, and the library's protocols under C11's memory model
	$q$< --model '$(MODEL)'
model-long: $B/wr-model ## the same within wider bounds, and at random
	$q$< --long --model '$(MODEL)'
	$q$< --random 100000 --model '$(MODEL)'
model-sabotage: ## break the library in each way that a model must find
	$qtests/model/sabotage --jobs $(JOBS)

# ---- examples: each file is a program, linked as a user links it, and with what its line `link: ...` says. FILE.out,
# if there, is what it must print ----
$B/examples/%: examples/%.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) $(link_flags) $< $(STATIC_LIB) \
	    $(shell sed -nE 's|^/\* link: (.*) \*/$$|\1|p' $<) $(LDLIBS) -o $@

.PHONY: examples run-examples
examples: $(examples) ## build the examples
run-examples: $(examples) ## build and run them
	$qtools/run-examples $(examples)

# ---- stress and benchmarks ----
bench_flags ?=
bench_libs  ?=
# Scenarios over io_uring leave themselves out where its library is not there.
stress_libs = $(shell echo '\#include <liburing.h>' | $(CC) -E - >/dev/null 2>&1 && echo -luring)
$B/wr-stress: $(stress_objects) $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(link_flags) $(filter %.o,$^) $(stress_libs) $(LDLIBS) -o $@

$B/wr-bench: $(bench_objects) $(STATIC_LIB) $B/sources
	$(call say,LD)
	$q$(CXX) $(link_flags) $(bench_objects) $(STATIC_LIB) $(bench_libs) $(LDLIBS) -o $@

.PHONY: stress stress-raw stress-short stress-program stress-run stress-raw-run
stress: ## run every stress scenario for a few seconds: `make stress SAN=thread STRESS='--scenario churn'`
	$qtools/setup --stress
	+$q$(again) stress-run VARIANT=stress
stress-raw: ## see that the race on events is real: raw pointers lose it, says AddressSanitizer
	$qtools/setup --stress
	+$q$(again) stress-raw-run VARIANT=stress SAN=address
# Those in which objects meet on a stripe, which one stripe makes of all.
registry_scenarios := $(addprefix --scenario ,callbacks shared_refs cancel_storm proxies clear)
stress-short: ## one second of each scenario, plain and under ThreadSanitizer, and stress-raw
	$qtools/setup --stress
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 1'
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 1' SAN=thread
	+$q$(again) stress-run VARIANT=stress1 STRESS='--seconds 1 $(registry_scenarios)' SAN=thread
	+$q$(again) stress-raw-run VARIANT=stress SAN=address
stress-program: $B/wr-stress
stress-run: $B/wr-stress
	$q$< $(STRESS)
stress-raw-run: $B/wr-stress
	$qtools/stress-raw $<
ifneq ($(strip $(bench_objects)),)
.PHONY: bench
bench: $B/wr-bench ## build the benchmark program
endif

# ---- breaking the library: does each breakage of tools/sabotage.list make a check fail? ----
.PHONY: sabotage sabotage-short
sabotage: ## all breakages
	$qtools/sabotage --jobs $(JOBS)
sabotage-short: ## some of each kind
	$qtools/sabotage --short --jobs $(JOBS)

# ---- checking ----
.PHONY: setup check lint $(check_stages:%=check-%) $(lint_stages:%=lint-%)
setup: ## install the Debian packages that check needs, if any is missing
	$qtools/setup

check: ## install what is missing, then run every stage of tests
	$qtools/setup
	+$qtools/stages $(foreach s,$(check_stages),'$s=$(again) check-$s')

lint: ## format, static analysis, lock rules, headers, documentation, shown examples, atomics, exports
	$qtools/setup
	+$qtools/stages $(foreach s,$(lint_stages),'$s=$(again) lint-$s')

$(check_stages:%=check-%): check-%:
	+$q$(again) $(check_$*)

c_files   = $(sort $(wildcard include/*.h src/*.[ch] tests/*.[ch] tests/*/*.[ch] tests/*/*.cc examples/*.[ch] \
                   stress/*.[ch] bench/*.[ch] bench/*.cc))
thread_args = -fsyntax-only -Wthread-safety -Wthread-safety-beta -Werror $(tidy_args)
tidy_args = -std=c11 -Iinclude -Isrc

.PHONY: format
format: ## lay out every source file as lint-format wants it
	$qclang-format -i $(c_files)
lint-format:
	$qclang-format --dry-run -Werror $(c_files)
lint-tidy:
	$qprintf '%s\n' $(wildcard src/*.c examples/*.c) | \
	    xargs -P $(JOBS) -I {} clang-tidy --quiet --warnings-as-errors='*' {} -- $(tidy_args)
lint-threads:
	$qclang $(thread_args) $(wildcard src/*.c)
	$qclang $(thread_args) $(define_debug) $(variant_hook) $(wildcard src/*.c)
lint-headers:
	$qtools/lint-headers $(wildcard include/*.h)
lint-docs:
	$qtools/lint-docs include/weakrt.h
lint-readme:
	$qtools/lint-readme
lint-atomics:
	$qtools/lint-atomics
lint-paths:
	$qtools/lint-paths
lint-text:
	$qtools/lint-text
lint-shell:
	$qgrep -lE '^#!.*\b(ba)?sh$$' -r .ci tools tests | xargs shellcheck
lint-exports: $(STATIC_LIB) $(SHARED_LIB)
	$qtools/lint-exports $^

# ---- install ----
# The .pc is made here, from the prefix of this very command.
from_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$1)
define pc_file
prefix=$(prefix)
includedir=$(call from_prefix,$(includedir))
libdir=$(call from_prefix,$(libdir))

Name: weakrt
Description: Concurrent weak references for C
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lweakrt
Libs.private: -pthread
endef

.PHONY: install uninstall installcheck clean
install: all ## install under prefix=, staged below DESTDIR= if given
	install -d '$(DESTDIR)$(includedir)' '$(DESTDIR)$(libdir)' '$(DESTDIR)$(pkgconfigdir)'
	install -m 644 $(wildcard include/*.h) '$(DESTDIR)$(includedir)'
	install -m 644 $(STATIC_LIB) '$(DESTDIR)$(libdir)'
	install -m 755 $(SHARED_LIB) '$(DESTDIR)$(libdir)'
	ln -sf $(SHARED) '$(DESTDIR)$(libdir)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(libdir)/libweakrt.so'
	$(file >$B/weakrt.pc,$(pc_file))
	install -m 644 $B/weakrt.pc '$(DESTDIR)$(pkgconfigdir)'

uninstall: ## remove what install put there
	cd '$(DESTDIR)$(includedir)' && rm -f $(notdir $(wildcard include/*.h))
	cd '$(DESTDIR)$(libdir)' && rm -f libweakrt.a libweakrt.so $(SONAME) $(SHARED)
	rm -f '$(DESTDIR)$(pkgconfigdir)/weakrt.pc'

installcheck: all ## install to build/stage; build and run a stranger's programs against it
	+$qtests/install/run '$(again)' '$(CC)' '$(CXX)' '$(SONAME)' '$(VERSION)'

clean: ## remove build/
	rm -rf build
