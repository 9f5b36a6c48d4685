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
BENCH   ?=#               options of bench/bench.py: `make bench BENCH='--only get_*'`
STRESS  ?=#               arguments of wr-stress, as `wr-stress --help` lists them
EMULATOR ?=#              what runs programs built for another processor: qemu-aarch64
FILTER  ?=#               run only the tests whose suite/name or name matches this glob
JOBS    ?= $(shell nproc)

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(if $(findstring clang,$(CC)),$(subst clang,clang++,$(CC)),$(subst gcc,g++,$(CC)))
endif
# Of the compiler's own target: a cross compiler has its own.
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
NM      ?= nm

prefix       ?= /usr/local
exec_prefix  ?= $(prefix)
includedir   ?= $(prefix)/include
libdir       ?= $(exec_prefix)/lib
pkgconfigdir ?= $(libdir)/pkgconfig
mandir       ?= $(prefix)/share/man
DESTDIR      ?=

# ---- variants: one line each. Name it here and VARIANT=name builds and tests it ----
variant_plain :=
variant_hook  := -DWR_HOOK
variant_stripe1 := -DWR_HOOK -DWR_STRIPES=1u
variant_wear  := -DWR_HOOK -DWR_TAG_START=0xffffff00u
variant_bare  := -DWR_HOOK -DWR_NO_EVENTFD -DWR_NO_BACKTRACE
variant_stress := -DWR_HOOK -DWR_COUNT_PATHS
variant_stress1 := -DWR_HOOK -DWR_COUNT_PATHS -DWR_STRIPES=1u
variant_stress-tiny := -DWR_HOOK -DWR_COUNT_PATHS -DWR_BATCH_SLOTS=2u
# For emulators, which take long to reserve as much as processors do.
variant_small := -DWR_HOOK -DWR_RESERVE_CHUNKS=128u
# For make coverage: as hook, wear, and without eventfd. (Without backtraces functions are on other lines, which gcovr
# cannot merge.)
variant_coverage := -DWR_HOOK -DTEST_COVERAGE
variant_coverage-wear := $(variant_wear) -DTEST_COVERAGE
variant_coverage-pipe := -DWR_HOOK -DWR_NO_EVENTFD -DTEST_COVERAGE
coverage := $(if $(filter coverage%,$(VARIANT)),--coverage -fprofile-update=atomic)
coverage_link = $(if $(coverage),--coverage -Wl$(comma)--wrap=abort -Wl$(comma)--wrap=_exit)
# For instruction counts: what the library tells valgrind of each object is left out.
variant_count := -DNVALGRIND

# ---- the stages of `make check`: one line each, a name and what to make. Each is a target too: check-NAME ----
comma := ,
stage = $(eval check_stages += $1)$(eval check_$1 := $2)
$(call stage,unit,test-criterion)
$(call stage,hook,test VARIANT=hook)
$(call stage,debug,test BUILD=debug)
$(call stage,inline,test INLINE=1)
$(call stage,wear,test VARIANT=wear)
$(call stage,bare,test VARIANT=bare FILTER='queue* holders*')
$(call stage,stripe1,test VARIANT=stripe1)
$(call stage,tsan-stripe1,test SAN=thread VARIANT=stripe1)
$(call stage,tsan,test SAN=thread VARIANT=hook)
$(call stage,asan,test SAN=address$$(comma)undefined VARIANT=hook)
$(call stage,valgrind,test-valgrind)
$(call stage,examples,run-examples)
$(call stage,broker,test-broker-all)
$(call stage,debugging,test-debugging)
$(call stage,runner,test-runner)
$(call stage,model,model)
$(call stage,fuzz,fuzz-short)
$(call stage,cxx,test-cxx)
$(call stage,cxx-tsan,test-cxx SAN=thread VARIANT=hook CXX_STDS=17)
$(call stage,cxx-asan,test-cxx SAN=address$$(comma)undefined VARIANT=hook CXX_STDS=20)
$(call stage,amalgamation,test-amalgamation)

lint_stages := format tidy threads headers docs man readme guarantees atomics paths sabotage text shell exports ci changes

