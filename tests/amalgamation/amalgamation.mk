# SPDX-License-Identifier: MIT
# ---- the library as two files ----
AMALGAMATION := build/amalgamation

.PHONY: amalgamation test-amalgamation
amalgamation: ## write the library as two files to build/amalgamation: weakrt.c and weakrt.h
	$(call say,GEN)
	$qtools/amalgamate $(AMALGAMATION)

test-amalgamation: amalgamation ## compile these alone, and run examples and tests with them
	$qtests/amalgamation/run $(AMALGAMATION) $(JOBS)
