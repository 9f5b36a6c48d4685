# SPDX-License-Identifier: MIT
# ---- other C libraries and processors, in the in-process runner: Criterion is packaged for none of them ----
.PHONY: check-musl check-aarch64 check-32bit
check-musl: ## the tests with musl in place of glibc
	$qtools/setup --ports
	+$q$(again) all test CC=musl-gcc
# An emulator shows what the code does, not how a weaker memory orders it: that is for the models.
check-aarch64: ## the tests on aarch64, emulated
	$qtools/setup --ports
	+$qQEMU_LD_PREFIX=/usr/aarch64-linux-gnu $(again) all test CC=aarch64-linux-gnu-gcc VARIANT=small \
	    EMULATOR=qemu-aarch64
# With a cross compiler, since gcc-multilib and that of aarch64 exclude each other; the processor runs both. Not those
# examples that link other libraries, which are here for 64 bits.
check-32bit: ## the tests and examples on x86 of 32 bits
	$qtools/setup --ports
	+$q$(again) all test run-examples CC=i686-linux-gnu-gcc VARIANT=hook \
	    example_sources="$$(grep -L '^/\* link' examples/*.c | xargs)"
