# SPDX-License-Identifier: MIT
# ---- models: the library's own source on the atomics, locks and pages of the checker in tests/model ----
# What the checker has in place of: its neighbours.c says how.
model_without := alloc atomic debug fork holders holders_write os past poison
model_sources := $(filter-out $(model_without:%=src/%.c),$(sort $(wildcard src/*.c))) \
                 $(sort $(wildcard tests/model/*.c))
model_objects := $(patsubst %.c,$B/model/%.o,$(notdir $(model_sources)))
# _GNU_SOURCE without a value: files of the library define it so themselves.
model_flags    = -std=c11 -D_GNU_SOURCE= -Isrc -Itests/model -include tests/model/model_core.h -O2 -g $(warnings) \
                 $(warnings_c) -Iinclude $(CPPFLAGS) -MMD -MP $(CFLAGS)
# The library's lock under other names: it is a model's subject, and its work is the checker's.
$B/model/lock.o: model_flags += -Dlock_take=real_lock_take -Dlock_try=real_lock_try -Dlock_give=real_lock_give

$B/model/flags: FORCE
	$(call remember,$(CC) $(model_flags) / $(model_objects))

$B/model/%.o: src/%.c $B/model/flags
	$(call say,CC)
	$q$(CC) $(model_flags) -c $< -o $@

$B/model/%.o: tests/model/%.c $B/model/flags
	$(call say,CC)
	$q$(CC) $(model_flags) -c $< -o $@

$B/wr-model: $(model_objects)
	$(call say,LD)
	$q$(CC) $(LDFLAGS) $^ -o $@

MODEL ?= *#               run only the models whose name matches this glob
.PHONY: model model-long model-program model-sabotage
model-program: $B/wr-model
model: $B/wr-model ## explore the models: litmus tests, and the library's protocols under C11's memory model
	$q$< --jobs $(JOBS) --model '$(MODEL)'
model-long: $B/wr-model ## the same within wider bounds, and at random
	$q$< --jobs $(JOBS) --long --model '$(MODEL)'
	$q$< --jobs $(JOBS) --random 100000 --model '$(MODEL)'
model-sabotage: ## break the library in each way that a model must find
	$qtools/sabotage --models --jobs $(JOBS)
