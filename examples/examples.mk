# SPDX-License-Identifier: MIT
# ---- examples: each file is a program, linked as a user links it, and with what its line `link: ...` says, or, if the
# compiler finds HEADER, `link if HEADER: ...`. FILE.out, if there, is what it must print. One that cannot run exits
# with 77, after a line to stderr that says why ----
example_sources := $(sort $(wildcard examples/*.c))
examples        := $(patsubst examples/%.c,$B/examples/%,$(example_sources))

link_if = $(shell sed -nE 's|^/\* link if (.*): (.*) \*/$$|\1 \2|p' $< | while read -r header libs; do \
              $(CC) -E -include $$header -x c /dev/null >/dev/null 2>&1 && echo $$libs; done)

$B/examples/%: examples/%.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) $(link_flags) $< $(STATIC_LIB) \
	    $(shell sed -nE 's|^/\* link: (.*) \*/$$|\1|p' $<) $(link_if) $(LDLIBS) -o $@

.PHONY: examples run-examples
examples: $(examples) ## build the examples
run-examples: $(examples) ## build and run them
	$qtools/run-examples $(examples)

.PHONY: cycles-svg
cycles-svg: $B/examples/cycle ## draw the circle of examples/cycle.c as SVG, if graphviz is there
	$q$< graph | tools/cycles-svg >$B/examples/cycle.svg
	$qif [ -s $B/examples/cycle.svg ]; then grep -q 'stroke="red"' $B/examples/cycle.svg && echo $B/examples/cycle.svg; fi
