# SPDX-License-Identifier: MIT
# ---- lint: one target for each of lint_stages ----
c_files   = $(sort $(wildcard include/*.h include/*.hpp src/*.[ch] tests/*.[ch] tests/*/*.[ch] tests/*/*.cc tests/*/*.hpp examples/*.[ch] examples/*/*.[ch] \
                   stress/*.[ch] bench/*.[ch] bench/*.cc))
thread_args = -fsyntax-only -Wthread-safety -Wthread-safety-beta -Werror $(tidy_args)
tidy_args = -std=c11 -Iinclude -Isrc

.PHONY: format
format: ## lay out every source file as lint-format wants it
	$qclang-format -i $(c_files)
lint-format:
	$qclang-format --dry-run -Werror $(c_files)
lint-tidy:
	$qprintf '%s\n' $(wildcard src/*.c examples/*.c) | xargs -P $(JOBS) -I {} tools/lint-tidy {} $(tidy_args)
	$qprintf '%s\n' $(wildcard examples/*/*.c) | xargs -P $(JOBS) -I {} tools/lint-tidy {} $(tidy_args) -D_GNU_SOURCE
lint-threads:
	$qclang $(thread_args) $(wildcard src/*.c)
	$qclang $(thread_args) $(define_debug) $(variant_hook) $(wildcard src/*.c)
lint-headers:
	$qtools/lint-headers $(wildcard include/*.h include/*.hpp)
lint-docs:
	$qtools/lint-docs include/weakrt.h
	$qtools/calls --check
lint-man: man $(SHARED_LIB)
	$qtools/lint-man build/man $(SHARED_LIB)
lint-readme:
	$qtools/lint-readme
lint-guarantees:
	$qtools/lint-guarantees
lint-atomics:
	$qtools/lint-atomics
lint-paths:
	$qtools/lint-paths
lint-sabotage:
	$qtools/sabotage --fit
	$qtools/lint-sabotage
lint-ci:
	$qtools/lint-ci
lint-changes:
	$qtools/lint-changes
lint-text:
	$qtools/lint-text
lint-shell:
	$qgrep -lE '^#!.*\b(ba)?sh$$' -r .ci tools tests | xargs shellcheck
lint-exports: $(STATIC_LIB) $(SHARED_LIB)
	$qtools/lint-exports $^
