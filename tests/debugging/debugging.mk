# SPDX-License-Identifier: MIT
# ---- what is used from outside the program: the environment, gdb, probes, LeakSanitizer ----
.PHONY: test-debugging
$B/debugging/subject: tests/debugging/subject.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -O0 $(link_flags) $< $(STATIC_LIB) $(LDLIBS) -o $@

$B/debugging/leaks: tests/debugging/leaks.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) $(link_flags) -fsanitize=address $< $(STATIC_LIB) $(LDLIBS) -o $@

test-debugging: $B/debugging/subject $B/debugging/leaks ## switches by the environment, gdb on a process and on a core file, probes, LeakSanitizer
	$qtests/debugging/run $^
