# SPDX-License-Identifier: MIT
# ---- the broker: a Redis-protocol server on libuv; HOLD is how it holds a connection, hold_$(HOLD).c ----
HOLD ?= weakrt
broker_holds  := weakrt table lock raw
broker_common := $(filter-out examples/broker/hold_%,$(sort $(wildcard examples/broker/*.c)))
broker_program = $B/examples/broker/broker-$1

$B/examples/broker/%.o: examples/broker/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE -c $< -o $@

$(patsubst %,$(call broker_program,%),$(filter-out weakrt,$(broker_holds))): $B/examples/broker/hold_grave.o

$B/examples/broker/broker-%: $(broker_common:%.c=$B/%.o) $B/examples/broker/hold_%.o $(STATIC_LIB)
	$(call say,LD)
	$q$(CC) $(link_flags) $^ -luv $(LDLIBS) -o $@

.PHONY: broker brokers test-broker test-broker-all broker-soak broker-demo
broker: $(call broker_program,$(HOLD)) ## build the broker of examples/broker
brokers: $(foreach h,$(broker_holds),$(call broker_program,$h)) ## build it with each way to hold a connection
test-broker: $(call broker_program,$(HOLD)) ## its tests, in this combination
	$qexamples/broker/run-tests $(BROKER_TESTS) $<
# As in check-tsan and check-asan, whose libraries are built already.
test-broker-all: ## its tests, plain and with ThreadSanitizer and AddressSanitizer, of the three ways that are right
	+$q$(again) test-broker
	+$q$(again) test-broker SAN=thread VARIANT=hook
	+$q$(again) test-broker SAN=address$(comma)undefined VARIANT=hook
	+$q$(again) test-broker HOLD=table SAN=thread VARIANT=hook
	+$q$(again) test-broker HOLD=table SAN=address$(comma)undefined VARIANT=hook
	+$q$(again) test-broker HOLD=lock SAN=thread VARIANT=hook
	+$q$(again) test-broker HOLD=lock SAN=address$(comma)undefined VARIANT=hook
broker-soak: ## the same, for minutes
	$qtools/setup --broker
	+$q$(again) test-broker BROKER_TESTS=--soak
	+$q$(again) test-broker BROKER_TESTS=--soak SAN=thread VARIANT=hook
	+$q$(again) test-broker BROKER_TESTS=--soak SAN=address$(comma)undefined VARIANT=hook
broker-demo: ## drive the broker with each way to hold a connection, and redis-server, and print one table: DEMO='--seconds 6'
	$qtools/setup --broker
	+$q$(again) brokers
	+$q$(again) brokers SAN=address$(comma)undefined VARIANT=hook
	+$q$(again) brokers SAN=thread VARIANT=hook
	$qexamples/broker/demo $(DEMO) $(addsuffix /examples/broker,$(shell $(MAKE) -s where) \
	    $(shell $(MAKE) -s where SAN=address$(comma)undefined VARIANT=hook) \
	    $(shell $(MAKE) -s where SAN=thread VARIANT=hook))
