# SPDX-License-Identifier: MIT
# ---- stress ----
stress_objects := $(patsubst %.c,$B/%.o,$(sort $(wildcard stress/*.c)))

$B/stress/%.o: stress/%.c $B/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$q$(CC) $(user_flags) -D_GNU_SOURCE -Isrc -c $< -o $@

# Scenarios over io_uring leave themselves out where its library is not there.
stress_libs = $(shell $(CC) -E -include liburing.h -x c /dev/null >/dev/null 2>&1 && echo -luring)
$B/wr-stress: $(stress_objects) $(lib_objects) $B/sources
	$(call say,LD)
	$q$(CC) $(link_flags) $(filter %.o,$^) $(stress_libs) $(LDLIBS) -o $@

.PHONY: stress-check stress-check-run
stress-check: ## see that wr-stress tells a planted violation as it should
	+$q$(again) stress-check-run VARIANT=stress
stress-check-run: $B/wr-stress
	$qtools/stress-check $<

$B/stress/report.o: stress/report.html

.PHONY: stress-page stress-page-run
stress-page: ## see that a browser draws the page of wr-stress --html, if there is one
	+$q$(again) stress-page-run VARIANT=stress
stress-page-run: $B/wr-stress
	$qtools/stress-page $<

# A build for stress runs: another one by VARIANT=stress1 or VARIANT=stress-tiny.
stress_variant = $(if $(filter stress%,$(VARIANT)),$(VARIANT),stress)

.PHONY: stress stress-raw stress-short stress-program stress-run stress-raw-run
stress: ## run every stress scenario for a few seconds: `make stress SAN=thread STRESS='--scenario churn'`
	$qtools/setup --stress
	+$q$(again) stress-run VARIANT=$(stress_variant)
HOURS ?= 1
.PHONY: soak soak-run
soak: ## stress runs with every perturbation in turns: `make soak HOURS=8`; again, and it goes on where it was
	$qtools/setup --stress
	+$q$(again) soak-run VARIANT=$(stress_variant)
soak-run: $B/wr-stress
	$q$< --soak $(HOURS) --seeds $B/soak.seeds $(STRESS)
stress-raw: ## see that the race on events is real: raw pointers lose it, says AddressSanitizer
	$qtools/setup --stress
	+$q$(again) stress-raw-run VARIANT=stress SAN=address
# Those in which objects meet on a stripe, which one stripe makes of all.
registry_scenarios := $(addprefix --scenario ,callbacks shared_refs cancel_storm proxies clear finalizers)
stress-short: stress-check ## one second of each scenario, plain and under ThreadSanitizer, and stress-raw
	$qtools/setup --stress
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 1'
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 1' SAN=thread
	+$q$(again) stress-run VARIANT=stress1 STRESS='--seconds 1 $(registry_scenarios)' SAN=thread
	+$q$(again) stress-raw-run VARIANT=stress SAN=address
.PHONY: stress-ci stress-sabotage
stress-ci: ## half a second of each scenario with all perturbations: plain, ThreadSanitizer, AddressSanitizer, one stripe
	$qtools/setup --stress
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 0.5 --perturb all'
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 0.5 --perturb all' SAN=thread
	+$q$(again) stress-run VARIANT=stress STRESS='--seconds 0.5 --perturb all' SAN=address
	+$q$(again) stress-run VARIANT=stress1 STRESS='--seconds 0.5 --perturb all'
	+$q$(again) stress-run VARIANT=stress SAN=thread STRESS='--mix --seconds 5 --perturb all'
stress-sabotage: ## a table of breakages of the library, and what finds each after how long
	$qtools/sabotage --stress --jobs $(JOBS)
stress-program: $B/wr-stress
stress-run: $B/wr-stress
	$q$< $(STRESS)
stress-raw-run: $B/wr-stress
	$qtools/stress-raw $<
