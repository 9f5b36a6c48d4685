# SPDX-License-Identifier: MIT
# ---- tests of weakrt.hpp, in each C++ of CXX_STDS ----
CXX_STDS    ?= 17 20
cxx_sources := $(sort $(wildcard tests/cxx/*.cc))
cxx_programs = $(CXX_STDS:%=$B/cxx%/run/tests)

define cxx_rules
$B/cxx$1/%.o: tests/cxx/%.cc $B/flags
	$$(call say,CXX)
	@mkdir -p $$(@D)
	$$q$$(CXX) $$(cxx_flags) -std=c++$1 -Werror -c $$< -o $$@

$B/cxx$1/run/tests: $$(cxx_sources:tests/cxx/%.cc=$B/cxx$1/%.o) $$(STATIC_LIB)
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$q$$(CXX) $$(link_flags) $$^ $$(LDLIBS) -o $$@

-include $$(wildcard $B/cxx$1/*.d)
endef
$(foreach std,$(CXX_STDS),$(eval $(call cxx_rules,$(std))))

.PHONY: test-cxx
test-cxx: $(cxx_programs) ## run the tests of weakrt.hpp
	+$qtools/stages $(foreach s,$(CXX_STDS),'c++$s=tools/run-tests $B/cxx$s/run/tests')