# ---- what the rest is made of ----
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
MINOR   := $(call version,MINOR)
VERSION := $(MAJOR).$(MINOR).$(call version,PATCH)
# Until 1.0 a minor version may change the interface, so the soname carries it: libweakrt.so.0.9.
SONAME  := libweakrt.so.$(if $(filter 0,$(MAJOR)),0.$(MINOR),$(MAJOR))
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
optimize := $(if $(coverage),-O0,$(optimize_$(BUILD)))
# Half of what checking takes is compiling tests. With the library's hot path in them they are compiled as users' files.
optimize_tests := $(if $(INLINE),$(optimize),$(optimize:-O2=-O1))
common := $(optimize) -g -gdwarf-4 -pthread $(warnings) $(coverage) \
          $(SAN:%=-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
define_debug := -DWR_DEBUG
defines := $(variant_$(VARIANT)) $(define_$(BUILD))

cppflags   = -Iinclude $(defines) $(CPPFLAGS) -MMD -MP
# Paths of this machine do not go into the library.
here       = $(if $(coverage),,-ffile-prefix-map='$(CURDIR)'=.)
lib_flags  = -std=c11 -Isrc -fPIC -fvisibility=hidden $(here) $(common) $(warnings_c) $(cppflags) $(CFLAGS)
test_flags = -std=c11 -D_GNU_SOURCE -Isrc -Itests $(common) $(optimize_tests) $(warnings_c) $(INLINE:1=-DWR_TEST_INLINE) $(cppflags) $(CFLAGS)
user_flags = -std=c11 $(common) $(warnings_c) $(cppflags) $(CFLAGS)
cxx_flags  = -std=c++17 $(common) $(cppflags) $(CXXFLAGS)
link_flags = -pthread $(coverage_link) $(SAN:%=-fsanitize=$(SAN)) $(LDFLAGS)
# A sanitizer's own symbols come from the program, so a shared library of such a build has holes.
shared_flags := -shared -Wl,-soname,$(SONAME) -Wl,--version-script,src/weakrt.map -Wl,-z,nodelete -Wl,-z,relro \
                -Wl,-z,now $(if $(SAN),,-Wl,-z,defs)

lib_objects    := $(patsubst src/%.c,$B/src/%.o,$(sort $(wildcard src/*.c)))
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
	@awk -F ':.*## ' '/^[a-z][^ ]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(filter Makefile %.mk,$(MAKEFILE_LIST))
	@echo '  check-NAME         one stage of check: $(check_stages)'
	@echo '  lint-NAME          one stage of lint: $(lint_stages)'
	@echo 'Variables (with their defaults):'
	@sed -nE 's/^([A-Z]+) *\?= *([^#]*)# *(.*)/  \1=\2\t\3/p' $(firstword $(MAKEFILE_LIST)) | expand -t 21
	@echo '  CC, CXX, CPPFLAGS, CFLAGS, CXXFLAGS, LDFLAGS as usual: yours come after ours'
	@echo '  prefix, libdir, includedir, pkgconfigdir, mandir, DESTDIR for install'
	@echo 'Variants: $(patsubst variant_%,%,$(sort $(filter variant_%,$(.VARIABLES))))'

# For scripts: the folder of this combination.
.PHONY: where
where:
	@echo $B

# ---- compiling: an object depends on the headers it read and on the command that made it ----
# $(call remember,file,text): the file changes only when the text does.
remember = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$1)' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$1)' >$@

.PHONY: FORCE
$B/flags: FORCE
	$(call remember,$(CC) $(lib_flags) / $(test_flags) / $(CXX) $(cxx_flags) / $(link_flags) $(LDLIBS))
# A source that was removed must leave the library too.
$B/sources: FORCE
	$(call remember,$(lib_objects) $(test_objects) $(stress_objects))

$B/src/%.o: src/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(lib_flags) -c $< -o $@

-include $(wildcard $B/model/*.d $B/src/*.d $B/tests/*.d $B/tests/*/*.d $B/criterion/*.d $B/criterion/*/*.d $B/examples/*.d $B/examples/*/*.d \
                    $B/stress/*.d $B/bench/*.d)

# ---- the libraries ----
# One relocatable object with the hidden names made local, so that the archive too gives out wr_ names only. Of groups a
# program keeps one, whoever brings it, and so their names stay: the base of probes, and code of gcc on 32-bit x86.
grouped := _.stapsdt.base __x86.get_pc_thunk.*
$B/weakrt.o: $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(CFLAGS) $(LDFLAGS) -r -nostdlib $(if $(findstring -flto,$(CFLAGS)),-flinker-output=nolto-rel) \
	    $(lib_objects) -o $@
	$q$(OBJCOPY) --localize-hidden $@
	$q$(OBJCOPY) --wildcard $(grouped:%=--globalize-symbol='%') $@

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

# ---- breaking the library: does each breakage of tools/sabotage*.list make a check fail? ----
.PHONY: sabotage sabotage-short
sabotage: ## all breakages, of which each must be found by the check that is named for it
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

lint: ## format, static analysis, lock rules, headers, documentation, manual, examples shown, atomics, exports, sabotage, CI's file
	$qtools/setup
	+$qtools/stages $(foreach s,$(lint_stages),'$s=$(again) lint-$s')

$(check_stages:%=check-%): check-%:
	+$q$(again) $(check_$*)

.PHONY: clean
clean: ## remove build/
	rm -rf build

# ---- the rest stands beside what it is about ----
include $(sort $(wildcard */*.mk */*/*.mk))
