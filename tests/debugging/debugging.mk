# SPDX-License-Identifier: MIT
# ---- what is used from outside the program: the environment, gdb, probes, LeakSanitizer ----
.PHONY: test-debugging
$B/debugging/subject $B/debugging/odd: $B/debugging/%: tests/debugging/%.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -O0 $(link_flags) $< $(STATIC_LIB) $(LDLIBS) -o $@

$B/debugging/leaks: tests/debugging/leaks.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) $(link_flags) -fsanitize=address $< $(STATIC_LIB) $(LDLIBS) -o $@

test-debugging: $(addprefix $B/debugging/,subject leaks odd) ## switches by the environment, gdb on a process and on a core file, probes, what programs read
	$qtests/debugging/run $^
