# SPDX-License-Identifier: MIT
# ---- what is used from outside the program: the environment, gdb, probes ----
.PHONY: test-debugging
$B/debugging/subject: tests/debugging/subject.c $(STATIC_LIB) $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -O0 $(link_flags) $< $(STATIC_LIB) $(LDLIBS) -o $@

test-debugging: $B/debugging/subject ## switches by the environment, and gdb on a process and on a core file
	$qtests/debugging/run $<
