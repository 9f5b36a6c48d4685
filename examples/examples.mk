# SPDX-License-Identifier: MIT
# ---- examples: each file is a program, linked as a user links it, and with what its line `link: ...` says. FILE.out,
# if there, is what it must print ----
examples       := $(patsubst examples/%.c,$B/examples/%,$(sort $(wildcard examples/*.c)))

$B/examples/%: examples/%.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) $(link_flags) $< $(STATIC_LIB) \
	    $(shell sed -nE 's|^/\* link: (.*) \*/$$|\1|p' $<) $(LDLIBS) -o $@

.PHONY: examples run-examples
examples: $(examples) ## build the examples
run-examples: $(examples) ## build and run them
	$qtools/run-examples $(examples)
